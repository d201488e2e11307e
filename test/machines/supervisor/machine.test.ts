import { beforeEach, describe, expect, it } from 'vitest'
import { aSpec, code, EPOCH_MS, signal } from '../fixtures.ts'
import { SupervisorWorld } from './world.ts'

const identity = { pid: 4_321, start: '1', boot: 'b' }
const ALWAYS = { strategy: 'always' } as const

let world: SupervisorWorld
beforeEach(() => {
  world = new SupervisorWorld()
})

describe('opening a directory', () => {
  it('holds it, and takes no orders before it is open', () => {
    expect(world.isDirectoryHeld).toBe(true)
    world.actor.send({ type: 'supervisor.add', spec: aSpec(), atMs: EPOCH_MS })
    expect(world.refs.size).toBe(0)
    expect(world.opened().state).toBe('managing')
    world.add(aSpec())
    expect(world.stateOf('web')).toBe('pending')
  })

  it('brings every process back in its state, with its effects and without a new launch', () => {
    const stop = { purpose: 'stop' as const, askedAtMs: EPOCH_MS, rungs: [{ signal: 'SIGTERM', atMs: EPOCH_MS }], killAtMs: EPOCH_MS + 5_000 }
    world.finds('pending', 'pending')
    world.finds('running', 'running', { run: 2, identity })
    world.finds('stopping', 'stopping', { run: 1, identity, stop, cancelled: true })
    world.finds('backoff', 'backoff', {
      run: 1,
      outcome: code(1),
      endedAtMs: EPOCH_MS,
      retryAtMs: EPOCH_MS + 100,
      counters: { crash: { streak: 1, atMs: [EPOCH_MS] } },
    })
    world.finds('exited', 'exited', { run: 1, outcome: code(0), endedAtMs: EPOCH_MS })
    world.opened()
    expect([...world.refs.keys()].map((id) => [id, world.stateOf(id)])).toEqual(['pending', 'running', 'stopping', 'backoff', 'exited'].map((id) => [id, id]))
    expect([...world.liveRuns.keys()]).toEqual(['running', 'stopping'])
    expect(world.liveStops.get('stopping')).toMatchObject({ run: 1, killAtMs: EPOCH_MS + 5_000 })
    expect(world.launched).toEqual([])
    world.clock.increment(100)
    expect(world.stateOf('backoff')).toBe('starting')
    expect(world.launched).toEqual(['backoff'])
  })

  it('with 1000 processes brings back all of them, and each lives on', () => {
    for (let n = 0; n < 1_000; n++) world.finds(`p${n}`, 'running', { run: 1, identity, spec: aSpec({ id: `p${n}` }) })
    world.opened()
    expect(world.liveRuns.size).toBe(1_000)
    for (let n = 0; n < 1_000; n++) world.exits(`p${n}`, code(n % 2))
    expect([...world.refs.values()].every((ref) => ref.getSnapshot().value === 'exited')).toBe(true)
    expect(world.emitted.filter(({ type }) => type === 'process.exited')).toHaveLength(1_000)
    expect(world.damages).toEqual([])
  })

  it('that is refused keeps the reason and lets go', () => {
    world.says({ type: 'directory.refused', code: 'PROCMAN_STATE_DIR_LOCKED', message: 'in use', details: { pid: 7 } })
    expect(world.actor.getSnapshot()).toMatchObject({
      value: 'refused',
      status: 'done',
      context: { refusal: { code: 'PROCMAN_STATE_DIR_LOCKED', message: 'in use', details: { pid: 7 } } },
    })
    expect(world.isDirectoryHeld).toBe(false)
  })

  it('tells what is damaged in it, and opens all the same', () => {
    world.says({ type: 'directory.damaged', id: 'web', path: '/state/jobs/web/state.json', message: 'it is not JSON' })
    world.opened()
    expect(world.damages).toEqual([{ type: 'process.damaged', id: 'web', path: '/state/jobs/web/state.json', message: 'it is not JSON' }])
    expect(world.state).toBe('managing')
  })

  it('may be given up before it is open', () => {
    world.actor.send({ type: 'supervisor.close' })
    expect(world.state).toBe('closed')
    expect(world.isDirectoryHeld).toBe(false)
  })
})

