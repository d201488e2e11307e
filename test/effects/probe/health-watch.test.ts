/** What is asked and told of a run, by a clock that the test moves. The process that is asked is a real one where it matters. */
import type { ChildProcess } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { spreadOf } from '../../../src/effects/probe/schedule.ts'
import { aProcess, endProcesses, health, identityOf, kill, named, pass, passing, World } from './fixtures.ts'

const FAILED = { cause: 'connection refused', body: null }
const PASSED = { cause: null, body: null }

let epochMs: number
beforeEach(() => {
  vi.useFakeTimers()
  epochMs = Date.now()
})
afterEach(async () => {
  await endProcesses()
  expect(vi.getTimerCount(), 'timers that are left').toBe(0)
  vi.useRealTimers()
})

const liveness = named('liveness')
const readiness = named('readiness')
const startup = named('startup')
const placeOf = (probe: 'startup' | 'liveness' | 'readiness', intervalMs: number, id = 'web') => spreadOf(id, probe) * intervalMs

describe('a process that nothing is to be known of', () => {
  it('costs no timer and no listener once it is launched', async () => {
    const world = new World({})
    const actor = world.begin()
    await pass(0)
    world.launched()
    expect([vi.getTimerCount(), world.listeners, world.users]).toEqual([0, 0, 0])
    actor.stop()
    await pass(0)
    expect(world.live.size).toBe(0)
  })

  it('costs nothing either when it is adopted', async () => {
    const world = new World({})
    world.launched()
    const actor = world.begin()
    await pass(0)
    expect([vi.getTimerCount(), world.listeners, world.users]).toEqual([0, 0, 0])
    actor.stop()
  })
})

describe('a run', () => {
  it('is not asked before it is launched', async () => {
    const world = new World({ health: health({ liveness }) })
    const actor = world.begin()
    await pass(10_000)
    expect([world.asked.length, world.specsAsked, vi.getTimerCount()]).toEqual([0, 0, 0])
    actor.stop()
    await pass(0)
    expect(world.users).toBe(0)
  })

  it('is asked at its place in the interval, and then from probe to probe without drift', async () => {
    const world = new World({ health: health({ liveness }) })
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(5_000)
    const first = epochMs + Math.floor(placeOf('liveness', 1_000))
    expect(world.timesOf('liveness').map((atMs, n) => atMs - first - n * 1_000)).toEqual([0, 0, 0, 0, 0])
    expect(world.facts[0]).toMatchObject({ type: 'probe.passed', run: 1, probe: 'liveness', latencyMs: 0, body: null, atMs: world.asked[0]?.atMs })
    actor.stop()
    await pass(0)
  })

  it('is never asked twice at once: times that a slow answer has missed are skipped', async () => {
    const world = new World({ health: health({ liveness }) })
    world.answer = undefined
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(3_500)
    expect(world.asked).toHaveLength(1)
    world.asked[0]?.answer(PASSED)
    await pass(1_000)
    const [first = 0, second = 0] = world.timesOf('liveness')
    expect(second - first).toBe(placeOf('liveness', 1_000) < 500 ? 4_000 : 3_000)
    expect(world.facts).toHaveLength(1)
    expect(world.facts[0]).toMatchObject({ latencyMs: expect.any(Number), atMs: first })
    actor.stop()
    await pass(0)
    expect(world.asked[1]?.signal.aborted).toBe(true)
  })

  it('is asked on over changes of state, and each answer is told once', async () => {
    const world = new World({ health: health({ liveness }) })
    const actor = world.begin()
    world.onFact = () => actor.send({ type: 'next' })
    await pass(0)
    world.launched()
    await pass(10_000)
    expect(world.facts).toHaveLength(10)
    expect(new Set(world.timesOf('liveness').map((atMs) => (atMs - epochMs) % 1_000)).size).toBe(1)
    expect([world.users, world.openCheckers, world.live.size]).toEqual([1, 1, 1])
    actor.stop()
    await pass(0)
    expect([world.users, world.openCheckers, world.live.size]).toEqual([0, 0, 0])
  })

  it('is not hurried or stalled by a wall clock that jumps', async () => {
    const world = new World({ health: health({ liveness }) })
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(2_000)
    world.skewMs = 86_400_000
    await pass(2_000)
    world.skewMs = -86_400_000
    await pass(2_000)
    expect(world.asked).toHaveLength(6)
    actor.stop()
    await pass(0)
  })

  it('that is another by now is not attended any more', async () => {
    const world = new World({ health: health({ liveness }) })
    world.begin()
    await pass(0)
    world.launched()
    await pass(1_000)
    world.view = null
    await pass(1_000)
    expect([world.facts.length, world.openCheckers, world.users]).toEqual([2, 0, 0])
  })

  it('that has a checker which fails is asked on, and the failure is told as trouble', async () => {
    const world = new World({ health: health({ liveness }) })
    world.createChecker = () => {
      throw new Error('no such kind')
    }
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(3_000)
    expect([world.troubles.length, world.facts.length]).toEqual([3, 0])
    actor.stop()
    await pass(0)
  })
})

