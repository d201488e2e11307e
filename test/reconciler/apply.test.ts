/** Declared processes on a real supervisor: only what the difference asks for is done. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Supervisor } from '../../src/api.ts'
import type { DesiredProcess } from '../../src/desired.ts'
import { explainProcess } from '../../src/machines/process/why.ts'
import { createReader } from '../../src/reader.ts'
import { fromFunction, fromList } from '../../src/reconciler/providers/from.ts'
import { createReconciler, planProcesses } from '../../src/reconciler.ts'
import { aHome, type Home, inState, lives, rejection, sh, sleeper, until } from '../e2e/harness.ts'

const sleep = (id: string, more: Partial<DesiredProcess> = {}): DesiredProcess => ({ ...sleeper(), id, ...more })
const linesOf = ({ lines }: { readonly lines: readonly { id: string; action: string; reason: string }[] }) =>
  lines.map(({ id, action, reason }) => `${action} ${id}: ${reason}`)
const file = (home: Home, id: string) => statSync(home.jobFile(id, 'state.json'))

/** A project whose list the test changes. */
async function aProject(home: Home = aHome(), first: readonly DesiredProcess[] = []) {
  const supervisor = await home.supervisor()
  let list = first
  const reconciler = createReconciler({ supervisor, provider: fromFunction(() => list), origin: home.dir })
  const declare = async (...next: readonly DesiredProcess[]) => {
    list = next
    await reconciler.refresh()
  }
  return { home, supervisor, reconciler, declare }
}

