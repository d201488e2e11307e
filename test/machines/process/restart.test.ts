import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffDelay, decideRestart, type EndFacts, isSuccess, type RestartVerdict } from '../../../src/machines/process/restart.ts'
import type { LaunchFailure, RestartCause, RestartPolicy } from '../../../src/types.ts'
import { aBreaker, aPolicy, code, EPOCH_MS, notFound, OUTCOMES, signal } from '../fixtures.ts'

const STRATEGIES = ['never', 'on-failure', 'always', 'unless-stopped'] as const
const CAUSES = ['crash', 'health', 'start', 'resource', 'port'] as const
const noRoom: LaunchFailure = { kind: 'launch-failed', step: 'intent', errno: 'ENOSPC', path: '/state/jobs/a' }
const noPort: LaunchFailure = { kind: 'launch-failed', step: 'port', errno: 'EADDRINUSE', detail: 'port http: none of 8000 to 8010 is free' }
const badTemplate: LaunchFailure = { kind: 'launch-failed', step: 'template', errno: 'EINVAL', detail: 'args: there is no ${x}' }

type Part = Partial<Omit<EndFacts, 'policy'>> & { readonly policy?: Partial<RestartPolicy> }

/** The end of a run that was up for 10 ms, found out an hour later. */
const facts = ({ policy, ...part }: Part = {}): EndFacts => ({
  policy: aPolicy({ strategy: 'always', ...policy }),
  breakerPolicy: null,
  outcome: code(1),
  endedFor: null,
  hasConflict: false,
  counters: {},
  breaker: null,
  cancelled: false,
  startedAtMs: EPOCH_MS,
  readyAtMs: EPOCH_MS,
  endedAtMs: EPOCH_MS + 10,
  nowMs: EPOCH_MS + 3_600_000,
  draw: 0.5,
  ...part,
})

const decide = (part: Part = {}): RestartVerdict => decideRestart(facts(part))

/** So many restarts in a row, the last one a second ago, one a second. */
const counted = (cause: RestartCause, restarts: number, agoMs = 1_000) => ({
  [cause]: { streak: restarts, atMs: Array.from({ length: restarts }, (_, index) => EPOCH_MS + 10 - agoMs - (restarts - 1 - index) * 1_000) },
})

describe('whether a process is started again', () => {
  const grid = STRATEGIES.flatMap((strategy) =>
    OUTCOMES.map(([name, outcome, isFailure]) => {
      const isRestarted = strategy === 'always' || strategy === 'unless-stopped' || (strategy === 'on-failure' && isFailure)
      return { strategy, name, outcome, isRestarted, verdict: isRestarted ? 'restart' : 'stay-down' }
    }),
  )

  it.each(grid)('$strategy after $name: $verdict', ({ strategy, outcome, verdict }) => {
    expect(decide({ policy: { strategy }, outcome }).kind).toBe(verdict)
  })

  it.each(grid)('$strategy after $name, stopped by the user: stay-down', ({ strategy, outcome }) => {
    expect(decide({ policy: { strategy }, outcome, cancelled: true })).toEqual({ kind: 'stay-down', breaker: null, reason: 'stopped by the user' })
  })

  it.each(grid)('$strategy after $name, all restarts used up: never another one', ({ strategy, outcome, isRestarted }) => {
    const counters = { ...counted('crash', 3), ...counted('start', 3) }
    expect(decide({ policy: { strategy, maxAttempts: 3 }, outcome, counters }).kind).toBe(isRestarted ? 'give-up' : 'stay-down')
  })

  const ended = STRATEGIES.flatMap((strategy) =>
    (['health', 'start', 'resource'] as const).flatMap((endedFor) =>
      OUTCOMES.map(([name, outcome]) => ({ strategy, endedFor, name, outcome, verdict: strategy === 'never' ? 'stay-down' : 'restart' })),
    ),
  )

  it.each(ended)(
    '$strategy after procman ended it for $endedFor, with $name: $verdict, however well that end looks',
    ({ strategy, endedFor, outcome, verdict }) => {
      const decided = decide({ policy: { strategy }, outcome, endedFor })
      expect(decided.kind).toBe(verdict)
      if (decided.kind === 'restart') expect(Object.keys(decided.counters)).toEqual([endedFor])
    },
  )

  it.each(ended)('$strategy after procman ended it for $endedFor, with $name, and the user stopped it: stay-down', ({ strategy, endedFor, outcome }) => {
    expect(decide({ policy: { strategy }, outcome, endedFor, cancelled: true })).toMatchObject({ kind: 'stay-down', reason: 'stopped by the user' })
  })

  it.each([
    ['never', code(1), 'restart policy: never'],
    ['on-failure', code(0), 'no failure, and the restart policy is on-failure'],
    ['on-failure', code(1), 'restart 1 in 1000 ms (on-failure)'],
    ['always', code(0), 'restart 1 in 1000 ms (always)'],
    ['unless-stopped', code(0), 'restart 1 in 1000 ms (unless-stopped)'],
  ] as const)('%s after %o says why', (strategy, outcome, reason) => {
    expect(decide({ policy: { strategy }, outcome }).reason).toBe(reason)
  })
})