describe('a startup probe', () => {
  it('gates the others until it has passed, and is not asked any more then', async () => {
    const world = new World({ health: health({ startup, liveness, readiness }) })
    const actor = world.begin()
    world.onFact = (fact) => {
      if ('probe' in fact && fact.probe === 'startup' && world.timesOf('startup').length === 3) world.change({ probes: { startup: passing() } })
    }
    await pass(0)
    world.launched()
    await pass(2_001 + placeOf('startup', 1_000))
    expect(world.told().slice(0, 3)).toEqual(['probe.passed startup', 'probe.passed startup', 'probe.passed startup'])
    await pass(5_000)
    expect(new Set(world.told().slice(3))).toEqual(new Set(['probe.passed liveness', 'probe.passed readiness']))
    expect(world.openCheckers).toBe(2)
    actor.stop()
    await pass(0)
  })

  it('that has passed already is not asked by the next manager', async () => {
    const world = new World({ health: health({ startup, liveness }) })
    world.change({ probes: { startup: passing() } })
    world.launched()
    const actor = world.begin()
    await pass(2_000)
    expect(new Set(world.told())).toEqual(new Set(['probe.passed liveness']))
    actor.stop()
    await pass(0)
  })
})

describe('readiness', () => {
  const slow = named('readiness', { intervalMs: 30_000, startIntervalMs: 1_000 })

  it('is asked often until the process is ready, then at its place in the longer interval', async () => {
    const world = new World({ health: health({ readiness: slow }) })
    const actor = world.begin()
    world.onFact = () => {
      if (world.asked.length === 3) world.becomesReady()
    }
    await pass(0)
    world.launched()
    await pass(3_000)
    expect(world.asked).toHaveLength(3)
    await pass(90_000)
    const times = world.timesOf('readiness')
    const gaps = times.slice(1).map((atMs, n) => atMs - (times[n] ?? 0))
    const toPlace = 1_000 + spreadOf('web', 'readiness') * 29_000
    expect(gaps.slice(0, 2)).toEqual([1_000, 1_000])
    expect(Math.abs((gaps[2] ?? 0) - toPlace)).toBeLessThanOrEqual(1)
    expect(Math.abs((gaps[3] ?? 0) - 30_000)).toBeLessThanOrEqual(1)
    actor.stop()
    await pass(0)
  })

  it('goes over also when something else has made it ready', async () => {
    const world = new World({ health: health({ readiness: slow }) })
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(2_000)
    world.becomesReady()
    actor.send({ type: 'next' })
    await pass(1_000 + placeOf('readiness', 29_000) - 1_100)
    expect(world.asked).toHaveLength(2)
    actor.stop()
    await pass(0)
  })

  it('that was lost is not asked more often for that', async () => {
    const world = new World({ health: health({ readiness: slow }) })
    world.launched()
    world.change({ readyAtMs: null, hasBeenReady: true, probes: { readiness: passing({ results: [{ atMs: epochMs, latencyMs: 1, cause: null }] }) } })
    const actor = world.begin()
    await pass(29_999)
    expect(world.asked).toHaveLength(0)
    await pass(1)
    expect(world.asked).toHaveLength(1)
    actor.stop()
    await pass(0)
  })
})