describe('apply', () => {
  it('starts what is missing, leaves alone what is there, and removes what is not declared any more', async () => {
    const { home, supervisor, reconciler, declare } = await aProject(aHome(), [sleep('a'), sleep('b'), sleep('c', { autostart: false })])
    await supervisor.start(sleep('by-hand'))
    expect(linesOf(await reconciler.apply())).toEqual(['start a: is not there', 'start b: is not there', 'create c: is not there'])
    expect(supervisor.list().map(({ id, state, origin }) => [id, state, origin])).toEqual([
      ['by-hand', 'running', null],
      ['a', 'running', home.dir],
      ['b', 'running', home.dir],
      ['c', 'pending', home.dir],
    ])
    const { pid } = supervisor.get('a')
    const gone = supervisor.get('b').pid
    await declare(sleep('a'), sleep('d'))
    const report = await reconciler.apply()
    expect([linesOf(report).slice(0, 1), report.failures, report.warnings]).toEqual([['keep a: is running'], [], []])
    expect(supervisor.list().map(({ id }) => id)).toEqual(['by-hand', 'a', 'd'])
    expect([supervisor.get('a').pid, lives(gone)]).toEqual([pid, false])
  })

  it('does nothing the second time: no run, no file', async () => {
    const { home, supervisor, reconciler } = await aProject(aHome(), [
      sleep('a'),
      { ...sh('exit 0'), id: 'job' },
      { ...sh('exit 3'), id: 'broken' },
      sleep('late', { dependsOn: { broken: 'completed-successfully' } }),
    ])
    await reconciler.apply()
    await Promise.all(['job', 'broken'].map((id) => supervisor.wait(id)))
    await until('the reason is known', () => supervisor.get('late').waiting_for === 'waits for broken to complete: broken has failed: exited with code 3')
    await reconciler.apply()
    const seen = () => ['a', 'job', 'broken', 'late'].map((id) => [supervisor.get(id).run, file(home, id).ino, file(home, id).mtimeMs])
    const before = seen()
    const report = await reconciler.apply()
    expect(report.lines.map(({ action }) => action)).toEqual(['keep', 'keep', 'keep', 'keep'])
    expect(report.warnings).toEqual(['late waits for broken to complete: broken has failed: exited with code 3'])
    expect(seen()).toEqual(before)
  })

  it('restarts only what the change touches, and tells what has changed', async () => {
    const { supervisor, reconciler, declare } = await aProject(aHome(), [sleep('a'), sleep('b'), sleep('c')])
    await reconciler.apply()
    const pids = () => ['a', 'b', 'c'].map((id) => supervisor.get(id).pid)
    const [a, b, c] = pids()
    await declare(sleep('a', { labels: { tier: 'web' }, restart: 'always' }), sleep('b', { env: { LEVEL: '2' } }), sleep('c'))
    await until('b is another', () => supervisor.get('b').state === 'running' && supervisor.get('b').pid !== b)
    expect([supervisor.get('a').pid, supervisor.get('c').pid]).toEqual([a, c])
    expect(supervisor.get('a')).toMatchObject({ labels: { tier: 'web' }, restart: { strategy: 'always' }, run: 1 })
    expect(supervisor.get('b')).toMatchObject({ env: { LEVEL: '2' }, run: 2 })
  })

  it('respects what a user has stopped, and what has failed, unless it is to start what is down', async () => {
    const { supervisor, reconciler } = await aProject(aHome(), [sleep('a'), { ...sh('exit 3'), id: 'b' }, { ...sh('exit 0'), id: 'job' }])
    await reconciler.apply()
    await supervisor.stop('a')
    await Promise.all(['b', 'job'].map((id) => supervisor.wait(id)))
    expect(linesOf(await reconciler.apply())).toEqual([
      'keep a: was stopped by the user; up starts it',
      'keep b: has failed: exited with code 3; up starts it',
      'keep job: has completed',
    ])
    expect(linesOf(await reconciler.apply({ startDown: true }))).toEqual([
      'start a: was stopped by the user',
      'start b: has failed: exited with code 3',
      'keep job: has completed',
    ])
    expect(['a', 'b', 'job'].map((id) => supervisor.get(id).run)).toEqual([2, 2, 1])
  })

  it('tells what could not be done, and does the rest; the next one tries again', async () => {
    const { home, supervisor, reconciler } = await aProject(aHome(), [{ id: 'a', command: './late' }, sleep('b'), sleep('c')])
    await supervisor.start(sleep('c'))
    const report = await reconciler.apply()
    expect(report.failures).toEqual([
      { id: 'c', code: 'PROCMAN_PROCESS_EXISTS', message: expect.stringMatching(/^the id c is taken by a process that was started by hand: /) },
      { id: 'a', code: 'PROCMAN_LAUNCH_FAILED', message: expect.stringMatching(/not found/) },
    ])
    expect(['a', 'b'].map((id) => supervisor.get(id).state)).toEqual(['exited', 'running'])
    await supervisor.stop('c')
    await supervisor.remove('c')
    await until('it is started', () => supervisor.list().some(({ id, state, origin }) => id === 'c' && state === 'running' && origin === home.dir))
    writeFileSync(home.path('late'), '#!/bin/sh\nexec sleep 600\n', { mode: 0o700 })
    expect((await reconciler.apply({ startDown: true })).failures).toEqual([])
    expect(supervisor.get('a').state).toBe('running')
  })

  it('runs a job again whose command has changed, and what has failed', async () => {
    const { supervisor, reconciler, declare } = await aProject(aHome(), [
      { ...sh('exit 0'), id: 'job' },
      { ...sh('exit 3'), id: 'broken' },
    ])
    await reconciler.apply()
    await Promise.all(['job', 'broken'].map((id) => supervisor.wait(id)))
    await declare({ ...sh('exit 0 # 2'), id: 'job' }, { ...sh('exit 0'), id: 'broken' })
    await until('both have run again', () => ['job', 'broken'].every((id) => supervisor.get(id).run === 2 && supervisor.get(id).status === 'completed'))
  })
})

