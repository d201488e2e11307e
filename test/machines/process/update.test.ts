/** A process that is declared anew, state by state. */
import { beforeEach, describe, expect, it } from 'vitest'
import { aProbe, code, type SpecParts, signal } from '../fixtures.ts'
import { type FakeWorld, fakeWorld } from '../world.ts'

describe.each([
  ['plain', false],
  ['saved and restored between each step', true],
] as const)('an update, %s', (_, isRestoring) => {
  let world: FakeWorld
  beforeEach(() => {
    world = fakeWorld(isRestoring)
  })
  const OTHER: SpecParts = { args: ['other.js'], stop: { ladder: [{ signal: 'SIGINT', afterMs: 0 }], timeoutMs: 1_000 } }
  const isGone = () => world.child.exits(signal('SIGTERM'))

  it('stops what is up in the way that it was declared to be stopped, and starts it as it is declared now', () => {
    const process = world.process().isUp().update(OTHER)
    expect(process.state).toBe('stopping')
    expect(process.context).toMatchObject({ spec: { args: ['other.js'] }, stop: { purpose: 'restart', reason: 'declared anew (args)' } })
    expect(new Set(world.signals.map((sent) => sent.signal))).toEqual(new Set(['SIGTERM']))
    isGone()
    expect(process).toMatchObject({ state: 'starting', context: { run: 2, restarts: 1 } })
    expect(process.context.reasons.at(-1)?.text).toBe('restarted: declared anew (args)')
    expect(world.startCount).toBe(2)
  })

  it('stops a start in flight, too', () => {
    const process = world.process().start().update(OTHER)
    expect(process.state).toBe('stopping')
    world.child.exits({ kind: 'not-started' })
    expect(process).toMatchObject({ state: 'starting', context: { run: 2 } })
  })

  it('counts what needs the stop that is going on no second time: the next run has the last declaration', () => {
    const process = world.process().isUp().restart().update(OTHER)
    expect(process.context.stop).toMatchObject({ purpose: 'restart' })
    isGone()
    expect(process.context).toMatchObject({ run: 2, spec: { args: ['other.js'] } })
  })

  it('never undoes a stop', () => {
    const process = world
      .process({ restart: { strategy: 'always' } })
      .isUp()
      .stop()
      .update({ ...OTHER, restart: { strategy: 'always' } })
    isGone()
    expect(process).toMatchObject({ state: 'exited', context: { cancelled: true, spec: { args: ['other.js'] } } })
  })

  it('leads to no run after a stop that comes while its run gives way', () => {
    const process = world.process().isUp().update(OTHER).stop()
    isGone()
    expect(process).toMatchObject({ state: 'exited', context: { cancelled: true, run: 1, spec: { args: ['other.js'] } } })
  })

  it('asks the policy of now when what the command has left is gone', () => {
    const process = world.process().isUp()
    world.child.leavesBehind(code(1))
    process.update({ restart: { strategy: 'always' } })
    world.child.exits(code(1))
    expect(process.state).toBe('backoff')
  })

  it('of a wait changes nothing but the declaration', () => {
    const process = world.process({ restart: { strategy: 'always' } }).isUp()
    world.child.exits(code(1))
    const { retryAtMs, counters } = process.context
    process.update({ ...OTHER, restart: { strategy: 'always' } })
    expect(process).toMatchObject({ state: 'backoff', context: { retryAtMs, counters } })
    world.passDeadline()
    expect(process.context).toMatchObject({ run: 2, spec: { args: ['other.js'] } })
  })

  it('closes a breaker that is not declared any more', () => {
    const broken = { restart: { strategy: 'always' }, breaker: { failures: 1 } } as const
    const process = world.process(broken).isUp()
    world.child.exits(code(1))
    expect(process.can('process.start')).toBe(false)
    expect(process.update({ restart: { strategy: 'always' } }).can('process.start')).toBe(true)
  })

  it('forgets ports that are not declared any more, once the next run begins', () => {
    const port = (from: number, to = from) => ({ from, to, host: null })
    const process = world.process({ ports: { http: port(1, 99), admin: port(1, 99), extra: port(7) } }).start()
    world.child.hasPorts({ http: 80, admin: 81, extra: 7 }).isLaunched()
    process.update({ ports: { http: port(80, 90), admin: port(90) } })
    expect(process.context.ports).toEqual({ http: 80, admin: 81, extra: 7 })
    isGone()
    expect(process.context.ports).toEqual({ http: 80 })
  })

  describe('of probes', () => {
    const reported = aProbe({ onFailure: 'report' })
    const other = aProbe({ onFailure: 'report', intervalMs: 7 })

    it('forgets what those have found that are changed, and no others', () => {
      const process = world.process({ health: { liveness: reported, readiness: reported } }).isUp()
      world.child.passes('readiness').passes('liveness')
      process.update({ health: { liveness: other, readiness: reported }, labels: { a: 'b' } })
      expect(process).toMatchObject({ state: 'running', record: { ready: true, health: { status: 'unknown' } } })
      expect(Object.keys(process.context.probes)).toEqual(['readiness'])
    })

    it('leaves ready what was ready until a new probe has failed', () => {
      const process = world
        .process()
        .isUp()
        .update({ health: { readiness: reported } })
      expect(process.state).toBe('running')
      world.child.fails('readiness')
      expect(process.state).toBe('unhealthy')
    })

    it('does not start up again what has started: a new startup probe and a new sign are taken for given', () => {
      const process = world
        .process()
        .isUp()
        .update({ health: { startup: reported }, ready: { kind: 'delay', delayMs: 5 } })
      expect(process).toMatchObject({ state: 'running', record: { health: { startup: { verdict: 'passing', results: [] } } } })
    })

    it.each([
      ['is gone', null, 'running'],
      ['is another one', { liveness: other }, 'running'],
      ['is still the same', { liveness: reported, readiness: null }, 'unhealthy'],
    ] as const)('makes well what was not, when the probe that failed %s', (_what, health, state) => {
      const process = world.process({ health: { liveness: reported } }).isUp()
      world.child.fails('liveness')
      expect(process.update({ health }).state).toBe(state)
    })

    it('leaves unwell what has to pass another readiness probe first', () => {
      const process = world.process({ health: { readiness: reported } }).isUp()
      world.child.passes('readiness').fails('readiness')
      process.update({ health: { readiness: other } })
      expect(process).toMatchObject({ state: 'unhealthy', record: { waiting_for: 'its readiness probe has not passed yet' } })
      world.child.passes('readiness')
      expect(process.state).toBe('running')
    })

    it('makes ready what waited for nothing but what is gone', () => {
      const process = world.process({ health: { startup: reported } }).isUp()
      world.child.fails('startup')
      expect(process.update({}).state).toBe('running')
      expect(process.record.ready_at).not.toBeNull()
    })

    it('does not make ready what is not launched yet', () => {
      expect(
        world
          .process({ health: { startup: reported } })
          .start()
          .update({}).state,
      ).toBe('starting')
    })

    it('makes unwell what waited, and fails what is reported', () => {
      const process = world.process({ health: { liveness: reported, readiness: reported } }).isUp()
      world.child.fails('liveness')
      expect(process.update({ health: { liveness: reported } }).state).toBe('unhealthy')
    })

    it('restarts what was only reported, when the policy says so now', () => {
      const liveness = aProbe()
      const process = world.process({ health: { liveness } }).isUp()
      world.child.fails('liveness')
      expect(process.state).toBe('unhealthy')
      process.update({ health: { liveness }, restart: { strategy: 'always' } })
      expect(process).toMatchObject({ state: 'stopping', context: { stop: { purpose: 'unhealthy' }, failure: { cause: 'health' } } })
    })
  })
})