describe('what counts as a failure', () => {
  it.each([
    [{}, code(0), true],
    [{}, code(3), false],
    [{}, signal('SIGTERM'), false],
    [{ successExitCodes: [0, 3] }, code(3), true],
    [{ successExitCodes: [3] }, code(0), false],
    [{ successExitCodes: [] }, code(0), false],
    [{ successSignals: ['SIGTERM', 'SIGINT'] }, signal('SIGTERM'), true],
    [{ successSignals: ['SIGINT'] }, signal('SIGTERM'), false],
    [{ successExitCodes: [143], successSignals: [] }, signal('SIGTERM'), false],
    [{}, notFound, false],
  ] as const)('with %j, %j ended well: %s', (policy, outcome, isWell) => {
    expect(isSuccess(outcome, aPolicy(policy))).toBe(isWell)
    expect(decide({ policy: { strategy: 'on-failure', ...policy }, outcome }).kind).toBe(isWell ? 'stay-down' : 'restart')
    expect(decide({ policy: { strategy: 'always', ...policy }, outcome }).kind).toBe('restart')
  })

  it.each(['on-failure', 'always', 'unless-stopped'] as const)('%s: exit codes after which it is not started again, whatever the strategy', (strategy) => {
    const policy = { strategy, noRestartExitCodes: [2, 78] }
    expect(decide({ policy, outcome: code(78) })).toMatchObject({ kind: 'stay-down', reason: 'exit code 78 is one of noRestartExitCodes' })
    expect(decide({ policy, outcome: code(1) }).kind).toBe('restart')
    expect(decide({ policy, outcome: signal('SIGKILL') }).kind).toBe('restart')
  })

  it('such an exit code is not believed when procman itself has ended the run', () => {
    expect(decide({ policy: { noRestartExitCodes: [2] }, outcome: code(2), endedFor: 'health' }).kind).toBe('restart')
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
    { attempts: 0, policy: { delayMs: 5_000, multiplier: 1.5, maxDelayMs: 300_000 }, delayMs: 5_000 },
    { attempts: 3, policy: { delayMs: 5_000, multiplier: 1.5, maxDelayMs: 300_000 }, delayMs: 16_875 },
    { attempts: 11, policy: { delayMs: 5_000, multiplier: 1.5, maxDelayMs: 300_000 }, delayMs: 300_000 },
  ])('with $policy after $attempts restarts in a row is $delayMs ms', ({ attempts, policy, delayMs }) => {
    for (const draw of [0, 0.5, 1]) expect(backoffDelay(aPolicy(policy), attempts, draw)).toBe(delayMs)
  })

  it.each([
    { draw: 0, attempts: 0, jitter: 0.1, delayMs: 900 },
    { draw: 0.5, attempts: 0, jitter: 0.1, delayMs: 1_000 },
    { draw: 1, attempts: 0, jitter: 0.1, delayMs: 1_100 },
    { draw: 0, attempts: 2, jitter: 0.5, delayMs: 2_000 },
    { draw: 1, attempts: 2, jitter: 0.5, delayMs: 6_000 },
    { draw: 0, attempts: 0, jitter: 1, delayMs: 0 },
    { draw: 1, attempts: 0, jitter: 1, delayMs: 2_000 },
    // Near the cap and at it they are spread below it.
    { draw: 0, attempts: 5, jitter: 0.9, delayMs: 3_200 },
    { draw: 1, attempts: 5, jitter: 0.9, delayMs: 60_000 },
    { draw: 0, attempts: 9, jitter: 0.1, delayMs: 54_000 },
    { draw: 0.5, attempts: 9, jitter: 0.1, delayMs: 57_000 },
    { draw: 1, attempts: 9, jitter: 0.1, delayMs: 60_000 },
  ])('with jitter $jitter, drawn $draw, after $attempts: $delayMs ms', ({ draw, attempts, jitter, delayMs }) => {
    expect(backoffDelay(aPolicy({ jitter }), attempts, draw)).toBe(delayMs)
  })

  it('stays 0 however often a process without a delay was restarted: 0 × 2^1024 was not a number', () => {
    for (const attempts of [1_023, 1_024, 1_000_000]) expect(backoffDelay(aPolicy({ delayMs: 0, jitter: 0.1 }), attempts, 0.5)).toBe(0)
  })

  it('counts from the end of the run, not from when it was found out', () => {
    expect(decide({ endedAtMs: EPOCH_MS - 3_600_000 })).toMatchObject({ kind: 'restart', atMs: EPOCH_MS - 3_600_000 + 1_000, delayMs: 1_000 })
  })

  it('counts from now when the clock was set back after the end, or it would be waited for until the clock is there again', () => {
    expect(decide({ endedAtMs: EPOCH_MS + 3_600_000, nowMs: EPOCH_MS })).toMatchObject({ kind: 'restart', atMs: EPOCH_MS + 1_000, delayMs: 1_000 })
  })
})