describe('plan', () => {
  it('tells the same as apply, and does nothing', async () => {
    const { home, supervisor, reconciler } = await aProject(aHome(), [sleep('a'), sleep('b', { dependsOn: { a: 'started' } })])
    const plan = await reconciler.plan()
    expect(supervisor.list()).toEqual([])
    expect((await reconciler.apply()).lines).toEqual(plan)
    expect(plan.map(({ action }) => action)).toEqual(['start', 'start'])
    // Without a manager, too.
    const offline = planProcesses({ processes: [sleep('a')], actual: createReader({ stateDir: home.stateDir }).specs(), origin: home.dir })
    expect(offline).toEqual([
      { id: 'a', action: 'keep', reason: 'is running' },
      { id: 'b', action: 'remove', reason: 'is not declared any more' },
    ])
  })

  it('of a list that is wrong tells everything that is wrong, and nothing changes', async () => {
    const { supervisor, reconciler, declare } = await aProject(aHome(), [sleep('a')])
    await reconciler.apply()
    const wrong = [sleep('b', { dependsOn: { c: 'started' } }), sleep('c', { dependsOn: { b: 'started' } }), sleep('d'), sleep('d'), { id: 'e', command: '' }]
    const error = await rejection(declare(...wrong))
    expect(error).toMatchObject({
      code: 'PROCMAN_INVALID_SPEC',
      details: {
        problems: [expect.stringMatching(/^process e: command/), 'process d is declared more than once', 'these depend on each other in a circle: b -> c -> b'],
      },
    })
    const { lines, warnings } = await reconciler.apply()
    expect([lines.map(({ id }) => id), warnings]).toEqual([['a'], [expect.stringMatching(/^a function: what was declared before holds, /)]])
    expect(supervisor.list().map(({ id }) => id)).toEqual(['a'])
  })
})

describe('what depends on another', () => {
  it('waits until that is healthy, says so, and is started by itself', async () => {
    const home = aHome()
    const isOpen = home.path('open')
    const probe = { exec: ['test', '-e', isOpen], intervalMs: 50, startIntervalMs: 20 } as const
    const { supervisor, reconciler } = await aProject(home, [sleep('api', { dependsOn: { db: 'healthy' } }), sleep('db', { health: { readiness: probe } })])
    const { warnings, failures } = await reconciler.apply()
    expect([warnings, failures]).toEqual([['api waits for db to be healthy: db is starting'], []])
    expect(supervisor.get('api')).toMatchObject({ state: 'pending', waiting_for: 'waits for db to be healthy: db is starting', run: 0 })
    expect(explainProcess(supervisor.get('api'), Date.now()).join('\n')).toContain('waits for db to be healthy: db is starting')
    writeFileSync(isOpen, '')
    await inState(supervisor.ref('api'), 'running')
  })

  it('is told why it will not be started, and is when somebody has seen to that', async () => {
    const home = aHome()
    const isFixed = home.path('fixed')
    const { supervisor, reconciler } = await aProject(home, [
      { ...sh(`test -e ${isFixed}`), id: 'migrate' },
      sleep('api', { dependsOn: { migrate: 'completed-successfully' } }),
    ])
    await reconciler.apply()
    const reason = 'waits for migrate to complete: migrate has failed: exited with code 1'
    await until('the reason is known', () => supervisor.get('api').waiting_for === reason)
    writeFileSync(isFixed, '')
    await supervisor.restart('migrate')
    await inState(supervisor.ref('api'), 'running')
  })

  it('waits on under the next manager', async () => {
    const home = aHome()
    const list = [sleep('db', { autostart: false }), sleep('api', { dependsOn: { db: 'started' } })]
    const first = await aProject(home, list)
    await first.reconciler.apply()
    first.reconciler.close()
    await first.supervisor.close()
    const { supervisor, reconciler } = await aProject(home, list)
    expect(linesOf(await reconciler.apply())).toEqual([
      'keep db: has not been started yet, and is started by hand only',
      'keep api: waits for db to be started: db has not been started yet',
    ])
    await supervisor.launch('db')
    await inState(supervisor.ref('api'), 'running')
  })

  it('stays down when the user stops it while it waits', async () => {
    const { supervisor, reconciler } = await aProject(aHome(), [sleep('db', { autostart: false }), sleep('api', { dependsOn: { db: 'started' } })])
    await reconciler.apply()
    await supervisor.stop('api')
    await supervisor.launch('db')
    await reconciler.apply()
    expect(supervisor.get('api')).toMatchObject({ status: 'cancelled', run: 0, waiting_for: null })
    // And when it waits to be started again.
    await supervisor.stop('db')
    await reconciler.apply({ startDown: true })
    expect(supervisor.get('api').waiting_for).toBe('waits for db to be started: db was stopped by the user')
    await supervisor.stop('api')
    await supervisor.launch('db')
    await reconciler.apply()
    expect(supervisor.get('api')).toMatchObject({ status: 'cancelled', waiting_for: null })
  })
})

