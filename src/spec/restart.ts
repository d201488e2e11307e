/** When a run that has ended is followed by another: policy and breaker. */
import { canonicalSignal } from '../signals.ts'
import type { BreakerPolicy, RestartPolicy, RestartStrategy } from '../types.ts'
import { isRecord, isWhole, LONGEST_MS, Options, show } from './must.ts'

const STRATEGIES: readonly RestartStrategy[] = ['never', 'on-failure', 'always', 'unless-stopped']
const LEAST_WINDOW_MS = 600_000
const POLICY_OPTIONS = [
  'strategy',
  'maxAttempts',
  'delayMs',
  'multiplier',
  'maxDelayMs',
  'jitter',
  'resetAfterMs',
  'windowMs',
  'successExitCodes',
  'successSignals',
  'noRestartExitCodes',
]
const RENAMED = { maxRestarts: 'maxAttempts', maxRetries: 'maxAttempts' }

export function parseRestart(given: unknown, problems: string[]): RestartPolicy {
  const strategies = `one of ${STRATEGIES.join(', ')}`
  if (given !== undefined && !isRecord(given) && !isStrategy(given))
    problems.push(`restart must be ${strategies}${typeof given === 'string' ? '' : ', or an object'}, not ${show(given)}`)
  const options = new Options(isRecord(given) ? given : { strategy: isStrategy(given) ? given : 'never' }, 'restart', POLICY_OPTIONS, problems, RENAMED)
  const waits = {
    maxAttempts: options.whole('maxAttempts', 3, [0, 10_000]),
    delayMs: options.duration('delayMs', 5_000),
    multiplier: options.number('multiplier', 1.5, [1, 1_000]),
    maxDelayMs: options.duration('maxDelayMs', 300_000),
  }
  return {
    strategy: options.need('strategy', strategies, isStrategy, 'never'),
    ...waits,
    jitter: options.number('jitter', 0.1, [0, 1]),
    resetAfterMs: options.duration('resetAfterMs', 60_000),
    windowMs: options.duration('windowMs', windowOf(waits), 1),
    successExitCodes: [...new Set([0, ...parseExitCodes('successExitCodes', options)])],
    successSignals: parseSignals(options),
    noRestartExitCodes: parseExitCodes('noRestartExitCodes', options),
  }
}

/** @returns null: no breaker, which a process that is never started again does not need */
export function parseBreaker(given: unknown, strategy: RestartStrategy, problems: string[]): BreakerPolicy | null {
  const asked = given === undefined || typeof given === 'boolean' ? {} : given
  const options = new Options(asked, 'breaker', ['failures', 'windowMs', 'cooldownMs'], problems)
  const breaker = {
    failures: options.whole('failures', 5, [1, 1_000]),
    windowMs: options.duration('windowMs', 60_000, 1),
    cooldownMs: options.duration('cooldownMs', 300_000),
  }
  return given === false || strategy === 'never' ? null : breaker
}

/** Twice as long as all attempts take, or they would never be used up: a failure would be forgotten before the last one is made. */
function windowOf({ maxAttempts, delayMs, multiplier, maxDelayMs }: Pick<RestartPolicy, 'maxAttempts' | 'delayMs' | 'multiplier' | 'maxDelayMs'>): number {
  let waitsMs = 0
  for (let restart = 0; restart < maxAttempts; restart++) waitsMs += Math.min(delayMs * multiplier ** restart, maxDelayMs)
  return Math.min(Math.max(LEAST_WINDOW_MS, 2 * waitsMs), LONGEST_MS)
}

function parseExitCodes(name: string, options: Options): readonly number[] {
  const areCodes = (value: unknown): value is readonly number[] => Array.isArray(value) && [...value].every((code) => isWhole(code, 0, 255))
  return [...options.read(name, 'a list of exit codes, whole numbers from 0 to 255', areCodes, [])]
}

function parseSignals(options: Options): readonly string[] {
  const areNames = (value: unknown): value is readonly string[] => Array.isArray(value) && [...value].every((name) => typeof name === 'string')
  return options.read('successSignals', 'a list of names of signals', areNames, []).map((name) => {
    const signal = canonicalSignal(name)
    if (signal === null) options.problems.push(`restart: there is no signal ${show(name)} on this machine`)
    return signal ?? name
  })
}

function isStrategy(value: unknown): value is RestartStrategy {
  return STRATEGIES.some((strategy) => strategy === value)
}
