/** A process that is declared anew: only what the change touches is touched, and whoever is killed meanwhile, it comes to the new declaration. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ProcessInput } from '../../src/api.ts'
import { explainProcess } from '../../src/machines/process/why.ts'
import { createReader } from '../../src/reader.ts'
import { aHome, type Home, inState, rejection, sh, sleeper, until } from './harness.ts'

const stateOf = (home: Home, id: string) => JSON.parse(readFileSync(home.jobFile(id, 'state.json'), 'utf8')).snapshot
const inodeOf = (home: Home, id: string) => statSync(home.jobFile(id, 'state.json')).ino
/** Its last line of output. */
const said = (home: Home, line: string) => until(`it says ${line}`, () => readFileSync(home.jobFile('web', 'stdout.log'), 'utf8').split('\n').at(-2) === line)
/** Says which declaration it was started with, and stays. */
const tells = (version: string, more: Partial<ProcessInput> = {}): ProcessInput =>
  sh('echo "$VERSION"; exec sleep 600', { id: 'web', env: { VERSION: version }, ...more })

describe('a process that is up', () => {
  it('is not touched by what its run does not see, and that is on disk', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(tells('1'))
    const { pid } = supervisor.get('web')
    const record = await supervisor.update(
      'web',
      tells('1', { labels: { tier: 'web' }, restart: 'always', stop: { timeoutMs: 1_000 }, dependsOn: { db: 'healthy' }, origin: '/srv' }),
    )
    expect(record).toMatchObject({
      state: 'running',
      run: 1,
      pid,
      labels: { tier: 'web' },
      restart: { strategy: 'always' },
      depends_on: { db: 'healthy' },
      origin: '/srv',
    })
    expect(stateOf(home, 'web').context.spec).toMatchObject({ labels: { tier: 'web' }, origin: '/srv' })
  })

  it('that is being launched is as much on disk as any other', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start({ ...tells('1'), autostart: false })
    const launching = supervisor.launch('web')
    expect(supervisor.get('web').state).toBe('starting')
    await supervisor.update('web', tells('1', { labels: { tier: 'web' } }))
    expect(stateOf(home, 'web').context).toMatchObject({ run: 1, spec: { labels: { tier: 'web' } } })
    expect(await launching).toMatchObject({ state: 'running', run: 1 })
  })

  it('is left alone, and nothing is written, when nothing has changed', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(tells('1'))
    await supervisor.update('web', tells('1', { labels: { a: '1', b: '2' } }))
    const [before, snapshot] = [inodeOf(home, 'web'), supervisor.ref('web').getSnapshot()]
    await supervisor.update('web', tells('1', { labels: { b: '2', a: '1' } }))
    expect(inodeOf(home, 'web')).toBe(before)
    expect(supervisor.ref('web').getSnapshot()).toBe(snapshot)
  })

  it('is restarted for what its run was launched with, once, and says why', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(tells('1'))
    const record = await supervisor.update('web', tells('2'))
    expect(record).toMatchObject({ state: 'running', run: 2, restarts: 1, env: { VERSION: '2' } })
    expect(record.reasons.at(-1)?.text).toBe('restarted: declared anew (env VERSION)')
    await said(home, '2')
  })

  it('tells why it could not be launched, and keeps what it was told', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(tells('1'))
    expect(await rejection(supervisor.update('web', { command: '/nowhere/to-be-found' }))).toMatchObject({ code: 'PROCMAN_LAUNCH_FAILED' })
    expect(supervisor.get('web')).toMatchObject({ state: 'exited', command: '/nowhere/to-be-found' })
    expect(await supervisor.update('web', tells('3'))).toMatchObject({ state: 'exited', run: 2 })
    expect(await supervisor.launch('web')).toMatchObject({ state: 'running', run: 3 })
  })

  it('stays stopped when it was stopped meanwhile', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(sh(`trap '' TERM; while :; do sleep 0.05; done`, { id: 'web', stop: { timeoutMs: 300 } }))
    const update = rejection(supervisor.update('web', tells('2')))
    expect(await supervisor.stop('web')).toMatchObject({ status: 'cancelled', run: 1, env: { VERSION: '2' } })
    expect(await update).toMatchObject({ code: 'PROCMAN_WRONG_STATE' })
  })

  it('has the port that it is declared with now, and no other', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const tellsPort = (more: Partial<ProcessInput>) => sh('echo "port ${PORT-none}"; exec sleep 600', { id: 'web', ...more })
    await supervisor.start(tellsPort({ ports: { http: 'any' } }))
    await said(home, `port ${supervisor.get('web').ports.http}`)
    expect(await supervisor.update('web', tellsPort({}))).toMatchObject({ run: 2, ports: {} })
    await said(home, 'port none')
  })
})