describe('the waits begin anew', () => {
  it.each([
    { name: 'a run that was ready for long', readyAtMs: EPOCH_MS, endedAtMs: EPOCH_MS + 60_000, delayMs: 1_000 },
    { name: 'a run that was ready for a ms less', readyAtMs: EPOCH_MS, endedAtMs: EPOCH_MS + 59_999, delayMs: 8_000 },
    { name: 'a run that was up for long and never ready', readyAtMs: null, endedAtMs: EPOCH_MS + 3_600_000, delayMs: 8_000 },
    { name: 'a run that was ready late', readyAtMs: EPOCH_MS + 50_000, endedAtMs: EPOCH_MS + 60_000, delayMs: 8_000 },
  ])('after $name: $delayMs ms', ({ readyAtMs, endedAtMs, delayMs }) => {
    const verdict = decide({ readyAtMs, endedAtMs, counters: { crash: { streak: 3, atMs: [] } } })
    expect(verdict).toMatchObject({ kind: 'restart', delayMs })
  })

  it('for every cause, while the window goes on counting', () => {
    const counters = { crash: { streak: 4, atMs: [EPOCH_MS - 1] }, health: { streak: 2, atMs: [EPOCH_MS - 2] } }
    const verdict = decide({ endedAtMs: EPOCH_MS + 60_000, counters })
    expect(verdict).toMatchObject({
      counters: { crash: { streak: 1, atMs: [EPOCH_MS - 1, EPOCH_MS + 60_000] }, health: { streak: 0, atMs: [EPOCH_MS - 2] } },
      reason: 'restart 2 in 1000 ms (always)',
    })
  })
})