describe('a process that crashes harms no other', () => {
  /** Both are still there and react. */
  const othersLive = () => {
    expect(world.actor.getSnapshot().status).toBe('active')
    world.exits('a', code(0))
    expect(world.stateOf('a')).toBe('exited')
    world.up('z')
    expect(world.stateOf('z')).toBe('running')
  }

  it('when its effect throws, and it is reported once', () => {
    world.opened().up('a')
    world.bad.add('b')
    const ref = world.add(aSpec({ id: 'b' }))
    ref.send({ type: 'process.start', atMs: EPOCH_MS })
    expect(ref.getSnapshot().status).toBe('error')
    expect(world.damages).toMatchObject([{ id: 'b', message: 'bad b' }])
    othersLive()
  })

  it('when its effect throws as it is restored, and it is reported once', () => {
    world.bad.add('b')
    world.finds('a', 'running', { run: 1, identity, spec: aSpec({ id: 'a' }) })
    world.finds('b', 'running', { run: 1, identity, spec: aSpec({ id: 'b' }) })
    world.opened()
    expect(world.damages).toMatchObject([{ id: 'b', message: 'bad b' }])
    othersLive()
  })

  it('when an action of its own throws', () => {
    world.opened().up('a')
    const ref = world.up('b')
    // A fact that breaks its contract: an end without an outcome.
    ref.send({ type: 'run.ended', run: 1, atMs: EPOCH_MS, nowMs: EPOCH_MS } as never)
    expect(ref.getSnapshot().status).toBe('error')
    expect(world.damages).toMatchObject([{ id: 'b' }])
    othersLive()
  })

  it('when its snapshot names a state that does not exist', () => {
    world.says({ type: 'directory.found', id: 'b', snapshot: { status: 'active', value: 'dancing', context: {}, historyValue: {}, children: {} } })
    world.opened().up('a')
    expect(world.damages).toMatchObject([{ id: 'b', message: expect.stringContaining('dancing') }])
    othersLive()
  })

  it('and a shutdown does not wait for it', () => {
    world.opened().up('a')
    world.bad.add('b')
    world.add(aSpec({ id: 'b' })).send({ type: 'process.start', atMs: EPOCH_MS })
    world.shutdown(1_000)
    world.exits('a', code(0))
    expect(world.state).toBe('drained')
  })
})

describe('removing a process', () => {
  it('ends its actor and nobody else’s', () => {
    world.opened().up('a')
    const ref = world.add(aSpec({ id: 'b' }))
    world.actor.send({ type: 'supervisor.remove', id: 'b' })
    expect(ref.getSnapshot().status).toBe('stopped')
    expect(world.stateOf('a')).toBe('running')
    world.actor.send({ type: 'supervisor.remove', id: 'nobody' })
    expect(world.state).toBe('managing')
  })

  it('makes its id free', () => {
    world.opened().add(aSpec())
    world.actor.send({ type: 'supervisor.remove', id: 'web' })
    world.up('web')
    expect(world.stateOf('web')).toBe('running')
  })
})

describe('closing', () => {
  it('lets go of all: every effect ends, nothing is stopped, the directory is free', () => {
    world.opened()
    for (const id of ['a', 'b', 'c']) world.up(id)
    world.up('waiting', aSpec({ id: 'waiting', restart: ALWAYS }))
    world.exits('waiting', code(1))
    world.actor.send({ type: 'supervisor.close' })
    expect(world.actor.getSnapshot()).toMatchObject({ value: 'closed', status: 'done' })
    expect(world.liveRuns.size).toBe(0)
    expect(world.liveStops.size).toBe(0)
    expect(world.isDirectoryHeld).toBe(false)
    expect([...world.refs.values()].map((ref) => [ref.getSnapshot().status, ref.getSnapshot().value])).toEqual([
      ...['a', 'b', 'c'].map(() => ['stopped', 'running']),
      ['stopped', 'backoff'],
    ])
    world.clock.increment(3_600_000)
    expect(world.launched).toHaveLength(4)
  })

  it('also in the middle of a shutdown', () => {
    world.opened().up('a')
    world.shutdown(1_000)
    world.actor.send({ type: 'supervisor.close' })
    expect(world.state).toBe('closed')
    expect(world.isDirectoryHeld).toBe(false)
  })
})