describe('another manager', () => {
  const every30s = named('liveness', { intervalMs: 30_000 })
  const askedLast = (atMs: number) => ({ liveness: passing({ results: [{ atMs, latencyMs: 1, cause: null }] }) })

  it('goes on with the schedule', async () => {
    const world = new World({ health: health({ liveness: every30s }) })
    world.launched(identityOf(process.pid), epochMs - 100_000)
    world.change({ probes: askedLast(epochMs - 12_000) })
    const actor = world.begin()
    await pass(30_000)
    expect(world.timesOf('liveness')).toEqual([epochMs + 18_000])
    actor.stop()
    await pass(0)
  })

  it('that comes late spreads five hundred over the interval', async () => {
    const worlds = Array.from({ length: 500 }, (_, n) => {
      const world = new World({ health: health({ liveness: every30s }) })
      world.launched(identityOf(process.pid), epochMs - 1_000_000)
      world.change({ probes: askedLast(epochMs - 900_000) })
      return { world, actor: world.begin({ id: `web-${n}`, run: 1 }) }
    })
    await pass(30_000)
    expect(worlds.every(({ world }) => world.asked.length === 1)).toBe(true)
    const perSecond = new Array(30).fill(0)
    for (const { world } of worlds) perSecond[Math.floor(((world.timesOf('liveness')[0] ?? 0) - epochMs) / 1_000)] += 1
    expect(Math.max(...perSecond)).toBeLessThan(40)
    for (const { actor } of worlds) actor.stop()
    await pass(0)
  })
})

describe('a probe that fails', () => {
  it('is told with its cause, when the command lives on', async () => {
    const world = new World({ health: health({ liveness }) })
    world.answer = { cause: 'status 503', body: 'down' }
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(1_100)
    expect(world.facts[0]).toMatchObject({ type: 'probe.failed', reason: 'status 503', body: 'down', atMs: world.asked[0]?.atMs })
    actor.stop()
    await pass(0)
  })

  it('is not told when the command has ended, whoever knows it already', async () => {
    const child = await aProcess()
    const world = new World({ health: health({ liveness }) })
    world.answer = undefined
    const actor = world.begin()
    await pass(0)
    world.launched(identityOf(child.pid ?? 0))
    await pass(1_000)
    await kill(child)
    world.asked[0]?.answer(FAILED)
    await pass(900)
    expect(world.facts).toEqual([])
    actor.stop()
    await pass(0)
  })

  it('is not told when the end of the command comes a moment later', async () => {
    const child = await aProcess()
    const world = new World({ health: health({ liveness }) })
    world.answer = undefined
    const actor = world.begin()
    await pass(0)
    world.launched(identityOf(child.pid ?? 0))
    await pass(1_000)
    world.asked[0]?.answer(FAILED)
    await pass(10)
    await kill(child)
    await pass(100)
    expect(world.facts).toEqual([])
    actor.stop()
    await pass(0)
  })

  it.each([
    ['has exited', (world: World) => world.exited()],
    ['has ended', (world: World) => world.says({ type: 'run.ended', run: 1, outcome: { kind: 'code', code: 0 }, atMs: 1, nowMs: 1 })],
  ])('is not told when the run %s meanwhile: all is given up', async (_how, end) => {
    const world = new World({ health: health({ liveness, readiness }) })
    world.answer = undefined
    world.begin()
    await pass(0)
    world.launched()
    await pass(1_000)
    world.asked[0]?.answer(FAILED)
    await pass(10)
    end(world)
    world.asked[1]?.answer(FAILED)
    await pass(10_000)
    expect([world.facts.length, world.openCheckers, world.users, world.asked.length]).toEqual([0, 0, 0, 2])
    expect(world.asked.every(({ signal }) => signal.aborted)).toBe(true)
  })

  it('is not told once the process is being stopped: what is in flight is aborted', async () => {
    const world = new World({ health: health({ liveness }) })
    world.answer = undefined
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(1_000)
    actor.send({ type: 'stop' })
    world.asked[0]?.answer(FAILED)
    await pass(1_000)
    expect([world.facts.length, world.openCheckers, world.users]).toEqual([0, 0, 0])
    expect(world.asked[0]?.signal.aborted).toBe(true)
  })

  it('and cannot be asked at all says nothing', async () => {
    const world = new World({ health: health({ liveness }) })
    world.answer = null
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(3_000)
    expect([world.facts.length, world.asked.length]).toEqual([0, 3])
    actor.stop()
    await pass(0)
  })
})

