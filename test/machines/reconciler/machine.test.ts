import { describe, expect, it } from 'vitest'
import type { Declared } from '../../../src/machines/reconciler/facts.ts'
import { actual, as, declared, needing } from './fixtures.ts'
import { World } from './world.ts'

/** Brought up, and come to rest. */
function up(...all: readonly Declared[]): World {
  const world = new World()
  world.declare(...all)
  world.reconcile()
  world.settle()
  return world
}

describe('the reconciler', () => {
  it('does nothing before it is told what is to be there, and asked to see to it', () => {
    const world = new World([actual('old', as.running)])
    world.declare(declared('web'))
    expect([world.state, world.steps]).toEqual(['waiting', []])
    world.reconcile()
    expect([world.state, world.settle(), world.state]).toEqual(['converging', ['create web', 'stop old', 'launch web', 'remove old'], 'steady'])
  })

  it('begins once it is told, when it was asked before', () => {
    const world = new World([actual('web', as.cancelled)])
    world.reconcile({ startDown: true })
    expect(world.state).toBe('waiting')
    world.declare(declared('web'))
    expect(world.settle()).toEqual(['launch web'])
  })

  it('does nothing the second time', () => {
    const world = up(declared('web'), declared('api', needing(['web'])))
    world.reconcile({ startDown: true })
    expect([world.state, world.steps, world.told.filter(({ type }) => type === 'reconciler.steady')]).toEqual([
      'steady',
      [],
      [expect.anything(), expect.anything()],
    ])
  })

  it('follows what is declared from then on', () => {
    const world = up(declared('web'), declared('api'))
    world.declare(declared('web', { labels: { tier: 'x' } }), declared('db'))
    expect(world.settle()).toEqual(['update web', 'create db', 'stop api', 'launch db', 'remove api'])
  })

  it('goes on with what it is doing when it is asked again meanwhile', () => {
    const world = new World()
    world.declare(declared('web'), declared('api'))
    world.reconcile()
    world.reconcile()
    world.declare(declared('web'))
    expect([world.settle(), world.state]).toEqual([['create web', 'create api', 'launch web', 'remove api'], 'steady'])
    expect(world.begun).toBe(1)
  })

  it('keeps what was declared when that cannot be told any more', () => {
    const world = up(declared('web'))
    world.send({ type: 'desired.failed', code: 'PROCMAN_CONFIG_INVALID', message: 'line 3' })
    expect([world.state, world.steps]).toEqual(['steady', []])
    expect(world.told.at(-1)).toEqual({ type: 'reconciler.desired-failed', code: 'PROCMAN_CONFIG_INVALID', message: 'line 3' })
  })

  it('does no more than fifty things at once', () => {
    const world = new World()
    world.declare(...Array.from({ length: 120 }, (_, n) => declared(`p${n}`)))
    world.reconcile()
    expect(world.steps).toHaveLength(50)
    expect(world.settle()).toHaveLength(240)
  })

  it('does nothing once it is closed', () => {
    const world = new World()
    world.declare(declared('web'))
    world.send({ type: 'reconciler.close' })
    expect([world.state, world.steps]).toEqual(['closed', []])
  })
})

describe('a dependent', () => {
  it('is held, and started by itself when what it needs is there', () => {
    const world = new World()
    world.declare(declared('db'), declared('api', needing(['db'], 'healthy')))
    world.reconcile()
    const [db, api] = world.steps
    if (db === undefined || api === undefined) return expect.unreachable()
    world.finish(api)
    expect(world.steps[1]).toMatchObject({ kind: 'hold', id: 'api', text: 'waits for db to be healthy: db is about to be started' })
    world.finish(db)
    for (const step of [...world.steps]) world.finish(step, as.starting)
    world.settle()
    expect([world.state, world.processes.get('api')?.record.waiting_for]).toEqual(['steady', 'waits for db to be healthy: db is starting'])
    world.become('db', as.unproven)
    world.become('db', { ...as.failed, error: 'exited with code 3' })
    world.settle()
    expect(world.processes.get('api')?.record.waiting_for).toBe('waits for db to be healthy: db has failed: exited with code 3')
    // Somebody has started it by hand.
    world.become('db', as.starting)
    world.become('db', as.healthy)
    expect(world.settle()).toEqual(['hold api', 'launch api'])
  })

  it('is told of while it waits', () => {
    const world = up(declared('db', { autostart: false }), declared('api', needing(['db'])))
    expect(world.told.at(-1)).toEqual({ type: 'reconciler.steady', waiting: ['api'], failed: [] })
  })

  it('is restarted after what it needs', () => {
    const world = up(declared('db'), declared('api', needing(['db'], 'healthy')))
    world.declare(declared('db', { command: 'new' }), declared('api', { command: 'new', ...needing(['db'], 'healthy') }))
    expect(world.steps.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['update db'])
    const [update] = world.steps
    if (update === undefined) return expect.unreachable()
    world.finish(update, as.starting)
    expect([world.state, world.steps]).toEqual(['steady', []])
    world.become('db', as.healthy)
    expect(world.settle()).toEqual(['update api'])
  })

  it('goes on as it is when what it needs does not come', () => {
    const world = up(declared('db'), declared('api', needing(['db'])))
    world.become('db', as.failed)
    world.declare(declared('db'), declared('api', { command: 'new', ...needing(['db']) }))
    expect([world.settle(), world.processes.get('api')?.record.state]).toEqual([[], 'running'])
  })
})