describe('shutting down', () => {
  it('stops what is up or about to be, and is drained when the last tree is gone', () => {
    world.opened()
    world.up('a')
    world.up('b')
    world.add(aSpec({ id: 'pending' }))
    world.up('done')
    world.exits('done', code(0))
    world.up('waiting', aSpec({ id: 'waiting', restart: ALWAYS }))
    world.exits('waiting', code(1))
    world.shutdown(10_000)
    expect(world.state).toBe('draining')
    expect(['a', 'b', 'pending', 'done', 'waiting'].map((id) => world.stateOf(id))).toEqual(['stopping', 'stopping', 'pending', 'exited', 'exited'])
    world.exits('a', signal('SIGTERM'))
    expect(world.state).toBe('draining')
    world.exits('b', signal('SIGTERM'))
    expect(world.state).toBe('drained')
    expect(world.ref('done').getSnapshot().context.cancelled).toBe(false)
  })

  it('of nothing is drained at once', () => {
    world.opened()
    world.shutdown(10_000)
    expect(world.state).toBe('drained')
  })

  it('of processes that only wait to be started again is drained at once', () => {
    world.opened()
    for (const id of ['a', 'b']) {
      world.up(id, aSpec({ id, restart: ALWAYS }))
      world.exits(id, code(1))
    }
    world.shutdown(10_000)
    expect(world.state).toBe('drained')
  })

  it('kills at its deadline what does not end', () => {
    world.opened().up('a')
    world.up('slow', aSpec({ id: 'slow', stop: { ladder: [{ signal: 'SIGTERM', afterMs: 0 }], timeoutMs: 60_000 } }))
    world.shutdown(1_000)
    world.exits('a', code(0))
    expect(world.liveStops.get('slow')?.killAtMs).toBe(EPOCH_MS + 60_000)
    world.clock.increment(1_000)
    expect(world.liveStops.get('slow')).toMatchObject({ rungs: [], killAtMs: EPOCH_MS + 1_000 })
    expect(world.state).toBe('draining')
    world.exits('slow', signal('SIGKILL'))
    expect(world.state).toBe('drained')
  })

  it('takes no new processes', () => {
    world.opened().up('a')
    world.shutdown(1_000)
    world.actor.send({ type: 'supervisor.add', spec: aSpec({ id: 'late' }), atMs: EPOCH_MS })
    expect(world.refs.has('late')).toBe(false)
  })

  it('of 1000 processes stops all', () => {
    world.opened()
    for (let n = 0; n < 1_000; n++) world.up(`p${n}`)
    world.shutdown(1_000)
    expect(world.liveStops.size).toBe(1_000)
    for (let n = 0; n < 1_000; n++) world.exits(`p${n}`, signal('SIGTERM'))
    expect(world.state).toBe('drained')
  })
})

describe('what processes emit', () => {
  it('is emitted by the supervisor too', () => {
    world.opened().up('a')
    world.exits('a', code(0))
    expect(world.emitted.map(({ type }) => type)).toEqual(['process.started', 'process.ready', 'process.exited', 'process.settled'])
    expect(world.emitted[0]).toEqual({ type: 'process.started', id: 'a', run: 1, pid: 100, atMs: EPOCH_MS })
  })
})

describe('the registry', () => {
  it('is part of the system, and its processes are its children', () => {
    world.opened().up('a')
    const registry = world.actor.getSnapshot().children.registry
    expect(registry?.getSnapshot().refs.get('a')).toBe(world.ref('a'))
    expect(world.ref('a')._parent).toBe(registry)
    expect(world.ref('a').system).toBe(world.actor.system)
  })

  it('has nothing to persist: processes are kept one by one', () => {
    world.opened().up('a')
    expect(JSON.stringify(world.actor.getSnapshot().children.registry?.getPersistedSnapshot())).toBe('{"status":"active"}')
  })
})