describe('a command that is stopped by SIGSTOP', () => {
  /** The kernel may take a moment; by real time, which `pass` does not take. */
  const suspend = async (child: ChildProcess) => {
    child.kill('SIGSTOP')
    const { isSuspended } = await import('../../../src/effects/probe/suspended.ts')
    while (!(await isSuspended(child.pid ?? 0))) await new Promise((resolve) => process.nextTick(resolve))
  }

  it.each([
    [true, 0],
    [false, 3],
  ])('is probed unless pauseWhenSuspended (%s)', async (pauseWhenSuspended, probes) => {
    const child = await aProcess()
    const world = new World({ health: health({ liveness, pauseWhenSuspended }) })
    const actor = world.begin()
    await pass(0)
    await suspend(child)
    world.launched(identityOf(child.pid ?? 0))
    for (let n = 0; n < 30; n++) await pass(100)
    expect(world.asked).toHaveLength(probes)
    actor.stop()
    await pass(0)
  })

  it('is not blamed for the probe under way', async () => {
    const child = await aProcess()
    const world = new World({ health: health({ liveness, pauseWhenSuspended: true }) })
    world.answer = undefined
    const actor = world.begin()
    await pass(0)
    world.launched(identityOf(child.pid ?? 0))
    await pass(1_000)
    await suspend(child)
    world.asked[0]?.answer(FAILED)
    await pass(900)
    expect([world.asked.length, world.facts.length]).toEqual([1, 0])
    actor.stop()
    await pass(0)
  })
})

