/** Options about what follows the end of a run. */
import type { ProcessInput } from '../../api.ts'
import { usageError } from '../report.ts'
import { parseChoice } from './choice.ts'
import { parseCount } from './count.ts'
import { parseDuration } from './duration.ts'

/** As commander leaves them. */
export interface RestartOptions {
  readonly restart?: string
  readonly restartDelay?: string
  readonly restartMaxDelay?: string
  readonly maxAttempts?: string
  /** The name that it had once. */
  readonly maxRestarts?: string
  /** False with --no-breaker. */
  readonly breaker?: boolean
}

export function parseRestart(options: RestartOptions): Pick<ProcessInput, 'restart' | 'breaker'> {
  const strategy = parseChoice(options.restart ?? 'never', '--restart', ['never', 'on-failure', 'always', 'unless-stopped'])
  if (options.maxRestarts !== undefined)
    throw usageError('--max-restarts is gone; use --max-attempts, which counts the restarts of one cause within some minutes (default 3; 0: no limit)')
  if (strategy === 'never') {
    const detail = detailOf(options)
    if (detail !== null) throw usageError(`${detail} needs --restart on-failure, --restart always or --restart unless-stopped`)
  }
  return {
    restart: {
      strategy,
      ...(options.restartDelay === undefined ? {} : { delayMs: parseDuration(options.restartDelay, '--restart-delay') }),
      ...(options.restartMaxDelay === undefined ? {} : { maxDelayMs: parseDuration(options.restartMaxDelay, '--restart-max-delay') }),
      ...(options.maxAttempts === undefined ? {} : { maxAttempts: parseCount(options.maxAttempts, '--max-attempts') }),
    },
    ...(options.breaker === false ? { breaker: false } : {}),
  }
}

function detailOf(options: RestartOptions): string | null {
  if (options.restartDelay !== undefined) return '--restart-delay'
  if (options.restartMaxDelay !== undefined) return '--restart-max-delay'
  if (options.maxAttempts !== undefined) return '--max-attempts'
  return options.breaker === false ? '--no-breaker' : null
}
