/** Services where several things go wrong at once. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ProcessRecord } from '../../src/index.ts'
import { recordWhere } from '../crash/hostile.ts'
import { aHome, fixture, kill, killIfThere, lives, obedient, pause, rejection, sh, sleeper, until } from './harness.ts'
import { aPeer, at, freeRange, http, isState, often, recordWhen, Service, snapshotOnDisk } from './services.ts'

const deaf = 'trap "" TERM; echo ready; while :; do sleep 0.05; done'
const fails = { status: 503 }

describe('a manager that is killed', () => {
  it('while it stops what has failed its health has an heir that finishes that, and counts it as failed health', async () => {
    const peer = await aPeer()
    const home = aHome()
    const manager = await home.manager()
    const health = { liveness: http(peer.url('/'), { failureThreshold: 1 }) }
    const { pid } = await manager.start(sh(deaf, { id: 'web', health, restart: { strategy: 'on-failure', delayMs: 0 }, stop: { timeoutMs: 1_000 } }))
    await until('it is deaf', () => existsSync(home.jobFile('web', 'stdout.log')) && readFileSync(home.jobFile('web', 'stdout.log'), 'utf8') === 'ready\n')
    peer.rules['/'] = fails
    await until('that is on disk', () => snapshotOnDisk(home, 'web')?.value === 'stopping')
    await manager.kill()
    peer.rules['/'] = {}
    const next = await home.supervisor()
    expect(next.get('web')).toMatchObject({ state: 'stopping', stopping: { purpose: 'unhealthy' }, waiting_for: 'liveness probe failed: status 503', pid })
    const record = await isState(next, 'web', 'running', 2)
    expect(Object.keys(record.attempts)).toEqual(['health'])
    expect(lives(pid)).toBe(false)
  })

  it('while what has failed its health ends by itself has an heir that counts it as failed health', async () => {
    const peer = await aPeer()
    const home = aHome()
    const manager = await home.manager()
    const health = { liveness: http(peer.url('/'), { failureThreshold: 1 }) }
    await manager.start(sh(deaf, { id: 'web', health, restart: { strategy: 'on-failure', delayMs: 0 }, stop: { timeoutMs: 60_000 } }))
    await until('it is deaf', () => existsSync(home.jobFile('web', 'stdout.log')) && readFileSync(home.jobFile('web', 'stdout.log'), 'utf8') === 'ready\n')
    peer.rules['/'] = fails
    await until('that is on disk', () => snapshotOnDisk(home, 'web')?.value === 'stopping')
    await manager.kill()
    kill(snapshotOnDisk(home, 'web').context.identity.pid)
    await until('it has ended', () => existsSync(home.jobFile('web', 'run-1.exit')))
    peer.rules['/'] = {}
    const next = await home.supervisor()
    expect(Object.keys((await isState(next, 'web', 'running', 2)).attempts)).toEqual(['health'])
  })

  it('while it stops what was not ready in time has an heir that counts a failed start', async () => {
    const peer = await aPeer({ '/': fails })
    const home = aHome()
    const manager = await home.manager()
    const health = { startup: http(peer.url('/')) }
    const restart = { strategy: 'on-failure', delayMs: 0 } as const
    await manager.start(sh(deaf, { id: 'web', health, restart, startupTimeoutMs: 400, stop: { timeoutMs: 1_000 } }))
    await until('that is on disk', () => snapshotOnDisk(home, 'web')?.value === 'stopping')
    await manager.kill()
    peer.rules['/'] = {}
    const next = await home.supervisor()
    const record = await isState(next, 'web', 'running', 2)
    expect(Object.keys(record.attempts)).toEqual(['start'])
    expect(record.reasons.map(({ text }) => text).join('\n')).toContain('not ready within 400ms: startup probe failed')
  })

  it('in the middle of an exec probe leaves nothing of it behind', async () => {
    const home = aHome()
    const manager = await home.manager()
    const exec = ['sh', '-c', `sleep 614 & echo $! >> ${home.path('probes')}; echo $$ >> ${home.path('probes')}; wait`]
    await manager.start(sleeper({ id: 'web', health: { liveness: { ...often, exec, timeoutMs: 3_600_000 } } }))
    const pids = await until('it is asked', () => home.text('probes').split('\n').length === 3 && home.text('probes').trim().split('\n').map(Number))
    onTestFinished(() => {
      for (const pid of pids.filter(lives)) kill(pid)
    })
    await manager.kill()
    await until('nothing of it lives', () => pids.filter(lives).length === 0)
  })

  it('five times, each at another moment of the life of a service, has heirs that lose nothing', async () => {
    const home = aHome()
    const service = new Service(home)
    let manager = await home.manager()
    const restart = { strategy: 'always', delayMs: 100, maxAttempts: 0, multiplier: 1 } as const
    await manager.start(service.input({ health: { startup: at('/startup'), liveness: at('/live'), readiness: at('/ready') }, restart, breaker: false }))
    const { ports } = await manager.call('waitFor', 'web', 'healthy')
    for (let round = 0; round < 5; round++) {
      const { pid } = await manager.call('get', 'web')
      if (pid !== null && round % 2 === 0) killIfThere(pid) // a manager that has just come may not have seen its end yet
      await pause(round * 40)
      await manager.kill()
      manager = await home.manager()
      await until('one is there at most', () => home.strays().length <= 1)
    }
    // What was killed last may still be ending: nobody is told before it is gone.
    const isThere = ({ pid, health }: ProcessRecord) => health?.status === 'healthy' && home.strays().some((stray) => stray.pid === pid)
    const record = await recordWhere(manager, 'web', 'healthy and there', isThere)
    expect(record).toMatchObject({ state: 'running', ports, restarts: record.run - 1 })
    expect(Object.keys(record.attempts)).toEqual(['crash'])
    expect(record.run).toBeGreaterThanOrEqual(2)
    expect(home.strays()).toHaveLength(1)
  })
})

describe('an exec probe', () => {
  it.each(['auto', 'node'] as const)('passes below a manager whose keeper is %s, also when its state directory has lost the program', async (keeper) => {
    const home = aHome()
    const supervisor = await home.supervisor({ keeper })
    const health = { liveness: { ...often, exec: ['sh', '-c', 'exit 0'], failureThreshold: 1 } }
    const { id } = await supervisor.start(sleeper({ health }))
    await supervisor.waitFor(id, 'healthy')
    rmSync(join(home.stateDir, 'bin'), { recursive: true, force: true })
    const goneAtMs = Date.now()
    const later = (record: ProcessRecord) => (record.health?.liveness?.results ?? []).filter(({ at }) => Date.parse(at) > goneAtMs).length
    await recordWhen(supervisor, id, 'is asked on', (record) => later(record) >= 3)
    expect(supervisor.get(id)).toMatchObject({ state: 'running', run: 1, health: { liveness: { verdict: 'passing', failures: 0 } } })
  })
})

describe('one whose keeper was killed', () => {
  it('is probed on, and restarted when its health fails', async () => {
    const peer = await aPeer()
    const home = aHome()
    const supervisor = await home.supervisor()
    const health = { liveness: http(peer.url('/'), { failureThreshold: 2 }) }
    const { id } = await supervisor.start(sleeper({ health, restart: { strategy: 'on-failure', delayMs: 0 } }))
    const { pid } = await supervisor.waitFor(id, 'healthy')
    kill(home.keeperPid(id))
    await recordWhen(supervisor, id, 'the loss is known', ({ keeper_lost }) => keeper_lost)
    const asked = peer.asked.length
    await until('it is asked on', () => peer.asked.length > asked + 2)
    peer.rules['/'] = fails
    await recordWhen(supervisor, id, 'is in run 2', ({ run }) => run === 2)
    expect(lives(pid)).toBe(false)
    expect(Object.keys(supervisor.get(id).attempts)).toEqual(['health'])
  })

  it('keeps its port until its tree is gone', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const [port] = await freeRange(1)
    const { id } = await supervisor.start(sleeper({ id: 'first', ports: { http: port } }))
    kill(home.keeperPid(id))
    await recordWhen(supervisor, id, 'the loss is known', ({ keeper_lost }) => keeper_lost)
    expect((await rejection(supervisor.start(sleeper({ ports: { http: port } })))).message).toContain('held by process first')
    await supervisor.stop(id)
    await supervisor.start(sleeper({ ports: { http: port } }))
  })
})

describe('commands in the middle', () => {
  it('a stop wins over a failing health, and over a start that is not ready', async () => {
    const peer = await aPeer({ '/': fails })
    const supervisor = await aHome().supervisor()
    const unwell = sh(deaf, {
      id: 'unwell',
      health: { liveness: http(peer.url('/'), { failureThreshold: 1 }) },
      restart: 'always',
      stop: { timeoutMs: 60_000 },
    })
    await supervisor.start(unwell)
    await isState(supervisor, 'unwell', 'stopping')
    expect(await supervisor.stop('unwell', { timeoutMs: 100 })).toMatchObject({ state: 'exited', status: 'cancelled', run: 1 })
    await supervisor.start(sleeper({ id: 'unready', health: { startup: http(peer.url('/')) }, restart: 'always' }))
    expect(await supervisor.stop('unready')).toMatchObject({ state: 'exited', status: 'cancelled', run: 1, attempts: {} })
  })

  it('a restart while it is unhealthy, starting or waiting begins a new run that costs nothing', async () => {
    const peer = await aPeer()
    const supervisor = await aHome().supervisor()
    const health = { startup: http(peer.url('/startup')), readiness: http(peer.url('/ready'), { failureThreshold: 1 }) }
    const { id } = await supervisor.start(sleeper({ health, restart: { strategy: 'always', delayMs: 60_000 } }))
    await supervisor.waitFor(id, 'ready')
    peer.rules['/ready'] = fails
    await isState(supervisor, id, 'unhealthy')
    peer.rules['/startup'] = fails
    expect(await supervisor.restart(id)).toMatchObject({ run: 2, state: 'starting', attempts: {} })
    await recordWhen(supervisor, id, 'was asked', ({ health: now }) => (now?.startup?.failures ?? 0) > 1)
    peer.rules['/startup'] = {}
    peer.rules['/ready'] = {}
    await supervisor.restart(id)
    expect(await supervisor.waitFor(id, 'ready')).toMatchObject({ run: 3, attempts: {} })
    kill(supervisor.get(id).pid)
    await isState(supervisor, id, 'backoff')
    await supervisor.restart(id)
    expect(await supervisor.waitFor(id, 'ready')).toMatchObject({ run: 4, attempts: {}, restarts: 3 })
  })

  it('commands of all kinds at once leave one process, or none', async () => {
    const peer = await aPeer()
    const home = aHome()
    const supervisor = await home.supervisor()
    const input = sleeper({ id: 'web', ports: { http: 'any' }, health: { liveness: http(peer.url('/')) }, restart: { strategy: 'always', delayMs: 0 } })
    await supervisor.start(input)
    const commands = ['restart', 'stop', 'launch', 'reset', 'restart', 'stop', 'restart', 'launch'] as const
    await Promise.allSettled([...commands, ...commands].map((command) => supervisor[command]('web')))
    await until('all is quiet', () => ['running', 'exited'].includes(supervisor.get('web').state))
    expect(home.strays()).toHaveLength(supervisor.get('web').state === 'running' ? 1 : 0)
    expect(supervisor.problems).toEqual([])
  })

  it('a reset in the trial run closes the breaker', async () => {
    const supervisor = await aHome().supervisor()
    const restart = { strategy: 'always', delayMs: 0, maxAttempts: 0, resetAfterMs: 3_600_000 } as const
    const { id } = await supervisor.start(
      sh('[ $PROCMAN_RUN = 1 ] && exit 1; exec sleep 600', { restart, breaker: { failures: 1, cooldownMs: 150, windowMs: 3_600_000 } }),
    )
    expect(await isState(supervisor, id, 'running', 2)).toMatchObject({ breaker: { state: 'half-open' } })
    expect(await supervisor.reset(id)).toMatchObject({ state: 'running', run: 2, breaker: { state: 'closed' } })
    kill(supervisor.get(id).pid)
    expect(await isState(supervisor, id, 'backoff')).toMatchObject({ breaker: { state: 'open', failures_at: [expect.any(String)] } })
  })
})

describe('two managers', () => {
  it('that give out the same range at the same time have servers that all get a port: who comes too late moves on', async () => {
    const homes = [aHome(), aHome()] as const
    const range = await freeRange(16)
    const supervisors = await Promise.all(homes.map((home) => home.supervisor()))
    const input = { command: 'perl', args: [fixture('server.pl')], ports: { http: { range } }, breaker: false } as const
    const restart = { strategy: 'on-failure', delayMs: 20, maxAttempts: 0 } as const
    const health = { startup: { ...often, tcp: '${port}' } }
    const ids = Array.from({ length: 7 }, (_, n) => `w-${n}`)
    await Promise.all(supervisors.flatMap((supervisor) => ids.map((id) => supervisor.start({ id, ...input, restart, health }))))
    for (const supervisor of supervisors) await Promise.all(ids.map((id) => supervisor.waitFor(id, 'healthy')))
    await pause(200)
    for (const supervisor of supervisors) await Promise.all(ids.map((id) => supervisor.waitFor(id, 'healthy')))
    const records = supervisors.flatMap((supervisor) => supervisor.list())
    expect(new Set(records.map(({ ports }) => ports.http)).size).toBe(14)
    // That one was too late is counted for the port; but the other manager's look at a port is a moment in which nobody can bind it, and that leaves no trace.
    for (const { attempts } of records) expect(Object.keys(attempts).filter((cause) => cause !== 'port' && cause !== 'crash')).toEqual([])
  })
})

describe('a keeper in Node', () => {
  it('serves services as well: ready by descriptor, ports, restart', async () => {
    const home = aHome()
    const supervisor = await home.supervisor({ keeper: 'node' })
    const script = 'echo $PORT; echo >&3; exec sleep 600'
    const { id } = await supervisor.start(sh(script, { ready: { notifyFd: 3 }, ports: { http: 'any' }, restart: { strategy: 'always', delayMs: 0 } }))
    const { ports, pid } = await supervisor.waitFor(id, 'ready')
    kill(pid)
    expect(await recordWhen(supervisor, id, 'is ready in run 2', ({ run, ready }) => run === 2 && ready)).toMatchObject({ ports })
  })
})

describe('descriptors', () => {
  it('of the manager do not add up over restarts and probes that hang', async () => {
    const peer = await aPeer({ '/hangs': { hang: true } })
    const home = aHome()
    const manager = await home.manager()
    const timing = { ...often, timeoutMs: 30, onFailure: 'report' } as const
    const hanging = {
      startup: { ...often, exec: ['true'] },
      liveness: { ...timing, http: peer.url('/hangs') },
      readiness: { ...often, timeoutMs: 30, grpc: peer.port },
    }
    const restart = { strategy: 'always', delayMs: 0, maxAttempts: 0 } as const
    await Promise.all([
      manager.start(sh('sleep 0.2; exit 1', { id: 'a', restart, breaker: false, health: hanging, ready: { logLine: 'never' } })),
      manager.start(obedient({ id: 'b', health: hanging, ready: { notifyFd: 3 } })),
    ])
    const descriptors = () => readdirSync(`/proc/${manager.child.pid}/fd`).length
    const rises = (run: number) => until(`run ${run}`, () => snapshotOnDisk(home, 'a')?.context.run >= run)
    await rises(5)
    const before = descriptors()
    await rises(16)
    expect(descriptors()).toBeLessThan(before + 10)
    expect(openSockets(peer)).toBeLessThan(10)
  })
})

const openSockets = ({ connections }: Awaited<ReturnType<typeof aPeer>>) => connections.filter(({ destroyed }) => !destroyed).length