describe('a port that is handed on', () => {
  const http = (port: number) => ({ ports: { http: { from: port, to: port, host: null } } })

  it('is let go of before who is to have it is started', () => {
    const world = up(declared('old', http(8080)), declared('mover', http(8081)))
    world.declare(declared('new', http(8080)), declared('mover', http(9090)), declared('other', http(8081)))
    const done: string[] = []
    for (let step = world.steps.at(-1); step !== undefined; step = world.steps.at(-1)) {
      done.push(`${step.kind} ${step.id}`)
      world.finish(step)
    }
    expect(done.indexOf('stop old')).toBeLessThan(done.indexOf('launch new'))
    expect(done.indexOf('update mover')).toBeLessThan(done.indexOf('launch other'))
  })

  it('is waited for, and that is told', () => {
    const world = up(declared('old', http(8080)))
    world.become('old', as.stopping)
    world.declare(declared('new', http(8080)))
    expect(world.settle()).toEqual(['create new', 'hold new'])
    expect([world.processes.get('new')?.record.waiting_for, world.state]).toEqual(['waits for port 8080, which old still has', 'converging'])
    world.become('old', as.cancelled)
    expect([...world.settle()].sort()).toEqual(['launch new', 'remove old'])
  })
})

describe('a probe that is a function', () => {
  it('is declared to each manager once', () => {
    const web = { ...declared('web'), hasFunctions: true }
    const world = up(web)
    expect(world.settle()).toEqual([])
    const next = new World([...world.processes.values()])
    next.declare(web)
    next.reconcile()
    expect([next.settle(), next.state]).toEqual([['update web'], 'steady'])
    next.reconcile()
    expect(next.steps).toEqual([])
  })
})

describe('what a user does', () => {
  it('holds: a stop is not undone, but by up', () => {
    const world = up(declared('web'))
    world.become('web', as.cancelled)
    world.declare(declared('web'))
    world.reconcile()
    expect(world.settle()).toEqual([])
    world.reconcile({ startDown: true })
    expect(world.settle()).toEqual(['launch web'])
  })

  it('holds: what was removed by hand is not there before somebody asks', () => {
    const world = up(declared('web'))
    world.become('web', as.cancelled)
    world.remove('web')
    expect([world.state, world.settle()]).toEqual(['steady', []])
    world.reconcile()
    expect(world.settle()).toEqual(['create web', 'launch web'])
  })

  it('is waited for: what is being stopped is started after that', () => {
    const world = up(declared('web'))
    world.become('web', as.stopping)
    world.reconcile({ startDown: true })
    expect([world.state, world.steps]).toEqual(['converging', []])
    world.become('web', as.cancelled)
    expect([world.settle(), world.state]).toEqual([['launch web'], 'steady'])
  })
})