describe('drain', () => {
  const chain = (home: Home) => {
    const note = (id: string) => `trap 'echo ${id} >> ${home.path('ends')}; exit 0' TERM; touch ${home.path(id)}; while :; do sleep 0.02; done`
    return [
      { ...sh(note('db')), id: 'db' },
      { ...sh(note('api')), id: 'api', dependsOn: { db: 'started' } },
      { ...sh(note('web')), id: 'web', dependsOn: { api: 'started' } },
    ] as const
  }
  const allTrap = (home: Home) =>
    until('all trap', () => ['db', 'api', 'web'].every((id) => home.path(id) && statSync(home.path(id), { throwIfNoEntry: false })))

  it('stops in reverse order and removes, what is not of the project excepted', async () => {
    const home = aHome()
    const { supervisor, reconciler } = await aProject(home, chain(home))
    await supervisor.start(sleep('by-hand'))
    await reconciler.apply()
    await allTrap(home)
    const { failures } = await reconciler.drain()
    expect([home.text('ends').split('\n'), failures, supervisor.list().map(({ id }) => id)]).toEqual([['web', 'api', 'db', ''], [], ['by-hand']])
  })

  it('keeps them when asked to, and apply brings them back', async () => {
    const home = aHome()
    const { supervisor, reconciler } = await aProject(home, chain(home))
    await reconciler.apply()
    await allTrap(home)
    expect(linesOf(await reconciler.drain({ keep: true }))).toEqual(['db', 'api', 'web'].map((id) => `stop ${id}: everything is to be down`))
    expect(supervisor.list().map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled'])
    await reconciler.apply({ startDown: true })
    expect(supervisor.list().map(({ state }) => state)).toEqual(['running', 'running', 'running'])
  })

  it('kills what takes too long', async () => {
    const stubborn = (id: string) => ({
      ...sh("trap '' TERM; echo up; while :; do sleep 0.02; done"),
      id,
      stop: { timeoutMs: 600_000 },
      ready: { logLine: 'up' },
    })
    const { supervisor, reconciler } = await aProject(aHome(), [stubborn('db'), { ...stubborn('api'), dependsOn: { db: 'healthy' } }])
    await reconciler.apply()
    await inState(supervisor.ref('api'), 'running')
    await reconciler.drain({ timeoutMs: 50 })
    expect(supervisor.list()).toEqual([])
  })
})

describe('what a reconciler holds on to', () => {
  it('is let go when it is closed: nothing more happens, everything runs on', async () => {
    const { supervisor, reconciler, declare } = await aProject(aHome(), [sleep('a')])
    await reconciler.apply()
    reconciler.close()
    await expect(declare(sleep('b'))).rejects.toMatchObject({ code: 'PROCMAN_CLOSED' })
    await expect(reconciler.apply()).rejects.toMatchObject({ code: 'PROCMAN_CLOSED' })
    expect(supervisor.list().map(({ id, state }) => [id, state])).toEqual([['a', 'running']])
  })

  it('is let go with its signal, and with its supervisor', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const abort = new AbortController()
    const one = createReconciler({ supervisor, provider: fromList([]), origin: home.dir, signal: abort.signal })
    const other = createReconciler({ supervisor, provider: fromList([sleep('a')]), origin: home.dir })
    abort.abort()
    await expect(one.apply()).rejects.toMatchObject({ code: 'PROCMAN_CLOSED' })
    await supervisor.close()
    await expect(other.apply()).rejects.toMatchObject({ code: 'PROCMAN_CLOSED' })
  })

  it.each([
    ['a relative origin', { origin: 'shop' }],
    ['no provider', { provider: {} }],
  ])('is refused with %s', async (_what, wrong) => {
    const supervisor = { table: {} } as Supervisor
    expect(() => createReconciler({ supervisor, provider: fromList([]), ...(wrong as object) })).toThrow(
      expect.objectContaining({ code: 'PROCMAN_INVALID_ARGUMENT' }),
    )
  })
})

describe('a declared process', () => {
  it('has a working directory that starts at the origin', async () => {
    const { home, supervisor, reconciler } = await aProject(aHome(), [{ id: 'a', command: 'pwd', cwd: '.' }])
    await reconciler.apply()
    await supervisor.wait('a')
    expect(readFileSync(home.jobFile('a', 'stdout.log'), 'utf8')).toBe(`${home.dir}\n`)
  })
})