describe('the budget within the window', () => {
  it.each([
    { maxAttempts: 1, before: 0, kind: 'restart', reason: 'restart 1 of 1 in 1000 ms (always)' },
    { maxAttempts: 1, before: 1, kind: 'give-up', reason: 'gave up after 1 restart for its own end within 10m (maxAttempts 1)' },
    { maxAttempts: 2, before: 1, kind: 'restart', reason: 'restart 2 of 2 in 2000 ms (always)' },
    { maxAttempts: 2, before: 2, kind: 'give-up', reason: 'gave up after 2 restarts for its own end within 10m (maxAttempts 2)' },
    { maxAttempts: 2, before: 9, kind: 'give-up', reason: 'gave up after 9 restarts for its own end within 10m (maxAttempts 2)' },
    { maxAttempts: 0, before: 400, kind: 'restart', reason: 'restart 401 in 60000 ms (always)' },
  ])('maxAttempts $maxAttempts after $before: $kind', ({ maxAttempts, before, kind, reason }) => {
    expect(decide({ policy: { maxAttempts }, counters: counted('crash', before) })).toMatchObject({ kind, reason })
  })

  it.each([
    { agoMs: 599_999, kind: 'give-up' },
    { agoMs: 600_000, kind: 'restart' },
  ])('a restart $agoMs ms ago: $kind', ({ agoMs, kind }) => {
    expect(decide({ policy: { maxAttempts: 1 }, counters: counted('crash', 1, agoMs) }).kind).toBe(kind)
  })

  it.each(CAUSES)('%s: each cause has its own, and uses up no other one', (cause) => {
    const ends: Readonly<Record<RestartCause, Part>> = {
      crash: {},
      health: { endedFor: 'health' },
      start: { outcome: notFound },
      resource: { endedFor: 'resource' },
      port: { hasConflict: true },
    }
    const others = Object.assign({}, ...CAUSES.filter((each) => each !== cause).map((each) => counted(each, 5)))
    const verdict = decide({ ...ends[cause], policy: { maxAttempts: 3 }, counters: others })
    expect(verdict).toMatchObject({ kind: 'restart', counters: { ...others, [cause]: { streak: 1, atMs: [EPOCH_MS + 10] } } })
    expect(decide({ ...ends[cause], policy: { maxAttempts: 3 }, counters: counted(cause, 3) }).kind).toBe('give-up')
  })

  it.each([
    ['health', { endedFor: 'health' }, 'restart 1 of 3 for failed health in 1000 ms (always)'],
    ['unready', { endedFor: 'start' }, 'restart 1 of 3 for failed start in 1000 ms (always)'],
    ['a resource', { endedFor: 'resource' }, 'restart 1 of 3 for too much of a resource in 1000 ms (always)'],
    ['a port', { hasConflict: true }, 'restart 1 of 3 for a port in use in 0 ms (always)'],
  ] as const)('of %s is named', (_name, part, reason) => {
    expect(decide({ ...part, policy: { maxAttempts: 3 } }).reason).toBe(reason)
  })

  it.each([
    { streak: 1, delayMs: 2_000 },
    { streak: 2, delayMs: 4_000 },
  ])('is not touched by runs that could not begin for want of room in the state directory ($streak before)', ({ streak, delayMs }) => {
    const counters = counted('crash', streak)
    const verdict = decide({ policy: { maxAttempts: 2 }, outcome: noRoom, counters, startedAtMs: null, readyAtMs: null })
    expect(verdict).toMatchObject({ kind: 'restart', counters, delayMs, reason: `restart (not counted) in ${delayMs} ms (always)` })
  })

  it('waits for a second with those, however impatient the policy is', () => {
    expect(decide({ policy: { delayMs: 0, maxDelayMs: 0 }, outcome: noRoom, startedAtMs: null })).toMatchObject({ kind: 'restart', delayMs: 1_000 })
  })
})

describe('a start that cannot succeed', () => {
  const steps = (['cwd', 'log', 'fork', 'command', 'interpreter', 'keeper', 'template'] as const).map((step) => ({ step }))

  it.each(steps)('$step: is tried again at the slow end, at once and each time, and counted as a failed start', ({ step }) => {
    const outcome: LaunchFailure = { kind: 'launch-failed', step, errno: 'ENOENT' }
    for (const streak of [0, 1, 7]) {
      const verdict = decide({ outcome, startedAtMs: null, readyAtMs: null, counters: { start: { streak, atMs: [] } } })
      expect(verdict).toMatchObject({ kind: 'restart', delayMs: 60_000, counters: { start: { streak: streak + 1 } } })
    }
  })

  it('is spread below the cap', () => {
    expect(decide({ outcome: badTemplate, policy: { jitter: 0.1 }, draw: 0 })).toMatchObject({ delayMs: 54_000 })
    expect(decide({ outcome: badTemplate, policy: { jitter: 0.1 }, draw: 1 })).toMatchObject({ delayMs: 60_000 })
  })

  it('is another thing than not being ready in time, which waits as a crash does', () => {
    expect(decide({ endedFor: 'start', readyAtMs: null })).toMatchObject({ delayMs: 1_000, counters: { start: { streak: 1 } } })
  })
})

