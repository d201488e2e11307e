/** A process that is meant to stay up: readiness, health, budgets by cause, the circuit breaker, ports. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { ReadySpec } from '../../../src/types.ts'
import { aProbe, code, EPOCH_MS, notFound, notStarted, OUTCOMES, type SpecParts, signal, unknown } from '../fixtures.ts'
import { type FakeProcess, type FakeWorld, fakeWorld } from '../world.ts'

const ALWAYS = { strategy: 'always' } as const
const WATCHED = { liveness: aProbe({ failureThreshold: 2 }) }
const GATED = { startup: aProbe({ failureThreshold: 3 }), liveness: aProbe({ failureThreshold: 2 }), readiness: aProbe() }
const LINE: ReadySpec = { kind: 'log-line', source: 'listening', flags: '' }
const BREAKER = { failures: 2, windowMs: 60_000, cooldownMs: 300_000 }

describe.each([
  ['plain', false],
  ['saved and restored between each step', true],
])('a service, %s', (_how, isRestoring) => {
  let world: FakeWorld
  beforeEach(() => {
    world = fakeWorld(isRestoring)
  })

  const aService = (parts: SpecParts = {}): FakeProcess => world.process({ restart: ALWAYS, ...parts })
  const lastReason = (process: FakeProcess) => process.context.reasons.at(-1)?.text
  const emitted = () => world.allEmitted.map(({ type }) => type)

  describe('is ready', () => {
    it.each([
      ['without probes: once launched', {}, 0],
      ['with a liveness probe: once launched', { health: WATCHED }, 0],
      ['with a startup probe: once that has passed', { health: { startup: aProbe() } }, 1],
      ['with a readiness probe: once that has passed', { health: { readiness: aProbe() } }, 1],
      ['with both: once both have', { health: GATED }, 2],
      ['with a sign: once that has come', { ready: LINE }, 1],
      ['with everything: once all have', { health: GATED, ready: LINE }, 3],
    ] as const)('%s', (_name, parts, steps) => {
      const process = aService(parts).start()
      world.child.isLaunched()
      const ways = [
        ...('health' in parts && 'startup' in parts.health ? [() => world.child.passes('startup')] : []),
        ...('health' in parts && 'readiness' in parts.health ? [() => world.child.passes('readiness')] : []),
        ...('ready' in parts ? [() => world.child.signalsReady()] : []),
      ]
      expect(ways).toHaveLength(steps)
      for (const way of ways) {
        expect(process.record).toMatchObject({ state: 'starting', ready: false, pid: 1_001, ready_by: '2030-01-01T00:01:00.000Z' })
        expect(process.is('ready')).toBe(false)
        world.passMs(10)
        way()
      }
      expect(process.record).toMatchObject({ state: 'running', ready: true, ready_by: null })
      expect(world.emitted('process.started')).toHaveLength(1)
      expect(world.emitted('process.ready')).toHaveLength(1)
      expect(process.context.readyAtMs).toBeGreaterThanOrEqual(EPOCH_MS + 10 * steps)
    })

    it('whatever order the gates open in', () => {
      const process = aService({ health: GATED, ready: LINE }).start()
      world.child.isLaunched().signalsReady().passes('startup').passes('liveness')
      expect(process.state).toBe('starting')
      world.child.passes('readiness')
      expect(process.state).toBe('running')
    })

    it('as of when the last answer came, not of when it was asked for', () => {
      const process = aService({ health: { readiness: aProbe() } }).start()
      world.child.isLaunched()
      process.send({ type: 'probe.passed', run: 1, probe: 'readiness', latencyMs: 12.3, body: null, atMs: EPOCH_MS + 100 })
      expect(process.context.readyAtMs).toBe(EPOCH_MS + 113)
    })

    it('is not what a probe of the run before says', () => {
      const process = aService({ health: { readiness: aProbe() } }).start()
      world.child.isLaunched().passes('readiness').exits(code(1))
      world.passDeadline()
      expect(process.context).toMatchObject({ probes: {}, readyAtMs: null, signalledAtMs: null })
      world.child.isLaunched()
      expect(process.state).toBe('starting')
      process.send({ type: 'probe.passed', run: 1, probe: 'readiness', latencyMs: 1, body: null, atMs: world.nowMs })
      expect(process.state).toBe('starting')
    })

    it('needs no liveness: one that fails while it starts is reported when all else has come, and no failed start', () => {
      const process = aService({ health: { readiness: aProbe(), liveness: aProbe({ onFailure: 'report' }) } }).start()
      world.child.isLaunched().fails('liveness').passes('readiness')
      expect(process.record).toMatchObject({ state: 'unhealthy', waiting_for: 'liveness probe failed: connection refused' })
      world.child.passes('liveness')
      expect(process.state).toBe('running')
    })
  })

  describe('that is not ready in time', () => {
    it('is stopped as a failed start, with the reason, and started again', () => {
      const process = aService({ health: { readiness: aProbe() } }).start()
      world.child.isLaunched()
      world.passMs(60_000)
      world.child.fails('readiness', 'status 503').timesOut()
      const reason = 'not ready within 1m: readiness probe failed: status 503'
      expect(process.record).toMatchObject({ state: 'stopping', waiting_for: reason, stopping: { purpose: 'unready' } })
      expect(process.context).toMatchObject({ failure: { cause: 'start', reason }, cancelled: false })
      expect(world.signals.at(0)?.signal).toBe('SIGTERM')
      world.passMs(5_000)
      expect(world.signals.at(-1)?.signal).toBe('SIGKILL')
      world.child.exits(signal('SIGKILL'))
      expect(process.record).toMatchObject({ state: 'backoff', attempts: { start: { in_a_row: 1 } }, error: reason })
      expect(lastReason(process)).toBe(`${reason}: restart 1 for failed start in 1000 ms (always)`)
      world.passDeadline()
      expect(process.record).toMatchObject({ state: 'starting', run: 2, error: null })
    })

    it.each([
      ['nothing was answered', { health: { readiness: aProbe() } }, 'its readiness probe has not passed yet'],
      ['no sign came', { ready: LINE }, 'no line of its output matches /listening/ yet'],
    ] as const)('says so when %s', (_name, parts, why) => {
      const process = aService(parts).start()
      world.child.isLaunched().timesOut()
      expect(process.record.waiting_for).toBe(`not ready within 1m: ${why}`)
      expect(process.context.reasons.at(0)?.text).toBe(`not ready within 1m: ${why}`)
    })

    it('and never started again is exited with that reason, whatever it made of the signal', () => {
      const process = aService({ restart: { strategy: 'never' }, ready: LINE }).start()
      world.child.isLaunched().timesOut().exits(code(0))
      expect(process.record).toMatchObject({
        state: 'exited',
        status: 'failed',
        exit_code: 0,
        error: 'not ready within 1m: no line of its output matches /listening/ yet',
      })
    })

    it('is not stopped for that once it was ready', () => {
      const process = aService({ ready: LINE }).start()
      world.child.isLaunched().signalsReady().timesOut()
      expect(process.state).toBe('running')
      process.send({ type: 'startup.timed-out', run: 1, atMs: world.nowMs })
      expect(process.state).toBe('running')
    })

    it('uses up the budget of starts and no other one', () => {
      const process = aService({ restart: { ...ALWAYS, maxAttempts: 1 }, ready: LINE }).start()
      world.child.isLaunched().exits(code(1)) // a crash
      world.passDeadline()
      world.child.isLaunched().timesOut().exits(code(0))
      expect(process.state).toBe('backoff')
      world.passDeadline()
      world.child.isLaunched().timesOut().exits(code(0))
      expect(process.record).toMatchObject({ state: 'exited', gave_up: true, status: 'failed' })
    })
  })

  describe('that says how far it is', () => {
    it('has that on record until its next run begins, without passwords', () => {
      const process = aService().isUp()
      world.child.progressed(45, 'https://me:secret@example.org')
      expect(process.record.progress).toMatchObject({ percent: 45, message: 'https://me:***@example.org', atMs: world.nowMs })
      expect(world.emitted('process.progressed')).toEqual([
        { type: 'process.progressed', id: 'web', run: 1, progress: process.record.progress, atMs: world.nowMs },
      ])
      const first = world.child
      first.exits(code(1))
      expect(process.record).toMatchObject({ state: 'backoff', progress: { percent: 45 } })
      world.passDeadline()
      world.child.isLaunched()
      expect(process.record).toMatchObject({ run: 2, progress: null })
    })
  })

  describe('that fails its liveness probe', () => {
    it('is stopped and started again, and says so on the way', () => {
      const process = aService({ health: WATCHED }).isUp()
      world.child.fails('liveness', 'status 503')
      expect(process.state).toBe('running')
      world.passMs(1_000)
      world.child.fails('liveness', 'timeout after 500 ms')
      const reason = 'liveness probe failed 2 times: timeout after 500 ms'
      expect(process.record).toMatchObject({ state: 'stopping', ready: false, waiting_for: reason, stopping: { purpose: 'unhealthy' } })
      expect(world.emitted('process.unhealthy')).toEqual([{ type: 'process.unhealthy', id: 'web', run: 1, reason, atMs: EPOCH_MS + 1_002 }])
      world.child.exits(signal('SIGTERM'))
      expect(process.record).toMatchObject({ state: 'backoff', error: reason, attempts: { health: { in_a_row: 1 } } })
      expect(lastReason(process)).toBe(`${reason}: restart 1 for failed health in 1000 ms (always)`)
      world.passDeadline()
      world.child.isLaunched()
      expect(process.record).toMatchObject({ state: 'running', run: 2, error: null, health: { status: 'unknown' } })
      expect(emitted()).toEqual([
        'process.started',
        'process.ready',
        'process.unhealthy',
        'process.exited',
        'process.backing-off',
        'process.started',
        'process.ready',
      ])
    })

    it('fails, and passes again, when it has been answered: not when it was asked', () => {
      const process = aService({ health: { liveness: aProbe({ onFailure: 'report' }) } }).isUp()
      world.child.fails()
      expect(process.context.reasons).toEqual([{ atMs: world.nowMs + 2, text: 'liveness probe failed: connection refused' }])
      expect(world.emitted('process.unhealthy')).toMatchObject([{ atMs: world.nowMs + 2 }])
      world.passMs(1_000)
      world.child.passes()
      expect(process.context.reasons.at(-1)).toEqual({ atMs: world.nowMs + 2, text: 'liveness probe passes again' })
    })

    it('too seldom in a row stays as it is', () => {
      const process = aService({ health: WATCHED }).isUp()
      for (let round = 0; round < 5; round++) world.child.fails().passes()
      expect(process.state).toBe('running')
      expect(process.context.reasons).toEqual([])
    })

    it('while it still starts is stopped and started again, too', () => {
      const process = aService({ health: GATED }).start()
      world.child.isLaunched().passes('startup').fails('liveness').fails('liveness')
      expect(process.record).toMatchObject({ state: 'stopping', stopping: { purpose: 'unhealthy' } })
      expect(world.emitted('process.unhealthy')).toMatchObject([{ reason: 'liveness probe failed 2 times: connection refused' }])
    })

    it('while its readiness probe fails already is stopped and started again, too', () => {
      const process = aService({ health: GATED }).start()
      world.child.isLaunched().passes('startup').passes('readiness').fails('readiness').fails('liveness').fails('liveness')
      expect(process.record.stopping?.purpose).toBe('unhealthy')
      expect(process.context.failure).toEqual({ cause: 'health', reason: 'liveness probe failed 2 times: connection refused' })
      expect(world.emitted('process.unhealthy')).toHaveLength(1)
    })

    it.each([
      ['is only reported', { restart: ALWAYS, health: { liveness: aProbe({ onFailure: 'report' }) } }],
      ['is never restarted by its policy', { restart: { strategy: 'never' }, health: { liveness: aProbe() } }],
    ] as const)('and %s stays up, unhealthy until it passes again', (_name, parts) => {
      const process = aService(parts).isUp()
      world.child.fails().fails()
      expect(process.record).toMatchObject({
        state: 'unhealthy',
        ready: false,
        ready_at: null,
        pid: 1_001,
        waiting_for: 'liveness probe failed 2 times: connection refused',
      })
      world.passMs(3_600_000)
      expect(world.signals).toEqual([])
      world.child.passes()
      expect(process.record).toMatchObject({ state: 'running', ready: true })
      expect(process.context.readyAtMs).toBe(world.nowMs + 2)
      expect(lastReason(process)).toBe('liveness probe passes again')
      expect(emitted()).toEqual(['process.started', 'process.ready', 'process.unhealthy', 'process.ready'])
    })

    it('has a budget of its own: crashes do not use it up', () => {
      const process = aService({ restart: { ...ALWAYS, maxAttempts: 2 }, health: { liveness: aProbe() } }).isUp()
      for (const end of ['crash', 'crash', 'health', 'health'] as const) {
        if (end === 'health') world.child.fails()
        world.child.exits(code(1))
        expect(process.state).toBe('backoff')
        world.passDeadline()
        world.child.isLaunched()
      }
      expect(process.record.attempts).toMatchObject({ crash: { in_a_row: 2 }, health: { in_a_row: 2 } })
      world.child.fails().exits(code(0))
      expect(process.state).toBe('exited')
    })

    it('too often gives up: exited and failed, also when the command ended well on its signal, and says so once', () => {
      const process = aService({ restart: { ...ALWAYS, maxAttempts: 1 }, health: { liveness: aProbe() } }).isUp()
      world.child.fails().exits(code(0))
      world.passDeadline()
      world.child.isLaunched().fails().exits(code(0))
      const reason = 'liveness probe failed: connection refused: gave up after 1 restart for failed health within 10m (maxAttempts 1)'
      expect(process.record).toMatchObject({ state: 'exited', status: 'failed', exit_code: 0, gave_up: true, error: reason })
      expect(world.emitted('process.gave-up')).toEqual([{ type: 'process.gave-up', id: 'web', run: 2, reason, atMs: EPOCH_MS + 1_000 }])
      expect(world.emitted('process.settled')).toHaveLength(1)
      process.saveAndRestore()
      world.passMs(3_600_000)
      expect(world.startCount).toBe(2)
      expect(world.emitted('process.gave-up')).toHaveLength(1)
    })

    it('gives up as an orphan when nobody saw how it ended', () => {
      const process = aService({ restart: { ...ALWAYS, maxAttempts: 1 }, health: { liveness: aProbe() } }).isUp()
      world.child.fails().exits(unknown)
      world.passDeadline()
      world.child.isLaunched().fails().exits(unknown)
      expect(process.record).toMatchObject({ state: 'orphaned', gave_up: true })
      expect(world.emitted('process.gave-up')).toHaveLength(1)
    })

    it.each(OUTCOMES)('is started again whatever the end is: %s', (_name, outcome) => {
      const process = aService({ restart: { strategy: 'on-failure' }, health: { liveness: aProbe() } }).isUp()
      world.child.fails().exits(outcome)
      expect(process.record).toMatchObject({ state: 'backoff', attempts: { health: { in_a_row: 1 } } })
    })
  })

  describe('that fails its readiness probe', () => {
    it('is not ready until it passes again, and never stopped for it', () => {
      const process = aService({ health: { readiness: aProbe({ successThreshold: 2 }) } }).start()
      world.child.isLaunched().passes('readiness').passes('readiness')
      expect(process.is('ready')).toBe(true)
      for (let failure = 0; failure < 50; failure++) world.child.fails('readiness')
      expect(process.record).toMatchObject({
        state: 'unhealthy',
        ready: false,
        ready_at: null,
        waiting_for: 'readiness probe failed 50 times: connection refused',
      })
      world.child.passes('readiness')
      expect(process.is('ready')).toBe(false)
      world.child.passes('readiness')
      expect(process.record).toMatchObject({ state: 'running', ready: true })
      expect(world.signals).toEqual([])
      expect(world.emitted('process.unhealthy')).toHaveLength(1)
    })

    it('is not ready while liveness fails, either', () => {
      const process = aService({ health: { readiness: aProbe(), liveness: aProbe({ onFailure: 'report' }) } }).start()
      world.child.isLaunched().passes('readiness').fails('readiness').fails('liveness').passes('readiness')
      expect(process.record).toMatchObject({ state: 'unhealthy', waiting_for: 'liveness probe failed: connection refused' })
      world.child.passes('liveness')
      expect(process.state).toBe('running')
    })
  })

  describe('whose command ends', () => {
    it.each(['running', 'unhealthy'])('while %s is not marked unhealthy afterwards', (state) => {
      const process = aService({ health: { liveness: aProbe({ onFailure: 'report' }) } }).isUp()
      if (state === 'unhealthy') world.child.fails()
      world.child.exits(code(1)).fails()
      expect(process.record).toMatchObject({ state: 'backoff', error: 'exited with code 1', attempts: { crash: { in_a_row: 1 } } })
      expect(world.child.attendants.size).toBe(0)
      process.send({ type: 'probe.failed', run: 1, probe: 'liveness', latencyMs: 1, body: null, reason: 'late', atMs: world.nowMs })
      expect(process.state).toBe('backoff')
      expect(world.emitted('process.unhealthy')).toHaveLength(state === 'unhealthy' ? 1 : 0)
    })

    it('with leftovers is not asked any more while they are being stopped', () => {
      const process = aService({ health: { liveness: aProbe() } }).isUp()
      world.child.leavesBehind(code(0)).fails()
      expect(process.record.stopping?.purpose).toBe('leftovers')
      expect(world.child.attendants.size).toBe(0)
      world.child.exits(code(0))
      expect(process.context).toMatchObject({ failure: null, counters: { crash: { streak: 1 } } })
    })
  })

  describe('a stop by the user wins', () => {
    const intoStop: readonly (readonly [string, SpecParts, (world: FakeWorld) => unknown, string])[] = [
      ['for failed health', { health: { liveness: aProbe() } }, (w) => w.child.fails(), 'unhealthy'],
      ['for not being ready', { ready: LINE }, (w) => w.child.timesOut(), 'unready'],
    ]

    it.each(intoStop)('over a stop %s that is in flight', (_name, parts, fail, purpose) => {
      const process = aService(parts).isUp()
      fail(world)
      expect(process.record.stopping?.purpose).toBe(purpose)
      process.stop()
      expect(process.record.stopping?.purpose).toBe('stop')
      world.child.exits(signal('SIGTERM'))
      world.passMs(3_600_000)
      expect(process.record).toMatchObject({ state: 'exited', status: 'cancelled', retry_at: null, attempts: {} })
      expect(lastReason(process)).toContain('stopped by the user')
      expect(world.startCount).toBe(1)
      expect(world.emitted('process.gave-up')).toEqual([])
    })

    it.each(intoStop)('over a stop %s, and may make it sooner but not later', (_name, parts, fail) => {
      const process = aService(parts).isUp()
      fail(world)
      process.stop(60_000)
      expect(process.context.stop?.killAtMs).toBe(EPOCH_MS + (parts.health === undefined ? 5_000 : 5_002))
      process.stop(10)
      expect(process.context.stop?.killAtMs).toBe(EPOCH_MS + 10)
    })

    it.each(intoStop)('in the manager after the one that began to stop it %s', (_name, parts, fail) => {
      const process = aService(parts).isUp()
      fail(world)
      process.saveAndRestore()
      expect(world.liveStops.size).toBe(1)
      expect(world.child.watchers).toBe(1)
      expect(world.child.attendants.size).toBe(0)
      world.child.exits(code(0))
      expect(process.state).toBe('backoff')
      expect(process.context.failure).not.toBeNull()
    })
  })

  describe('taken over by the next manager', () => {
    it('while it starts goes on waiting for what has not come', () => {
      const process = aService({ health: GATED, ready: LINE }).start()
      process.saveAndRestore()
      world.child.isLaunched().passes('startup')
      process.saveAndRestore()
      expect(process.record).toMatchObject({ state: 'starting', health: { startup: { verdict: 'passing' } } })
      world.child.signalsReady()
      process.saveAndRestore()
      world.child.passes('readiness')
      expect(process.state).toBe('running')
      expect(world.startCount).toBe(1)
      expect(world.emitted('process.started')).toHaveLength(1)
    })

    it.each(['running', 'unhealthy'])('while %s has its answers and its thresholds still', (state) => {
      const process = aService({ health: { liveness: aProbe({ failureThreshold: 3, successThreshold: 2, onFailure: 'report' }) } }).isUp()
      if (state === 'unhealthy') world.child.fails().fails().fails().passes()
      else world.child.passes().fails().fails()
      process.saveAndRestore()
      expect(process.state).toBe(state)
      expect(world.child.attendants.size).toBe(1)
      if (state === 'unhealthy') world.child.passes()
      else world.child.fails()
      expect(process.state).toBe(state === 'unhealthy' ? 'running' : 'unhealthy')
    })

    it('behind an open breaker is started when its cooldown is over', () => {
      const process = aService({ restart: ALWAYS, breaker: BREAKER }).isUp()
      world.child.exits(code(1))
      world.passDeadline()
      world.child.isLaunched().exits(code(1))
      process.saveAndRestore()
      expect([...world.liveDeadlines]).toEqual([{ atMs: world.nowMs + 300_000, atMostMs: 300_000 }])
      world.passMs(300_000)
      expect(process.record).toMatchObject({ state: 'starting', breaker: { state: 'half-open' } })
    })
  })

  describe('behind a circuit breaker', () => {
    const broken = (parts: SpecParts = {}): FakeProcess => {
      const process = aService({ restart: { ...ALWAYS, delayMs: 100 }, breaker: BREAKER, ...parts }).isUp()
      world.child.exits(code(1))
      world.passDeadline()
      world.child.isLaunched().exits(code(1))
      expect(process.record).toMatchObject({ state: 'backoff', breaker: { state: 'open' } })
      return process
    }

    it('that is open is not started before the cooldown is over, and then once, as a trial', () => {
      const process = broken()
      expect(lastReason(process)).toBe('exited with code 1: the circuit breaker is open (2 failures within 1m): a trial run in 5m')
      world.passMs(299_999)
      expect(process.state).toBe('backoff')
      world.passMs(1)
      world.child.isLaunched()
      expect(process.record).toMatchObject({ state: 'running', run: 3, breaker: { state: 'half-open', open_until: null } })
    })

    it('is open again at the first failure of the trial', () => {
      const process = broken()
      world.passDeadline()
      world.child.isLaunched().exits(code(1))
      expect(process.record).toMatchObject({ state: 'backoff', breaker: { state: 'open' } })
      expect(lastReason(process)).toBe('exited with code 1: the circuit breaker is open (the trial run failed): a trial run in 5m')
    })

    it('is closed when the trial was ready for long, and the waits begin anew', () => {
      const process = broken()
      world.passDeadline()
      world.child.isLaunched()
      world.passMs(60_000)
      world.child.steadies()
      expect(process.context).toMatchObject({ breaker: null, counters: { crash: { streak: 0 } } })
      expect(lastReason(process)).toBe('ready for 1m: the circuit breaker is closed')
      world.child.exits(code(1))
      expect(process.record).toMatchObject({ state: 'backoff', attempts: { crash: { in_a_row: 1 } }, breaker: { state: 'closed' } })
    })

    it('is closed before the waits begin anew where its window is the shorter', () => {
      const process = broken({ restart: { ...ALWAYS, delayMs: 100, resetAfterMs: 3_600_000 } })
      world.passDeadline()
      world.child.isLaunched()
      world.passMs(60_000)
      world.child.steadies()
      expect(process.context).toMatchObject({ breaker: null, counters: { crash: { streak: 2 } } })
      world.passMs(3_540_000)
      world.child.steadies()
      expect(process.context.counters.crash?.streak).toBe(0)
      expect(lastReason(process)).toBe('ready for 1h: the waits before restarts begin anew')
    })

    it('is closed though the clock was set back meanwhile: how long it was ready is known to who tells it', () => {
      const process = broken()
      world.passDeadline()
      world.child.isLaunched()
      process.send({ type: 'run.steadied', run: 3, afterMs: 60_000, atMs: EPOCH_MS - 3_600_000 })
      expect(process.context).toMatchObject({ breaker: null, counters: { crash: { streak: 0 } } })
    })

    it('refuses a start and a restart by the user, but not one that insists', () => {
      const process = broken()
      expect([process.can('process.start'), process.can('process.restart')]).toEqual([false, false])
      process.start().restart()
      expect(process.state).toBe('backoff')
      process.start({ force: true })
      expect(process.record).toMatchObject({ state: 'starting', run: 3, breaker: { state: 'closed', failures_at: [] }, attempts: {} })
    })

    it('that opened as the process gave up takes the start by the user for the trial, once the cooldown is over', () => {
      const process = aService({ restart: { ...ALWAYS, maxAttempts: 1 }, breaker: BREAKER }).isUp()
      world.child.exits(code(1))
      world.passDeadline()
      world.child.isLaunched().exits(code(1))
      expect(process.record).toMatchObject({ state: 'exited', gave_up: true, breaker: { state: 'open' } })
      expect(process.can('process.start')).toBe(false)
      world.passMs(300_000)
      expect(process.can('process.start')).toBe(true)
      process.start()
      expect(process.record).toMatchObject({ state: 'starting', attempts: {}, breaker: { state: 'half-open' } })
    })

    it('that is reset starts at once, with nothing counted', () => {
      const process = broken().reset()
      expect(process.record).toMatchObject({ state: 'starting', run: 3, breaker: { state: 'closed', failures_at: [] }, attempts: {}, retry_at: null })
      expect(lastReason(process)).toBe('reset by the user: nothing counts against it')
      expect(world.liveDeadlines.size).toBe(0)
    })

    it('that is closed and reset goes on waiting for its restart', () => {
      const process = aService({ breaker: BREAKER }).isUp()
      world.child.exits(code(1))
      process.reset()
      expect(process.record).toMatchObject({ state: 'backoff', breaker: { failures_at: [] }, attempts: {} })
      world.passDeadline()
      expect(process.state).toBe('starting')
    })

    it('on trial is restarted by command as the trial still, unless the user insists', () => {
      for (const force of [false, true]) {
        world = fakeWorld(isRestoring)
        const process = broken()
        world.passDeadline()
        world.child.isLaunched()
        process.restart({ force })
        world.child.exits(code(0))
        expect(process.record).toMatchObject({ state: 'starting', run: 4, breaker: { state: force ? 'closed' : 'half-open' } })
      }
    })

    it('on trial, and stopped by the user, is on trial with the next start', () => {
      const process = broken()
      world.passDeadline()
      world.child.isLaunched()
      process.stop()
      world.child.exits(code(0))
      expect(process.record).toMatchObject({ state: 'exited', breaker: { state: 'half-open' } })
      process.start()
      expect(process.record.breaker?.state).toBe('half-open')
    })

    it('counts failed health and failed starts, too', () => {
      const process = aService({ restart: { ...ALWAYS, delayMs: 100 }, breaker: BREAKER, health: { liveness: aProbe() } }).isUp()
      world.child.fails().exits(code(0))
      world.passDeadline()
      world.child.exits(notFound)
      expect(process.record).toMatchObject({ breaker: { state: 'open' }, attempts: { health: { in_a_row: 1 }, start: { in_a_row: 1 } } })
    })

    it('is stopped by the user while it waits for the cooldown', () => {
      const process = broken().stop()
      world.passMs(3_600_000)
      expect(process.record).toMatchObject({ state: 'exited', status: 'cancelled', run: 2 })
    })
  })

  describe('that is ready for long', () => {
    it('begins its waits anew, though it only ran on', () => {
      const process = aService({ restart: { ...ALWAYS, delayMs: 100 } }).isUp()
      for (let crash = 0; crash < 3; crash++) {
        world.child.exits(code(1))
        world.passDeadline()
        world.child.isLaunched()
      }
      expect(process.context.counters.crash?.streak).toBe(3)
      world.child.steadies()
      expect(process.context.counters.crash).toMatchObject({ streak: 0, atMs: { length: 3 } })
      expect(lastReason(process)).toBe('ready for 1m: the waits before restarts begin anew')
    })

    it('has nothing to say when nothing counts against it', () => {
      const process = aService().isUp()
      world.child.steadies()
      expect(process.context.reasons).toEqual([])
    })
  })

  describe('that cannot be launched', () => {
    it('is tried again at the slow end, with the cause on record, and gives up after its budget', () => {
      const process = aService({ restart: { ...ALWAYS, maxAttempts: 2, delayMs: 100 } }).start()
      for (let restart = 1; restart <= 2; restart++) {
        world.child.exits(notFound)
        expect(process.context.retryDelayMs).toBe(60_000)
        expect(lastReason(process)).toBe(`command "node" not found (ENOENT): restart ${restart} of 2 for failed start in 60000 ms (always)`)
        world.passDeadline()
      }
      world.child.exits(notFound)
      expect(process.record).toMatchObject({ state: 'exited', status: 'failed', gave_up: true })
      expect(world.emitted('process.started')).toEqual([])
    })

    it('for a template or a port says what is wrong', () => {
      const process = aService().start()
      world.child.exits({ kind: 'launch-failed', step: 'template', errno: 'EINVAL', detail: 'args.0: there is no port "htpp"' })
      expect(process.record.error).toBe('args.0: there is no port "htpp"')
      expect(lastReason(process)).toBe('args.0: there is no port "htpp": restart 1 for failed start in 60000 ms (always)')
    })
  })

  describe('with ports', () => {
    const aPort = { from: 0, to: 0, host: null }

    it('keeps those of its last run as those that the next one would like to have', () => {
      const process = aService({ ports: { http: aPort, admin: aPort } }).start()
      world.child.hasPorts({ http: 30_000, admin: 30_001 })
      expect(process.context.ports).toEqual({ http: 30_000, admin: 30_001 })
      world.child.isLaunched().exits(code(1))
      expect(process.record.ports).toEqual({ http: 30_000, admin: 30_001 })
      world.passDeadline()
      expect(process.context.ports).toEqual({ http: 30_000, admin: 30_001 })
      expect(process.context.reasons.map(({ text }) => text).join()).not.toContain('port')
    })

    it('says when it has got another one', () => {
      const process = aService({ ports: { http: aPort, constructor: aPort } }).start()
      world.child.hasPorts({ http: 30_000, constructor: 1 }).isLaunched().exits(code(1))
      world.passDeadline()
      world.child.hasPorts({ http: 30_007, constructor: 1 })
      expect(lastReason(process)).toBe('port http is 30007 now: 30000 was not free')
    })

    it('of any name has nothing to say of the first one', () => {
      const process = aService().start()
      world.child.hasPorts({ constructor: 30_000 })
      expect(process.context.reasons).toEqual([])
    })

    it('that somebody else holds is started again at once, counted apart, and says who is to blame', () => {
      const process = aService().start()
      world.child.hasPorts({ http: 30_000 }).isLaunched().exits(code(1), { name: 'http', port: 30_000 })
      expect(lastReason(process)).toBe('exited with code 1, and port 30000 (http) is held by somebody else: restart 1 for a port in use in 0 ms (always)')
      expect(process.record).toMatchObject({ state: 'backoff', retry_at: '2030-01-01T00:00:00.000Z', attempts: { port: { in_a_row: 1 } } })
      world.passDeadline()
      world.child.hasPorts({ http: 30_001 }).isLaunched()
      expect(process.record).toMatchObject({ state: 'running', ports: { http: 30_001 } })
    })

    it('on trial is on trial still when its port was taken', () => {
      const process = aService({ breaker: BREAKER }).isUp()
      world.child.exits(code(1))
      world.passDeadline()
      world.child.isLaunched().exits(code(1))
      world.passDeadline()
      world.child.isLaunched().exits(code(1), { name: 'http', port: 1 })
      expect(process.record).toMatchObject({ state: 'backoff', breaker: { state: 'half-open' }, attempts: { port: { in_a_row: 1 } } })
    })

    it('that are told while it is being stopped are kept', () => {
      const process = aService().start().stop()
      world.child.hasPorts({ http: 30_000 }).exits(notStarted)
      expect(process.record.ports).toEqual({ http: 30_000 })
    })
  })

  describe('a reset', () => {
    it.each(['starting', 'running', 'stopping'])('while %s forgets what was counted, and nothing else happens', (state) => {
      const process = aService({ restart: ALWAYS, breaker: BREAKER }).isUp()
      world.child.exits(code(1))
      world.passDeadline()
      if (state !== 'starting') world.child.isLaunched()
      if (state === 'stopping') process.stop()
      expect(process.state).toBe(state)
      expect(process.context.counters).not.toEqual({})
      process.reset()
      expect(process.state).toBe(state)
      expect(process.context).toMatchObject({ counters: {}, breaker: null, run: 2 })
    })

    it('of one that gave up starts nothing, and leaves the reason', () => {
      const process = aService({ restart: { ...ALWAYS, maxAttempts: 1 } }).start()
      world.child.exits(code(1))
      world.passDeadline()
      world.passMs(5)
      world.child.exits(code(1))
      world.passMs(5)
      const { error } = process.record
      process.reset()
      expect(process.record).toMatchObject({ state: 'exited', status: 'failed', gave_up: true, error, attempts: {} })
    })
  })
})
