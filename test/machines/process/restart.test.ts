import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffDelay, decideRestart, type EndFacts } from '../../../src/machines/process/restart.ts'
import type { RestartPolicy } from '../../../src/types.ts'
import { aPolicy, code, EPOCH_MS, OUTCOMES } from '../fixtures.ts'

const STRATEGIES = ['never', 'on-failure', 'always'] as const

const facts = ({ policy, ...part }: Partial<Omit<EndFacts, 'policy'>> & { policy?: Partial<RestartPolicy> } = {}): EndFacts => ({
  policy: aPolicy({ strategy: 'always', ...policy }),
  outcome: code(1),
  attempts: 0,
  cancelled: false,
  startedAtMs: EPOCH_MS,
  endedAtMs: EPOCH_MS + 10,
  nowMs: EPOCH_MS + 3_600_000,
  ...part,
})

describe('whether a process is started again', () => {
  const grid = STRATEGIES.flatMap((strategy) =>
    OUTCOMES.map(([name, outcome, isFailure]) => {
      const isRestarted = strategy === 'always' || (strategy === 'on-failure' && isFailure)
      return { strategy, name, outcome, isRestarted, verdict: isRestarted ? 'restart' : 'stay-down' }
    }),
  )

  it.each(grid)('$strategy after $name: $verdict', ({ strategy, outcome, verdict }) => {
    expect(decideRestart(facts({ policy: { strategy }, outcome })).kind).toBe(verdict)
  })

  it.each(grid)('$strategy after $name, stopped by the user: stay-down', ({ strategy, outcome }) => {
    expect(decideRestart(facts({ policy: { strategy }, outcome, cancelled: true }))).toEqual({ kind: 'stay-down', reason: 'stopped by the user' })
  })

  it.each(grid)('$strategy after $name, all restarts used up: never another one', ({ strategy, outcome, isRestarted }) => {
    const verdict = decideRestart(facts({ policy: { strategy, maxRestarts: 3 }, outcome, attempts: 3 }))
    expect(verdict.kind).toBe(isRestarted ? 'give-up' : 'stay-down')
  })

  it.each([
    ['never', code(1), 'restart policy: never'],
    ['on-failure', code(0), 'ended well, and the restart policy is on-failure'],
    ['on-failure', code(1), 'restart 1 in 1000 ms (on-failure)'],
    ['always', code(0), 'restart 1 in 1000 ms (always)'],
  ] as const)('%s after %o says why', (strategy, outcome, reason) => {
    expect(decideRestart(facts({ policy: { strategy }, outcome })).reason).toBe(reason)
  })
})

describe('the wait before a restart', () => {
  it.each([
    { attempts: 0, policy: {}, delayMs: 1_000 },
    { attempts: 1, policy: {}, delayMs: 2_000 },
    { attempts: 5, policy: {}, delayMs: 32_000 },
    { attempts: 6, policy: {}, delayMs: 60_000 },
    { attempts: 5_000, policy: {}, delayMs: 60_000 },
    { attempts: 9, policy: { multiplier: 1 }, delayMs: 1_000 },
    { attempts: 2, policy: { multiplier: 1.5 }, delayMs: 2_250 },
    { attempts: 1, policy: { delayMs: 3, multiplier: 1.5 }, delayMs: 5 },
    { attempts: 0, policy: { delayMs: 0 }, delayMs: 0 },
    { attempts: 0, policy: { delayMs: 5_000, maxDelayMs: 100 }, delayMs: 100 },
    { attempts: 0, policy: { maxDelayMs: 0 }, delayMs: 0 },
  ])('with $policy after $attempts restarts in a row is $delayMs ms', ({ attempts, policy, delayMs }) => {
    expect(backoffDelay(aPolicy(policy), attempts)).toBe(delayMs)
  })

  it('stays 0 however often a process without a delay was restarted: 0 × 2^1024 was not a number', () => {
    for (const attempts of [1_023, 1_024, 1_000_000]) expect(backoffDelay(aPolicy({ delayMs: 0 }), attempts)).toBe(0)
  })

  it('counts from the end of the run, not from when it was found out', () => {
    expect(decideRestart(facts({ endedAtMs: EPOCH_MS - 3_600_000 }))).toMatchObject({ kind: 'restart', atMs: EPOCH_MS - 3_600_000 + 1_000 })
  })
})

