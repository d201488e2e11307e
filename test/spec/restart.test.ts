import { describe, expect, it } from 'vitest'
import { parse, problemsOf } from './harness.ts'

describe('a restart policy', () => {
  it('is given by a name alone, with every default', () => {
    expect(parse({ command: 'x', restart: 'unless-stopped' }).restart).toEqual({
      strategy: 'unless-stopped',
      maxAttempts: 3,
      delayMs: 5_000,
      multiplier: 1.5,
      maxDelayMs: 300_000,
      jitter: 0.1,
      resetAfterMs: 60_000,
      windowMs: 600_000,
      successExitCodes: [0],
      successSignals: [],
      noRestartExitCodes: [],
    })
  })

  it.each([
    ['a part takes the other defaults', { strategy: 'on-failure', delayMs: 5 }, { strategy: 'on-failure', delayMs: 5, multiplier: 1.5 }],
    ['a part that is undefined takes the default', { strategy: 'always', delayMs: undefined }, { delayMs: 5_000 }],
    ['signals in any spelling', { strategy: 'always', successSignals: ['term', '1'] }, { successSignals: ['SIGTERM', 'SIGHUP'] }],
    ['no limit', { strategy: 'always', maxAttempts: 0 }, { maxAttempts: 0, windowMs: 600_000 }],
    ['exit codes', { strategy: 'always', successExitCodes: [3, 0], noRestartExitCodes: [2, 255] }, { successExitCodes: [0, 3], noRestartExitCodes: [2, 255] }],
  ])('%s', (_name, restart, expected) => {
    expect(parse({ command: 'x', restart }).restart).toMatchObject(expected)
  })

  it.each([
    ['ten minutes at least', { maxAttempts: 3 }, 600_000],
    ['twice the waits of all attempts', { maxAttempts: 10, delayMs: 60_000, multiplier: 1 }, 1_200_000],
    ['with waits that grow', { maxAttempts: 3, delayMs: 100_000, multiplier: 2 }, 1_200_000],
    ['with waits that are capped', { maxAttempts: 4, delayMs: 100_000, multiplier: 2, maxDelayMs: 100_000 }, 800_000],
    ['a week at most', { maxAttempts: 10_000, delayMs: 604_800_000, multiplier: 1_000, maxDelayMs: 604_800_000 }, 604_800_000],
    ['or what is asked for', { maxAttempts: 3, windowMs: 7 }, 7],
  ])('counts within a window: %s', (_name, restart, windowMs) => {
    expect(parse({ command: 'x', restart: { strategy: 'always', ...restart } }).restart.windowMs).toBe(windowMs)
  })

  it.each([
    ['sometimes', 'restart must be one of never, on-failure, always, unless-stopped, not "sometimes"'],
    [5, 'restart must be one of never, on-failure, always, unless-stopped, or an object, not 5'],
    [null, 'restart must be one of never, on-failure, always, unless-stopped, or an object, not null'],
    [{ strategy: 'often' }, 'restart.strategy must be one of never, on-failure, always, unless-stopped, not "often"'],
    [{ delayMs: 1 }, 'restart.strategy must be one of never, on-failure, always, unless-stopped, not undefined'],
    [
      { strategy: 'always', delay: 1 },
      'restart has no option "delay"; known are strategy, maxAttempts, delayMs, multiplier, maxDelayMs, jitter, resetAfterMs, windowMs, successExitCodes, successSignals, noRestartExitCodes',
    ],
    [{ strategy: 'always', maxRestarts: 1 }, 'restart has no option "maxRestarts"; it is called maxAttempts'],
    [{ strategy: 'always', delayMs: -1 }, 'restart.delayMs must be 0 to 604800000 ms, not -1'],
    [{ strategy: 'always', delayMs: Number.NaN }, 'restart.delayMs must be 0 to 604800000 ms, not NaN'],
    [{ strategy: 'always', maxDelayMs: Number.POSITIVE_INFINITY }, 'restart.maxDelayMs must be 0 to 604800000 ms, not Infinity'],
    [{ strategy: 'always', windowMs: 0 }, 'restart.windowMs must be 1 to 604800000 ms, not 0'],
    [{ strategy: 'always', multiplier: 0.5 }, 'restart.multiplier must be 1 to 1000, not 0.5'],
    [{ strategy: 'always', jitter: 1.1 }, 'restart.jitter must be 0 to 1, not 1.1'],
    [{ strategy: 'always', maxAttempts: 1.5 }, 'restart.maxAttempts must be a whole number, 0 to 10000, not 1.5'],
    [{ strategy: 'always', maxAttempts: 10_001 }, 'restart.maxAttempts must be a whole number, 0 to 10000, not 10001'],
    [{ strategy: 'always', successExitCodes: [256] }, 'restart.successExitCodes must be a list of exit codes, whole numbers from 0 to 255, not [256]'],
    [{ strategy: 'always', noRestartExitCodes: 1 }, 'restart.noRestartExitCodes must be a list of exit codes, whole numbers from 0 to 255, not 1'],
    [{ strategy: 'always', successSignals: ['SIGNOTHING'] }, 'restart: there is no signal "SIGNOTHING" on this machine'],
    [{ strategy: 'always', successSignals: 'SIGTERM' }, 'restart.successSignals must be a list of names of signals, not "SIGTERM"'],
  ])('%j is wrong: %s', (restart, problem) => {
    expect(problemsOf({ command: 'x', restart })).toEqual([problem])
  })
})

describe('a breaker', () => {
  const defaults = { failures: 5, windowMs: 60_000, cooldownMs: 300_000 }
  it.each([
    ['is there where something is restarted', 'on-failure', undefined, defaults],
    ['is asked for', 'always', true, defaults],
    ['is given in part', 'always', { failures: 2 }, { ...defaults, failures: 2 }],
    ['is declined', 'always', false, null],
    ['is of no use where nothing is restarted', 'never', { failures: 2 }, null],
    ['is not there by default', undefined, undefined, null],
  ])('%s', (_name, restart, breaker, expected) => {
    expect(parse({ command: 'x', restart, breaker }).breaker).toEqual(expected)
  })

  it.each([
    ['on', 'breaker must be an object, not "on"'],
    [{ failures: 0 }, 'breaker.failures must be a whole number, 1 to 1000, not 0'],
    [{ windowMs: 0 }, 'breaker.windowMs must be 1 to 604800000 ms, not 0'],
    [{ cooldown: 1 }, 'breaker has no option "cooldown"; known are failures, windowMs, cooldownMs'],
  ])('%j is wrong: %s', (breaker, problem) => {
    expect(problemsOf({ command: 'x', restart: 'always', breaker })).toEqual([problem])
  })
})
