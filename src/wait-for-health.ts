/** Waits for an address to be well, whoever serves it. */
import { timeoutCause } from './effects/probe/causes.ts'
import { createChecker } from './effects/probe/checker.ts'
import { portOf } from './effects/probe/socket.ts'
import { ProcmanError } from './errors.ts'
import { callAfter, mustBeDuration } from './timers.ts'
import type { ProbeCheck } from './types.ts'

export interface WaitForHealthOptions {
  /** In ms. Default 30 000. */
  readonly timeoutMs?: number
  /** From the end of an attempt to the next, in ms. Default: 100, then twice as long each time up to 1 000. */
  readonly intervalMs?: number
  readonly signal?: AbortSignal
}

const TIMEOUT_MS = 30_000
/** What does not answer may have been asked before it was up. */
const ATTEMPT_MS = 5_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000

/**
 * Asks at once, and again until it passes: a URL passes with status 200 (redirects are not followed), `host:port` when a connection is accepted.
 * @param target `http://…`, `https://…`, `host:port`, `[::1]:port`; the host `localhost` means 127.0.0.1 and ::1
 * @param options a number is `timeoutMs`
 * @throws PROCMAN_TIMEOUT with the reason why it failed last, PROCMAN_ABORTED, PROCMAN_INVALID_ARGUMENT
 */
export async function waitForHealth(target: string, options: number | WaitForHealthOptions = {}): Promise<void> {
  const { timeoutMs = TIMEOUT_MS, intervalMs, signal = new AbortController().signal } = typeof options === 'number' ? { timeoutMs: options } : options
  mustBeDuration('timeoutMs', timeoutMs)
  mustBeDuration('intervalMs', intervalMs)
  const checker = createChecker(checkOf(target), {
    cwd: process.cwd(),
    env: () => ({}),
    probeFunction: () => undefined,
    guard: () => null,
    about: { id: target, run: 0 },
  })
  const endAtMs = performance.now() + timeoutMs
  const leftMs = () => Math.max(0, Math.ceil(endAtMs - performance.now()))
  let reason = ''
  try {
    await checker.prepare()
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const attemptMs = Math.min(ATTEMPT_MS, leftMs())
      const answer = await checker.check(attemptMs, signal)
      if (signal.aborted) break
      if (answer === null || answer.cause === null) return
      // That the last attempt is cut short says less than why the one before has failed.
      if (reason === '' || attemptMs === ATTEMPT_MS || answer.cause !== timeoutCause(attemptMs)) reason = answer.cause
      await pause(Math.min(intervalMs ?? pauseMs, leftMs()), signal)
      if (signal.aborted) break
      if (leftMs() === 0)
        throw new ProcmanError('PROCMAN_TIMEOUT', `${target} is not healthy after ${timeoutMs} ms: ${reason}`, { details: { target, timeoutMs, reason } })
    }
  } finally {
    checker.close()
  }
  throw new ProcmanError('PROCMAN_ABORTED', `the caller stopped waiting for ${target}${reason === '' ? '' : `: ${reason}`}`, {
    details: { target, reason },
    cause: signal.reason,
  })
}

function checkOf(target: string): ProbeCheck {
  if (/^https?:/i.test(target) && URL.canParse(target)) return { kind: 'http', url: target, method: 'GET', headers: {}, status: [[200, 200]], tls: {} }
  const [, host, port] = /^(\[[\da-f:.]+(?:%\w+)?\]|[^\s:/[\]]+):(\d+)$/i.exec(target) ?? []
  if (host !== undefined && port !== undefined && portOf(port) !== null) return { kind: 'tcp', host, port }
  const message = `${JSON.stringify(target)} is no address to wait for: http://host:port/path, https://… or host:port`
  throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', message, { details: { target } })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      stopTimer()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const stopTimer = callAfter(ms, end)
    signal.addEventListener('abort', end)
  })
}