describe('the limit of restarts in a row', () => {
  it.each([
    { maxRestarts: 1, attempts: 0, kind: 'restart', reason: 'restart 1 of 1 in 1000 ms (always)' },
    { maxRestarts: 1, attempts: 1, kind: 'give-up', reason: 'gave up after 1 restart (maxRestarts 1)' },
    { maxRestarts: 2, attempts: 1, kind: 'restart', reason: 'restart 2 of 2 in 2000 ms (always)' },
    { maxRestarts: 2, attempts: 2, kind: 'give-up', reason: 'gave up after 2 restarts (maxRestarts 2)' },
    { maxRestarts: 2, attempts: 9, kind: 'give-up', reason: 'gave up after 9 restarts (maxRestarts 2)' },
    { maxRestarts: 0, attempts: 9_999, kind: 'restart', reason: 'restart 10000 in 60000 ms (always)' },
  ])('maxRestarts $maxRestarts after $attempts: $kind', ({ maxRestarts, attempts, kind, reason }) => {
    expect(decideRestart(facts({ policy: { maxRestarts }, attempts }))).toMatchObject({ kind, reason })
  })

  it.each([
    { lastedMs: 59_999, startedAtMs: EPOCH_MS, attempts: 3 },
    { lastedMs: 60_000, startedAtMs: EPOCH_MS, attempts: 1 },
    { lastedMs: 90_000, startedAtMs: EPOCH_MS, attempts: 1 },
    { lastedMs: 90_000, startedAtMs: null, attempts: 3 },
  ])('a run that lasted $lastedMs ms (started: $startedAtMs) makes the next restart number $attempts', ({ lastedMs, startedAtMs, attempts }) => {
    expect(decideRestart(facts({ attempts: 2, startedAtMs, endedAtMs: EPOCH_MS + lastedMs, nowMs: EPOCH_MS + lastedMs }))).toMatchObject({
      kind: 'restart',
      attempts,
    })
  })

  it.each([
    { attempts: 0, delayMs: 1_000 },
    { attempts: 2, delayMs: 4_000 },
  ])('is not reached by runs that could not begin for want of room in the state directory ($attempts before)', ({ attempts, delayMs }) => {
    const outcome = { kind: 'launch-failed', step: 'intent', errno: 'ENOSPC', path: '/state/jobs/a' } as const
    const verdict = decideRestart(facts({ policy: { maxRestarts: 2 }, outcome, attempts, startedAtMs: null }))
    expect(verdict).toMatchObject({ kind: 'restart', attempts, delayMs, reason: `restart (not counted) in ${delayMs} ms (always)` })
  })

  it('waits for a second with those, however impatient the policy is', () => {
    const outcome = { kind: 'launch-failed', step: 'intent', errno: 'ENOSPC', path: '/state/jobs/a' } as const
    expect(decideRestart(facts({ policy: { delayMs: 0, maxDelayMs: 0 }, outcome, startedAtMs: null }))).toMatchObject({ kind: 'restart', delayMs: 1_000 })
  })

  it('starts anew after a long run, also when it was used up', () => {
    const verdict = decideRestart(facts({ policy: { maxRestarts: 2 }, attempts: 2, endedAtMs: EPOCH_MS + 60_000 }))
    expect(verdict).toMatchObject({ kind: 'restart', attempts: 1, atMs: EPOCH_MS + 61_000, reason: 'restart 1 of 2 in 1000 ms (always)' })
  })
})

describe('for every policy, end and history', () => {
  const anyPolicy = fc.record({
    strategy: fc.constantFrom(...STRATEGIES),
    delayMs: fc.double({ min: 0, max: 6e8, noNaN: true }),
    multiplier: fc.double({ min: 1, max: 1_000, noNaN: true }),
    maxDelayMs: fc.nat(6e8),
    maxRestarts: fc.nat(20),
    resetAfterMs: fc.nat(1e6),
  })
  const anyFacts: fc.Arbitrary<EndFacts> = fc
    .record({
      policy: anyPolicy,
      outcome: fc.constantFrom(...OUTCOMES.map(([, outcome]) => outcome)),
      attempts: fc.oneof(fc.nat(25), fc.nat(1e9)),
      cancelled: fc.boolean(),
      startedAtMs: fc.option(fc.constant(EPOCH_MS)),
      lastedMs: fc.nat(2e6),
    })
    .map(({ lastedMs, ...rest }) => ({ ...rest, endedAtMs: EPOCH_MS + lastedMs, nowMs: EPOCH_MS + lastedMs }))

  it('a restart is at a whole ms from the end to the end plus the cap', () => {
    fc.assert(
      fc.property(anyFacts, (end) => {
        const verdict = decideRestart(end)
        if (verdict.kind !== 'restart') return
        expect(Number.isSafeInteger(verdict.atMs)).toBe(true)
        expect(verdict.atMs).toBeGreaterThanOrEqual(end.endedAtMs)
        expect(verdict.atMs).toBeLessThanOrEqual(end.endedAtMs + end.policy.maxDelayMs)
      }),
    )
  })

  it('no wait is shorter than the one before', () => {
    fc.assert(
      fc.property(anyPolicy, fc.nat(2_000), (policy, attempts) => {
        expect(backoffDelay(policy, attempts + 1)).toBeGreaterThanOrEqual(backoffDelay(policy, attempts))
      }),
    )
  })

  it('a limit is never passed, and a user’s stop or the policy never is never overruled', () => {
    fc.assert(
      fc.property(anyFacts, (end) => {
        const verdict = decideRestart(end)
        if (end.cancelled || end.policy.strategy === 'never') expect(verdict.kind).toBe('stay-down')
        if (verdict.kind === 'restart' && end.policy.maxRestarts > 0) expect(verdict.attempts).toBeLessThanOrEqual(end.policy.maxRestarts)
        if (verdict.kind === 'give-up') expect(end.policy.maxRestarts).toBeGreaterThan(0)
      }),
    )
  })

  it('the same facts give the same verdict, and asking changes nothing', () => {
    fc.assert(
      fc.property(anyFacts, (end) => {
        const before = structuredClone(end)
        expect(decideRestart(end)).toEqual(decideRestart(end))
        expect(end).toEqual(before)
      }),
    )
  })
})
