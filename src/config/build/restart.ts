/** What follows the end of a run, and how it is ended: from the file's words to the library's. */
import type { ProcessInput } from '../../api.ts'
import type { RestartStrategy } from '../../types.ts'
import type { Path, Problems } from '../problems.ts'
import type { ProcessAsked } from '../schema/process.ts'
import { withoutUndefined } from '../without-undefined.ts'

type Asked<Key extends keyof ProcessAsked> = NonNullable<ProcessAsked[Key]>

const STRATEGIES: Readonly<Record<string, RestartStrategy>> = { on_failure: 'on-failure', unless_stopped: 'unless-stopped', always: 'always', never: 'never' }

export function toRestart(asked: Asked<'restart'>, path: Path, problems: Problems): ProcessInput['restart'] {
  if (typeof asked === 'string') return STRATEGIES[asked] ?? 'never'
  for (const [name, alias] of [
    ['restart_delay', 'delay'],
    ['backoff_multiplier', 'multiplier'],
  ] as const)
    if (asked[name] !== undefined && asked[alias] !== undefined) problems.add([...path, alias], `is another name of ${name}: give one of them`, 'key')
  return withoutUndefined({
    strategy: STRATEGIES[asked.strategy] ?? 'never',
    maxAttempts: asked.max_attempts,
    delayMs: asked.restart_delay ?? asked.delay,
    multiplier: asked.backoff_multiplier ?? asked.multiplier,
    maxDelayMs: asked.max_delay,
    jitter: asked.jitter,
    resetAfterMs: asked.reset_after,
    windowMs: asked.window,
    successExitCodes: asked.success_exit_codes,
    successSignals: asked.success_signals,
    noRestartExitCodes: asked.no_restart_exit_codes,
  })
}

export function toBreaker(asked: ProcessAsked['breaker']): ProcessInput['breaker'] {
  if (typeof asked !== 'object') return asked
  return withoutUndefined({ failures: asked.failures, windowMs: asked.window, cooldownMs: asked.cooldown })
}

export function toStop({ signal, ladder, timeout }: Asked<'stop'>): ProcessInput['stop'] {
  return withoutUndefined({ signal, ladder: ladder?.map((rung) => ({ signal: rung.signal, afterMs: rung.after ?? 0 })), timeoutMs: timeout })
}

export function toReady(asked: Asked<'ready'>, path: Path, problems: Problems): ProcessInput['ready'] {
  const { log_line: logLine, notify_fd: notifyFd, delay: delayMs } = asked
  const given = Object.entries(asked).filter(([, value]) => value !== undefined)
  if (given.length !== 1)
    problems.add(path, `must have exactly one of log_line, notify_fd, delay, not ${given.length === 0 ? 'none' : given.map(([name]) => name).join(' and ')}`)
  if (logLine !== undefined) return { logLine }
  if (notifyFd !== undefined) return { notifyFd }
  return delayMs === undefined ? undefined : { delayMs }
}