describe('a process that is down', () => {
  it('stays down, and is started as it is declared then', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start({ ...tells('1'), autostart: false })
    expect(await supervisor.update('web', tells('2'))).toMatchObject({ state: 'pending', env: { VERSION: '2' } })
    expect(stateOf(home, 'web').context.spec.env).toEqual({ VERSION: '2' })
    await supervisor.launch('web')
    await supervisor.stop('web')
    expect(await supervisor.update('web', tells('3'))).toMatchObject({ state: 'exited', status: 'cancelled' })
  })

  it('keeps what is counted against it, and the time of its retry', async () => {
    const supervisor = await aHome().supervisor()
    const fails = (label: string) => sh('exit 3', { id: 'web', labels: { label }, restart: { strategy: 'always', delayMs: 3_600_000 } })
    await supervisor.start(fails('a'))
    await inState(supervisor.ref('web'), 'backoff')
    const { retry_at, attempts } = supervisor.get('web')
    expect(await supervisor.update('web', fails('b'))).toMatchObject({ state: 'backoff', retry_at, attempts, labels: { label: 'b' } })
  })

  it('is held with a reason until its next run', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start({ ...sleeper({ id: 'api' }), autostart: false })
    const reason = 'waits for db to be healthy: db has failed: exited with code 1'
    const held = await supervisor.hold('api', reason)
    expect(held).toMatchObject({ state: 'pending', waiting_for: reason })
    expect(explainProcess(held, Date.now())).toEqual([`api was created and has not been started yet: it ${reason}.`])
    const before = inodeOf(home, 'api')
    await supervisor.hold('api', reason)
    expect(inodeOf(home, 'api')).toBe(before)
    expect(createReader({ stateDir: home.stateDir }).get('api').waiting_for).toBe(reason)
    expect((await supervisor.launch('api')).waiting_for).toBeNull()
    expect(await rejection(supervisor.hold('api', reason))).toMatchObject({ code: 'PROCMAN_WRONG_STATE' })
    await supervisor.stop('api')
    await supervisor.hold('api', reason)
    expect((await supervisor.hold('api', null)).waiting_for).toBeNull()
  })
})

describe('what is refused changes nothing', () => {
  it.each([
    ['another id', { ...tells('2'), id: 'other' }, 'PROCMAN_INVALID_SPEC'],
    ['a spec that is wrong', { command: '' }, 'PROCMAN_INVALID_SPEC'],
    ['no spec', null, 'PROCMAN_INVALID_SPEC'],
  ])('%s', async (_, input, code) => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(tells('1'))
    const before = supervisor.get('web')
    expect(await rejection(supervisor.update('web', input as ProcessInput))).toMatchObject({ code })
    expect(supervisor.get('web')).toEqual(before)
    expect(await rejection(supervisor.update('nobody', tells('1')))).toMatchObject({ code: 'PROCMAN_PROCESS_UNKNOWN' })
    expect(await rejection(supervisor.hold('web', 5 as never))).toMatchObject({ code: 'PROCMAN_INVALID_ARGUMENT' })
  })
})