describe('a port that somebody else holds', () => {
  it.each([
    { streak: 0, delayMs: 0 },
    { streak: 1, delayMs: 1_000 },
    { streak: 2, delayMs: 2_000 },
  ])('another one is tried at once, then after waits ($streak before: $delayMs ms), counted apart', ({ streak, delayMs }) => {
    const crash = { streak: 5, atMs: [] }
    const verdict = decide({ hasConflict: true, readyAtMs: null, counters: { crash, port: { streak, atMs: [] } } })
    expect(verdict).toMatchObject({ kind: 'restart', delayMs, counters: { crash, port: { streak: streak + 1 } } })
  })

  it.each([
    { name: 'early', readyAtMs: EPOCH_MS, endedAtMs: EPOCH_MS + 9_999, cause: 'port' },
    { name: 'late, and was ready', readyAtMs: EPOCH_MS, endedAtMs: EPOCH_MS + 10_000, cause: 'crash' },
    { name: 'late, and was never ready', readyAtMs: null, endedAtMs: EPOCH_MS + 50_000, cause: 'port' },
  ])('is the cause of an end that came $name: $cause', ({ readyAtMs, endedAtMs, cause }) => {
    expect(decide({ hasConflict: true, readyAtMs, endedAtMs })).toMatchObject({ counters: { [cause]: { streak: 1 } } })
  })

  it('is not the cause when procman has ended the run for another one', () => {
    expect(decide({ hasConflict: true, endedFor: 'health' })).toMatchObject({ counters: { health: { streak: 1 } } })
  })

  it('of which there is none to be had waits as a crash does, counted apart', () => {
    expect(decide({ outcome: noPort, startedAtMs: null, readyAtMs: null })).toMatchObject({ delayMs: 1_000, counters: { port: { streak: 1 } } })
  })

  it.each(['closed', 'half-open'] as const)('says nothing about the process: a breaker that is %s stays so', (state) => {
    const breaker = { state, failuresAtMs: [EPOCH_MS], openUntilMs: null }
    for (const part of [{ hasConflict: true }, { outcome: noPort }]) expect(decide({ ...part, breaker, breakerPolicy: aBreaker() })).toMatchObject({ breaker })
  })
})

describe('the circuit breaker in the verdict', () => {
  const breakerPolicy = aBreaker({ failures: 3, windowMs: 60_000, cooldownMs: 300_000 })
  const failuresAtMs = [EPOCH_MS - 2_000, EPOCH_MS - 1_000]
  const openUntilMs = EPOCH_MS + 10 + 300_000

  it('that opens makes the wait as long as its cooldown, and says why', () => {
    expect(decide({ breakerPolicy, breaker: { state: 'closed', failuresAtMs, openUntilMs: null } })).toMatchObject({
      kind: 'restart',
      atMs: openUntilMs,
      delayMs: 300_000,
      breaker: { state: 'open', openUntilMs },
      counters: { crash: { streak: 1 } },
      reason: 'the circuit breaker is open (3 failures within 1m): a trial run in 5m',
    })
  })

  it('opens again when the trial run fails, with one failure', () => {
    expect(decide({ breakerPolicy, breaker: { state: 'half-open', failuresAtMs: [], openUntilMs: null } })).toMatchObject({
      atMs: openUntilMs,
      breaker: { state: 'open' },
      reason: 'the circuit breaker is open (the trial run failed): a trial run in 5m',
    })
  })

  it.each(['always', 'on-failure'] as const)('is closed by a trial run that ended well (%s)', (strategy) => {
    const breaker = { state: 'half-open', failuresAtMs, openUntilMs: null } as const
    expect(decide({ policy: { strategy }, outcome: code(0), breakerPolicy, breaker }).breaker).toBeNull()
  })

  it('stays half-open when the user has stopped the trial run', () => {
    const breaker = { state: 'half-open', failuresAtMs, openUntilMs: null } as const
    expect(decide({ breakerPolicy, breaker, cancelled: true })).toMatchObject({ kind: 'stay-down', breaker })
  })

  it('does not come before giving up', () => {
    const verdict = decide({
      policy: { maxAttempts: 2 },
      counters: counted('crash', 2),
      breakerPolicy,
      breaker: { state: 'closed', failuresAtMs, openUntilMs: null },
    })
    expect(verdict).toMatchObject({ kind: 'give-up', breaker: { state: 'open' } })
  })

  it('that a damaged file says is open while a run is up makes no wait that has passed before it began', () => {
    const breaker = { state: 'open', failuresAtMs: [], openUntilMs: EPOCH_MS - 1_000 } as const
    expect(decide({ hasConflict: true, breaker })).toMatchObject({ kind: 'restart', atMs: EPOCH_MS + 10, delayMs: 0 })
  })

  it('takes no part in a start that only procman is to blame for', () => {
    const breaker = { state: 'half-open', failuresAtMs, openUntilMs: null } as const
    expect(decide({ outcome: noRoom, breakerPolicy, breaker })).toMatchObject({ kind: 'restart', breaker })
  })
})