describe('what fails', () => {
  it('is told, and left until somebody asks again', () => {
    const world = new World()
    world.declare(declared('web'), declared('api'))
    world.reconcile()
    const [web] = world.steps
    if (web === undefined) return expect.unreachable()
    world.finish(web)
    const launch = world.steps.find(({ id }) => id === 'web')
    if (launch === undefined) return expect.unreachable()
    world.fail(launch, 'PROCMAN_LAUNCH_FAILED', as.failed)
    world.settle()
    // How often a launch is tried is up to the restart policy.
    expect(world.state).toBe('steady')
    expect(world.told.find(({ type }) => type === 'reconciler.failed')).toMatchObject({ id: 'web', step: 'launch', code: 'PROCMAN_LAUNCH_FAILED' })
    world.reconcile()
    expect(world.settle()).toEqual([])
    world.reconcile({ startDown: true })
    expect(world.settle()).toEqual(['launch web'])
  })

  it('is tried again after a while, unless it was a launch', () => {
    const world = new World()
    world.declare(declared('web'))
    world.reconcile()
    const [create] = world.steps
    if (create === undefined) return expect.unreachable()
    world.fail(create, 'PROCMAN_STATE_NOT_SAVED')
    expect([world.state, world.steps, world.deadlines]).toEqual(['troubled', [], 1])
    world.send({ type: 'deadline.passed', atMs: 0 })
    expect([world.settle(), world.state]).toEqual([['create web', 'launch web'], 'steady'])
  })

  it('is tried again after a while when a launch is still wanted', () => {
    const world = new World([actual('web', as.pending)])
    world.declare(declared('web'))
    world.reconcile()
    const [launch] = world.steps
    if (launch === undefined) return expect.unreachable()
    world.fail(launch, 'PROCMAN_BREAKER_OPEN')
    expect([world.state, world.steps]).toEqual(['troubled', []])
    world.send({ type: 'deadline.passed', atMs: 0 })
    expect(world.settle()).toEqual(['launch web'])
  })

  it('is no failure when somebody was faster', () => {
    const world = new World([actual('web', as.pending)])
    world.declare(declared('web'))
    world.reconcile()
    const [launch] = world.steps
    if (launch === undefined) return expect.unreachable()
    world.fail(launch, 'PROCMAN_WRONG_STATE', as.running)
    expect(world.told.filter(({ type }) => type === 'reconciler.failed')).toEqual([])
  })

  it('does not go round in circles when a step changes nothing', () => {
    const world = new World([actual('web', as.running)])
    world.declare(declared('web', { command: 'new' }))
    world.reconcile()
    const [update] = world.steps
    if (update === undefined) return expect.unreachable()
    world.steps.length = 0
    world.send({ type: 'step.done', step: update, actual: actual('web', as.running), atMs: 0 })
    expect([world.state, world.steps]).toEqual(['steady', []])
    expect(world.told).toContainEqual(expect.objectContaining({ type: 'reconciler.failed', id: 'web', code: 'PROCMAN_INTERNAL' }))
  })

  it('is an id that somebody else has, until it is free', () => {
    const world = new World([actual('web', as.running, { origin: null })])
    world.declare(declared('web'), declared('api'))
    world.reconcile()
    expect(world.settle()).toEqual(['create api', 'launch api'])
    expect(world.told).toContainEqual(expect.objectContaining({ type: 'reconciler.failed', id: 'web', code: 'PROCMAN_PROCESS_EXISTS' }))
    world.become('web', as.cancelled)
    world.remove('web')
    expect(world.settle()).toEqual(['create web', 'launch web'])
  })
})

describe('when everything is to be down', () => {
  const three = [declared('db'), declared('api', needing(['db'])), declared('web', needing(['api']))] as const
  const steps = (world: World) => world.steps.map(({ kind, id }) => `${kind} ${id}`)

  it('dependents go first, and are removed', () => {
    const world = up(...three)
    world.send({ type: 'reconciler.drain', keep: false, killAtMs: 1_000 })
    expect(steps(world)).toEqual(['stop web'])
    const done = world.settle()
    expect(done.filter((step) => step.startsWith('stop'))).toEqual(['stop web', 'stop api', 'stop db'])
    expect([world.processes.size, world.state]).toEqual([0, 'drained'])
  })

  it.each([true, false])('also behind a job that has completed (keep: %s)', (keep) => {
    const world = up(declared('db'), declared('migrate', needing(['db'])), declared('api', needing(['migrate'])))
    world.become('migrate', as.completed)
    world.send({ type: 'reconciler.drain', keep, killAtMs: 1_000 })
    expect(steps(world)).toEqual(['stop api'])
    expect(world.settle().filter((step) => step.startsWith('stop'))).toEqual(['stop api', 'stop db'])
    expect([world.processes.size, world.state]).toEqual([keep ? 3 : 0, 'drained'])
  })

  it('or kept; and up brings them back', () => {
    const world = up(...three)
    world.send({ type: 'reconciler.drain', keep: true, killAtMs: 1_000 })
    expect([world.settle(), world.state]).toEqual([['stop web', 'stop api', 'stop db'], 'drained'])
    world.declare(...three)
    world.become('db', as.failed)
    expect([world.state, world.steps]).toEqual(['drained', []])
    world.reconcile({ startDown: true })
    world.settle()
    expect([...world.processes.values()].map(({ record }) => record.state)).toEqual(['running', 'running', 'running'])
  })

  it('whatever is left at the deadline is killed, in no order', () => {
    const world = up(...three)
    world.send({ type: 'reconciler.drain', keep: true, killAtMs: 1_000 })
    const [stop] = world.steps
    if (stop === undefined) return expect.unreachable()
    world.become('web', as.stopping)
    world.send({ type: 'deadline.passed', atMs: 1_000 })
    expect(steps(world).sort()).toEqual(['kill api', 'kill db', 'kill web', 'stop web'])
    world.finish(stop)
    expect(world.state).toBe('draining')
    world.settle()
    expect(world.state).toBe('drained')
  })

  it('what waits is not started any more', () => {
    const world = up(declared('db', { autostart: false }), declared('api', needing(['db'])))
    world.send({ type: 'reconciler.drain', keep: true, killAtMs: 1_000 })
    world.settle()
    expect([...world.processes.values()].map(({ record }) => [record.status, record.waiting_for])).toEqual([
      ['cancelled', null],
      ['cancelled', null],
    ])
  })

  it('also when they depend on each other in a circle', () => {
    const world = new World([actual('a', as.running, needing(['b'])), actual('b', as.running, needing(['a']))])
    world.send({ type: 'reconciler.drain', keep: false, killAtMs: 1_000 })
    world.settle()
    expect(world.processes.size).toBe(0)
  })
})