describe('a run that is not ready in time', () => {
  it('is told so once, and is asked on', async () => {
    const world = new World({ health: health({ readiness }), startupTimeoutMs: 5_000 })
    world.answer = FAILED
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(4_999)
    expect(world.told()).not.toContain('startup.timed-out')
    await pass(2)
    expect(world.told()).toContain('startup.timed-out')
    await pass(10_000)
    expect(world.told().filter((type) => type === 'startup.timed-out')).toHaveLength(1)
    expect(world.asked.length).toBeGreaterThan(10)
    actor.stop()
    await pass(0)
  })

  it('has all its time again from no other manager', async () => {
    const world = new World({ health: health({ readiness }), startupTimeoutMs: 60_000 })
    world.answer = FAILED
    world.launched(identityOf(process.pid), epochMs - 57_000)
    const actor = world.begin()
    await pass(2_999)
    expect(world.told()).not.toContain('startup.timed-out')
    await pass(2)
    expect(world.told()).toContain('startup.timed-out')
    actor.stop()
    await pass(0)
  })

  it('is asked once by a manager that comes too late, before that is told', async () => {
    const world = new World({ health: health({ readiness }), startupTimeoutMs: 5_000 })
    world.answer = FAILED
    world.launched(identityOf(process.pid), epochMs - 100_000)
    const actor = world.begin()
    await pass(1_100)
    expect(world.told()).toEqual(['probe.failed readiness', 'startup.timed-out'])
    actor.stop()
    await pass(0)
  })

  it('is not told so when it turns out to be ready', async () => {
    const world = new World({ health: health({ startup, readiness }), startupTimeoutMs: 5_000 })
    world.onFact = (fact) => {
      if (!('probe' in fact)) return
      if (fact.probe === 'startup') world.change({ probes: { startup: passing() } })
      else world.becomesReady()
    }
    world.launched(identityOf(process.pid), epochMs - 100_000)
    const actor = world.begin()
    await pass(20_000)
    expect(world.told()).not.toContain('startup.timed-out')
    actor.stop()
    await pass(0)
  })

  it.each([
    ['it is ready', { readyAtMs: 1, hasBeenReady: true }],
    ['it was ready before', { readyAtMs: null, hasBeenReady: true }],
  ])('is not told so when %s', async (_why, view) => {
    const world = new World({ health: health({ readiness }), startupTimeoutMs: 5_000 })
    world.answer = FAILED
    world.change(view)
    world.launched(identityOf(process.pid), epochMs - 100_000)
    const actor = world.begin()
    await pass(20_000)
    expect(world.told()).not.toContain('startup.timed-out')
    actor.stop()
    await pass(0)
  })

  it('is not told so when there is nothing to be ready for', async () => {
    const world = new World({ health: health({ liveness }), startupTimeoutMs: 5_000 })
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(20_000)
    expect(world.told()).not.toContain('startup.timed-out')
    actor.stop()
    await pass(0)
  })

  it('is not told so while its probe cannot be asked: nobody knows', async () => {
    const world = new World({ health: health({ readiness }), startupTimeoutMs: 5_000 })
    world.answer = null
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(20_000)
    expect(world.told()).toEqual([])
    world.answer = { cause: 'not yet', body: null }
    await pass(2_000)
    expect(world.told()).toContain('startup.timed-out')
    actor.stop()
    await pass(0)
  })
})

describe('readiness by a delay', () => {
  const ready = { kind: 'delay', delayMs: 3_000 } as const

  it('comes so long after the launch, once', async () => {
    const world = new World({ ready })
    const actor = world.begin()
    world.onFact = (fact) => {
      if (fact.type === 'ready.signalled') world.change({ signalledAtMs: fact.atMs, readyAtMs: fact.atMs, hasBeenReady: true })
    }
    await pass(0)
    world.launched()
    await pass(2_999)
    expect(world.facts).toEqual([])
    await pass(1)
    expect(world.facts).toEqual([{ type: 'ready.signalled', run: 1, atMs: epochMs + 3_000 }])
    actor.send({ type: 'next' })
    await pass(100_000)
    expect(world.facts).toHaveLength(1)
    actor.stop()
    await pass(0)
  })

  it('has come already when a manager comes later: it is not too late', async () => {
    const world = new World({ ready, startupTimeoutMs: 5_000 })
    world.launched(identityOf(process.pid), epochMs - 100_000)
    world.onFact = () => world.becomesReady()
    const actor = world.begin()
    await pass(10)
    expect(world.facts).toEqual([{ type: 'ready.signalled', run: 1, atMs: epochMs - 97_000 }])
    actor.stop()
    await pass(0)
  })

  it('that is on record is not told again', async () => {
    const world = new World({ ready })
    world.change({ signalledAtMs: epochMs - 97_000, readyAtMs: epochMs - 97_000, hasBeenReady: true })
    world.launched(identityOf(process.pid), epochMs - 100_000)
    const actor = world.begin()
    await pass(10)
    expect(world.facts).toEqual([])
    actor.stop()
    await pass(0)
  })
})