/** A process that lives for so long, is restarted as the policy says, and so on. @returns the restarts, and whether it gave up */
function simulate(policy: RestartPolicy, lifeMs: number, untilMs: number): { readonly restarts: number; readonly gaveUp: boolean; readonly atMs: number } {
  let atMs = EPOCH_MS
  let counters: EndFacts['counters'] = {}
  for (let restarts = 0; atMs < EPOCH_MS + untilMs; restarts++) {
    const endedAtMs = atMs + lifeMs
    const verdict = decideRestart(facts({ policy, counters, startedAtMs: atMs, readyAtMs: atMs, endedAtMs, nowMs: endedAtMs }))
    if (verdict.kind !== 'restart') return { restarts, gaveUp: true, atMs: endedAtMs - EPOCH_MS }
    counters = verdict.counters
    atMs = verdict.atMs
  }
  return { restarts: Number.POSITIVE_INFINITY, gaveUp: false, atMs: atMs - EPOCH_MS }
}

describe('in the long run', () => {
  const DAY_MS = 24 * 3_600_000

  it('a process that lives for 1.1 s gives up after maxAttempts, though the waits begin anew after 1 s each time', () => {
    const policy = aPolicy({ strategy: 'always', maxAttempts: 3, delayMs: 100, resetAfterMs: 1_000 })
    expect(simulate(policy, 1_100, DAY_MS)).toEqual({ restarts: 3, gaveUp: true, atMs: 4 * 1_100 + 3 * 100 })
  })

  it('one that fails once a day never gives up: not within a year', () => {
    const policy = aPolicy({ strategy: 'always', maxAttempts: 3, delayMs: 100 })
    expect(simulate(policy, DAY_MS, 365 * DAY_MS)).toMatchObject({ gaveUp: false })
  })

  it('without a limit keeps few of its times', () => {
    let counters: EndFacts['counters'] = {}
    for (let end = 1; end <= 500; end++) {
      const verdict = decide({ counters, endedAtMs: EPOCH_MS + end })
      if (verdict.kind === 'restart') counters = verdict.counters
    }
    expect(counters.crash).toMatchObject({ streak: 500, atMs: { length: 20 } })
  })

  it('a clock that was a year ahead for a while does not use up the budget for a year', () => {
    const yearMs = 365 * DAY_MS
    const policy = { maxAttempts: 3 }
    let counters: EndFacts['counters'] = { crash: { streak: 3, atMs: [1, 2, 3].map((second) => EPOCH_MS + yearMs + second * 1_000) } }
    const first = decide({ policy, counters, nowMs: EPOCH_MS + 10 })
    expect(first.kind).toBe('give-up') // as of now they count
    counters = { crash: { streak: 2, atMs: [EPOCH_MS + yearMs, EPOCH_MS + yearMs + 1_000] } }
    const second = decide({ policy, counters, nowMs: EPOCH_MS + 10 })
    if (second.kind !== 'restart') throw new Error(second.reason)
    expect(second.counters.crash?.atMs).toEqual([EPOCH_MS + 10, EPOCH_MS + 10, EPOCH_MS + 10])
    const later = EPOCH_MS + 10 + 600_000
    expect(decide({ policy, counters: second.counters, endedAtMs: later, nowMs: later })).toMatchObject({ reason: expect.stringContaining('restart 1 of 3') })
  })
})

