/** Asks one probe at its times, never two at once, and tells each answer that is one. */
import { intervalInForce } from '../../probe-interval.ts'
import type { ProbeName, ProbeSpec } from '../../types.ts'
import { isAlive } from '../run/identity.ts'
import type { Checker } from './checker.ts'
import type { HealthView } from './ports.ts'
import { firstProbeInMs, gapBetween, nextProbeAtMs, spreadOf } from './schedule.ts'
import { isSuspended } from './suspended.ts'
import type { Part, UpRun } from './up-run.ts'

/** A command that is dying closes its sockets before it is a zombie: what fails is believed when it still lives so much later. */
const AFTERMATH_MS = 50

export class Prober implements Part {
  readonly #up: UpRun
  readonly #name: ProbeName
  readonly #spec: ProbeSpec
  readonly #createChecker: () => Checker
  readonly #spread: number
  #checker: Checker | undefined
  #intervalMs: number | undefined
  /** To the next probe; the interval, but for once when that changes. */
  #gapMs = 0
  /** Planned time of the last probe, by the monotonic clock. */
  #lastAtMs: number | undefined
  #stopWaiting: (() => void) | undefined
  /** One for all probes: whoever listens to it stops when a probe is over. */
  readonly #closing = new AbortController()
  #isAsking = false
  #hasAsked = false
  #isReady = false

  /** @param createChecker called when it is first needed */
  constructor(up: UpRun, name: ProbeName, spec: ProbeSpec, createChecker: () => Checker) {
    this.#up = up
    this.#name = name
    this.#spec = spec
    this.#createChecker = createChecker
    this.#spread = spreadOf(up.id, name)
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** It was asked by this manager, whatever came of it. One that was skipped, since the command is suspended, or that cannot be asked here, was not. */
  get hasAsked(): boolean {
    return this.#hasAsked
  }

  review(view: HealthView): void {
    this.#isReady = view.readyAtMs !== null
    const intervalMs = intervalInForce(this.#name, this.#spec, this.#isReady || view.hasBeenReady)
    if (this.#isClosed || intervalMs === this.#intervalMs) return
    const before = this.#intervalMs
    this.#intervalMs = intervalMs
    this.#gapMs = before === undefined ? intervalMs : gapBetween(before, intervalMs, this.#spread)
    if (before === undefined) this.#begin(view, intervalMs)
    else if (this.#lastAtMs !== undefined && !this.#isAsking) this.#waitForNext(this.#lastAtMs, intervalMs)
  }

  close(): void {
    if (this.#isClosed) return
    this.#stopWaiting?.()
    this.#closing.abort()
    try {
      this.#checker?.close()
    } catch (error) {
      this.#up.trouble(error)
    }
  }

  #begin(view: HealthView, intervalMs: number): void {
    const waitMs = firstProbeInMs({
      startedAtMs: this.#up.startedAtMs,
      lastAtMs: view.probes[this.#name]?.results.at(-1)?.atMs,
      nowMs: this.#up.nowMs(),
      initialDelayMs: this.#spec.initialDelayMs,
      intervalMs,
      spread: this.#spread,
    })
    this.#waitUntil(performance.now() + waitMs)
  }

  #waitForNext(lastAtMs: number, intervalMs: number): void {
    this.#waitUntil(nextProbeAtMs({ lastAtMs, gapMs: this.#gapMs, intervalMs, nowMs: performance.now() }))
  }

  #waitUntil(atMs: number): void {
    this.#stopWaiting?.()
    this.#stopWaiting = this.#up.after(Math.max(0, atMs - performance.now()), () => void this.#takeTurn(atMs))
  }

  async #takeTurn(plannedAtMs: number): Promise<void> {
    this.#lastAtMs = plannedAtMs
    this.#isAsking = true
    try {
      await this.#ask(this.#closing.signal)
    } catch (error) {
      this.#up.trouble(error)
      this.#asked()
    }
    this.#isAsking = false
    if (this.#isClosed || this.#intervalMs === undefined) return
    this.#waitForNext(plannedAtMs, this.#intervalMs)
    this.#gapMs = this.#intervalMs
  }

  async #ask(signal: AbortSignal): Promise<void> {
    this.#checker ??= this.#createChecker()
    await this.#checker.prepare()
    if ((await this.#isPaused()) || signal.aborted) return
    const atMs = this.#up.nowMs()
    const beganAtMs = performance.now()
    const answer = await this.#checker.check(this.#spec.timeoutMs, signal)
    const latencyMs = Math.round((performance.now() - beganAtMs) * 10) / 10
    if (signal.aborted) return
    if (answer === null) return
    const { cause, body } = answer
    if (!(cause === null ? this.#isToPraise() : await this.#isToBlame(signal))) return
    this.#hasAsked = true
    const about = { run: this.#up.run, probe: this.#name, latencyMs, body, atMs }
    this.#up.tell(cause === null ? { type: 'probe.passed', ...about } : { type: 'probe.failed', ...about, reason: cause })
  }

  #asked(): void {
    this.#hasAsked = true
    this.#up.review()
  }

  /**
   * Somebody else may have answered in the place of a command that has just ended: what would make it ready is looked at twice. Elsewhere than on Linux that look
   * costs a process.
   */
  #isToPraise(): boolean {
    return this.#isReady || process.platform !== 'linux' || isAlive(this.#up.identity)
  }

  /** A failure of a command that has ended, or was stopped over it, says nothing. */
  async #isToBlame(signal: AbortSignal): Promise<boolean> {
    await pause(AFTERMATH_MS, signal)
    if (signal.aborted || !isAlive(this.#up.identity)) return false
    return !(await this.#isPaused()) && !signal.aborted
  }

  async #isPaused(): Promise<boolean> {
    return this.#up.spec.health?.pauseWhenSuspended === true && (await isSuspended(this.#up.identity.pid))
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