describe('a process that has been ready for long', () => {
  it('is told to be steady, once for each time that this is asked', async () => {
    const world = new World({})
    const actor = world.begin()
    await pass(0)
    world.launched()
    world.change({ readyAtMs: epochMs, steadyAfterMs: 60_000 })
    actor.send({ type: 'next' })
    await pass(59_999)
    expect(world.told()).toEqual([])
    await pass(1)
    expect(world.told()).toEqual(['run.steadied'])
    actor.send({ type: 'next' })
    await pass(200_000)
    expect(world.told()).toEqual(['run.steadied'])
    world.change({ readyAtMs: Date.now(), steadyAfterMs: 1_000 })
    actor.send({ type: 'next' })
    await pass(1_000)
    expect(world.told()).toEqual(['run.steadied', 'run.steadied'])
    actor.stop()
    await pass(0)
  })

  it('is not when it became unready before', async () => {
    const world = new World({ health: health({ readiness }) })
    const actor = world.begin()
    world.change({ readyAtMs: epochMs, hasBeenReady: true, steadyAfterMs: 60_000 })
    world.launched()
    await pass(30_000)
    world.change({ readyAtMs: null })
    await pass(100_000)
    expect(world.told()).not.toContain('run.steadied')
    actor.stop()
    await pass(0)
  })

  it.each([
    ['was so for most of it when the manager came', 59_000, 60_000, 1_000],
    ['must be for longer than a timer can wait', 0, 2 ** 31 + 5_000, 2 ** 31 + 5_000],
  ])('%s', async (_name, readySinceMs, steadyAfterMs, passesMs) => {
    const world = new World({})
    world.launched(identityOf(process.pid), epochMs - readySinceMs)
    world.change({ readyAtMs: epochMs - readySinceMs, hasBeenReady: true, steadyAfterMs })
    const actor = world.begin()
    await pass(passesMs - 1)
    expect(world.told()).toEqual([])
    await pass(1)
    expect(world.told()).toEqual(['run.steadied'])
    actor.stop()
    await pass(0)
  })
})

describe('a process that is declared anew', () => {
  const declare = (world: World, part: Partial<World['spec']>) => {
    world.spec = { ...world.spec, ...part }
  }

  it.each(['renew', 'next'])('is asked what it declares now, and nothing else any more (%s)', async (type) => {
    const world = new World({ health: health({ liveness }) })
    world.answer = undefined
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(1_000)
    const [old] = world.asked
    declare(world, { health: health({ readiness }) })
    actor.send({ type })
    old?.answer(FAILED)
    world.answer = PASSED
    await pass(3_000)
    expect(old?.signal.aborted).toBe(true)
    expect(new Set(world.told())).toEqual(new Set(['probe.passed readiness']))
    expect(world.openCheckers).toBe(1)
    actor.stop()
    await pass(0)
    expect([world.users, world.openCheckers]).toEqual([0, 0])
  })

  it('is not asked sooner or later for what is no probe', async () => {
    const world = new World({ health: health({ liveness }) })
    world.answer = undefined
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(1_000)
    declare(world, { cwd: '/elsewhere' })
    actor.send({ type: 'renew' })
    expect(world.asked[0]?.signal.aborted).toBe(false)
    world.asked[0]?.answer(PASSED)
    await pass(0)
    expect(world.told()).toEqual(['probe.passed liveness'])
    actor.stop()
    await pass(0)
  })

  it('begins to be asked when it had nothing to ask, and costs nothing when it has nothing any more', async () => {
    const world = new World({})
    const actor = world.begin()
    await pass(0)
    world.launched()
    declare(world, { health: health({ liveness }) })
    actor.send({ type: 'renew' })
    await pass(2_000)
    expect(world.told()).toContain('probe.passed liveness')
    declare(world, { health: null })
    actor.send({ type: 'renew' })
    expect([vi.getTimerCount(), world.listeners, world.users, world.openCheckers]).toEqual([0, 0, 0, 0])
    actor.stop()
  })

  it('has the time for its start that it declares now', async () => {
    const world = new World({ health: health({ readiness }), startupTimeoutMs: 60_000 })
    world.answer = FAILED
    const actor = world.begin()
    await pass(0)
    world.launched()
    await pass(5_000)
    expect(world.told()).not.toContain('startup.timed-out')
    declare(world, { startupTimeoutMs: 6_000 })
    actor.send({ type: 'renew' })
    await pass(3_000)
    expect(world.told()).toContain('startup.timed-out')
    actor.stop()
    await pass(0)
  })
})