describe('a reader', () => {
  it('has the specs that the records are of', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(tells('1', { env: { VERSION: '1', DB_PASSWORD: 'secret' } }))
    const [found] = createReader({ stateDir: home.stateDir }).specs()
    expect(found?.spec).toEqual(supervisor.ref('web').getSnapshot().context.spec)
    expect(found?.record).toMatchObject({ id: 'web', env: { DB_PASSWORD: '***' } })
  })
})

describe('a probe that is changed', () => {
  const [passes, fails] = [{ exec: ['true'] }, { exec: ['false'] }]
  const probed = (health: ProcessInput['health']) => sleeper({ id: 'web', ...(health === undefined ? {} : { health }) })
  const often = { intervalMs: 20, failureThreshold: 1 }

  it('is asked in its new form by the run that is up', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(probed({ liveness: { ...fails, ...often, onFailure: 'report' } }))
    await inState(supervisor.ref('web'), 'unhealthy')
    const { pid } = supervisor.get('web')
    await supervisor.update('web', probed({ liveness: { ...passes, ...often, onFailure: 'report' } }))
    expect(await supervisor.waitFor('web', 'healthy')).toMatchObject({ run: 1, pid })
    await supervisor.update('web', probed({ liveness: { ...fails, ...often, onFailure: 'report' } }))
    await inState(supervisor.ref('web'), 'unhealthy')
    expect(supervisor.get('web')).toMatchObject({ run: 1, pid })
  })

  it('does not keep it unhealthy once it is gone, and is asked again once it is back', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(probed({ readiness: { ...passes, ...often } }))
    await inState(supervisor.ref('web'), 'running')
    await supervisor.update('web', probed({ readiness: { ...fails, ...often } }))
    await inState(supervisor.ref('web'), 'unhealthy')
    expect(await supervisor.update('web', probed(undefined))).toMatchObject({ state: 'running', ready: true, health: null, run: 1 })
    await supervisor.update('web', probed({ readiness: { ...fails, ...often } }))
    await inState(supervisor.ref('web'), 'unhealthy')
  })

  it('lets one that could not become ready become so', async () => {
    const supervisor = await aHome().supervisor()
    const starting = supervisor.start(probed({ startup: { ...fails, ...often } }))
    await starting
    expect(supervisor.get('web').state).toBe('starting')
    await supervisor.update('web', probed({ startup: { ...passes, ...often } }))
    expect(await supervisor.waitFor('web', 'ready')).toMatchObject({ run: 1 })
  })

  it('is a function of the program that is called from then on', async () => {
    const supervisor = await aHome().supervisor()
    const asked: string[] = []
    const asks = (name: string) => probed({ liveness: { function: () => void asked.push(name), ...often } })
    await supervisor.start(asks('old'))
    await until('the old one is asked', () => asked.includes('old'))
    await supervisor.update('web', asks('new'))
    await until('the new one is asked', () => asked.includes('new'))
  })
})

describe('a manager that is killed while it updates', () => {
  it.each([0, 1, 3, 10, 30])('after %i ms has an heir that has one declaration or the other, whole, and comes to the new one', async (ms) => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start(tells('1', { restart: 'always' }))
    manager.call('update', 'web', tells('2', { restart: 'always' })).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, ms))
    await manager.kill()
    const heir = await home.supervisor()
    await inState(heir.ref('web'), 'running')
    const { run, env } = heir.get('web')
    expect(env).toEqual({ VERSION: String(run) })
    expect(await heir.update('web', tells('2', { restart: 'always' }))).toMatchObject({ state: 'running', run: 2 })
    expect(home.strays()).toHaveLength(1)
    await said(home, '2')
  })

  it('after the next run was begun with it has an heir that knows it', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(tells('1'))
    const older = readFileSync(home.jobFile('web', 'state.json'))
    await supervisor.update('web', tells('2'))
    await supervisor.close()
    writeFileSync(home.jobFile('web', 'state.json'), older)
    const heir = await home.supervisor()
    expect(heir.get('web')).toMatchObject({ run: 2, env: { VERSION: '2' } })
  })
})