describe('for every policy, end and history', () => {
  const anyPolicy: fc.Arbitrary<RestartPolicy> = fc.record({
    strategy: fc.constantFrom(...STRATEGIES),
    maxAttempts: fc.nat(20),
    delayMs: fc.double({ min: 0, max: 6e8, noNaN: true }),
    multiplier: fc.double({ min: 1, max: 1_000, noNaN: true }),
    maxDelayMs: fc.nat(6e8),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    resetAfterMs: fc.nat(1e6),
    windowMs: fc.nat(1e6),
    successExitCodes: fc.constantFrom([0], [], [0, 1]),
    successSignals: fc.constantFrom([], ['SIGTERM']),
    noRestartExitCodes: fc.constantFrom([], [137]),
  })
  const anyCounter = fc.record({
    streak: fc.oneof(fc.nat(25), fc.nat(1e9)),
    atMs: fc.array(fc.integer({ min: EPOCH_MS - 2e6, max: EPOCH_MS + 1e6 }), { maxLength: 25 }),
  })
  const anyBreaker = fc.option(
    fc.record({
      state: fc.constantFrom('closed' as const, 'half-open' as const),
      failuresAtMs: fc.array(fc.integer({ min: EPOCH_MS - 1e6, max: EPOCH_MS })),
      openUntilMs: fc.constant(null),
    }),
  )
  const anyFacts: fc.Arbitrary<EndFacts> = fc
    .record({
      policy: anyPolicy,
      breakerPolicy: fc.option(fc.record({ failures: fc.integer({ min: 1, max: 9 }), windowMs: fc.nat(1e6), cooldownMs: fc.nat(1e6) })),
      outcome: fc.constantFrom(noRoom, noPort, ...OUTCOMES.map(([, outcome]) => outcome)),
      endedFor: fc.option(fc.constantFrom('health' as const, 'start' as const, 'resource' as const)),
      hasConflict: fc.boolean(),
      counters: fc.dictionary(fc.constantFrom(...CAUSES), anyCounter, { noNullPrototype: true }),
      breaker: anyBreaker,
      cancelled: fc.boolean(),
      startedAtMs: fc.option(fc.constant(EPOCH_MS)),
      readyAtMs: fc.option(fc.constant(EPOCH_MS + 5)),
      lastedMs: fc.nat(2e6),
      draw: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ lastedMs, ...rest }) => ({ ...rest, endedAtMs: EPOCH_MS + lastedMs, nowMs: EPOCH_MS + lastedMs }))

  it('a restart is at a whole ms from the end to the end plus the cap, or the cooldown', () => {
    fc.assert(
      fc.property(anyFacts, (end) => {
        const verdict = decideRestart(end)
        if (verdict.kind !== 'restart') return
        const longestMs = verdict.breaker?.state === 'open' ? (end.breakerPolicy?.cooldownMs ?? 0) : Math.max(1_000, end.policy.maxDelayMs)
        expect(Number.isSafeInteger(verdict.atMs)).toBe(true)
        expect(verdict.atMs).toBe(end.endedAtMs + verdict.delayMs)
        expect(verdict.delayMs).toBeGreaterThanOrEqual(0)
        expect(verdict.delayMs).toBeLessThanOrEqual(longestMs)
      }),
    )
  })

  it('no wait is shorter than the one before, drawn alike', () => {
    fc.assert(
      fc.property(anyPolicy, fc.nat(2_000), fc.double({ min: 0, max: 1, noNaN: true }), (policy, attempts, draw) => {
        expect(backoffDelay(policy, attempts + 1, draw)).toBeGreaterThanOrEqual(backoffDelay(policy, attempts, draw))
      }),
    )
  })

  it('a budget is never passed, and a user’s stop or the policy never is never overruled', () => {
    fc.assert(
      fc.property(anyFacts, (end) => {
        const verdict = decideRestart(end)
        if (end.cancelled || end.policy.strategy === 'never') expect(verdict.kind).toBe('stay-down')
        if (verdict.kind === 'give-up') expect(end.policy.maxAttempts).toBeGreaterThan(0)
        if (verdict.kind !== 'restart') return
        const changed = CAUSES.filter((cause) => verdict.counters[cause]?.atMs !== end.counters[cause]?.atMs)
        expect(changed.length).toBeLessThanOrEqual(1)
        for (const cause of changed) if (end.policy.maxAttempts > 0) expect(verdict.counters[cause]?.atMs.length).toBeLessThanOrEqual(end.policy.maxAttempts)
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
