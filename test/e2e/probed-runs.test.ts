/** Probes and the life of runs: ends, restarts, stops, suspended commands, managers that are killed. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { agreed, aHome, fixture, type Home, kill, pause, sh, sleeper, startOf, until } from './harness.ts'
import { aPeer, at, eventsOf, http, isState, often, recordWhen, Service, snapshotOnDisk } from './services.ts'

describe('the end of a process', () => {
  it('is what it is: killed fifty times while it is probed every 20 ms, with a threshold of 1, it has always crashed', async () => {
    const home = aHome()
    const service = new Service(home)
    const supervisor = await home.supervisor()
    const { args, ...input } = service.input()
    const health = { startup: { ...often, tcp: '${port}' }, liveness: at('/live', { intervalMs: 20, failureThreshold: 1 }) }
    const ref = await supervisor.start({
      ...input,
      ...{ command: 'perl', args: [fixture('server.pl')] },
      ...{ health, breaker: false, restart: { strategy: 'on-failure', maxAttempts: 0, delayMs: 0 } },
    })
    const events = eventsOf(ref)
    for (let run = 1; run <= 50; run++) {
      const { pid } = await recordWhen(
        supervisor,
        'web',
        `is alive in run ${run}`,
        (now) => now.run === run && (now.health?.liveness?.results.length ?? 0) > run % 3,
      )
      kill(pid)
      await recordWhen(supervisor, 'web', `run ${run} is over`, (now) => now.run > run || now.state === 'backoff')
    }
    await isState(supervisor, 'web', 'running', 51)
    expect(Object.keys(supervisor.get('web').attempts)).toEqual(['crash'])
    expect(events.filter(({ type }) => type === 'process.unhealthy')).toEqual([])
    const exits = events.flatMap((event) => (event.type === 'process.exited' ? [event.outcome] : []))
    expect(exits).toEqual(Array.from({ length: 50 }, () => ({ kind: 'signal', signal: 'SIGKILL', core: false })))
  })

  it('is told as its own when it ends in the middle of a probe that would have failed', async () => {
    const home = aHome()
    const service = new Service(home)
    service.steer({ '/live': { exit: 7, run: 1 } })
    const supervisor = await home.supervisor()
    const liveness = at('/live', { failureThreshold: 1 })
    await supervisor.start(service.input({ health: { startup: at('/startup'), liveness }, restart: { strategy: 'on-failure', delayMs: 300, jitter: 0 } }))
    const record = await isState(supervisor, 'web', 'backoff')
    expect(record).toMatchObject({ exit_code: 7, error: 'exited with code 7' })
    expect(Object.keys(record.attempts)).toEqual(['crash'])
  })
})

describe('a new run', () => {
  it('never gets an answer of the old one: not of a function that takes its time', async () => {
    const supervisor = await aHome().supervisor()
    const slow = new Map<number, (answer: boolean) => void>()
    const probe = ({ run }: { run: number }) => (run === 1 ? new Promise<boolean>((resolve) => slow.set(run, resolve)) : true)
    const { id } = await supervisor.start(
      sleeper({ restart: { strategy: 'always', delayMs: 0 }, health: { liveness: { ...often, timeoutMs: 60_000, failureThreshold: 1, function: probe } } }),
    )
    await until('run 1 is asked', () => slow.has(1))
    await supervisor.restart(id)
    await supervisor.waitFor(id, 'healthy')
    slow.get(1)?.(false)
    const { length } = supervisor.get(id).health?.liveness?.results ?? []
    await recordWhen(supervisor, id, 'is asked on', ({ health }) => (health?.liveness?.results.length ?? 0) >= Math.min(20, length + 5))
    expect(supervisor.get(id)).toMatchObject({ state: 'running', run: 2, health: { liveness: { failures: 0 } } })
    expect(supervisor.get(id).health?.liveness?.results.every(({ cause }) => cause === null)).toBe(true)
  })

  it('never gets an answer of the old one: not of a server that answers late, over a connection of its own', async () => {
    const peer = await aPeer({ '/': { status: 503, afterMs: 500 } })
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(
      sleeper({ restart: { strategy: 'always', delayMs: 0 }, health: { liveness: http(peer.url('/'), { failureThreshold: 1 }) } }),
    )
    await until('run 1 is asked', () => peer.asked.length === 1)
    peer.rules['/'] = {}
    await supervisor.restart(id)
    await supervisor.waitFor(id, 'healthy')
    await pause(500) // the late answer would have come
    expect(supervisor.get(id)).toMatchObject({ state: 'running', run: 2, restarts: 1, attempts: {} })
    expect(new Set(peer.asked.slice(1).map(({ connection }) => connection))).toEqual(new Set([2]))
  })
})

describe('probes are not asked', () => {
  it('while the process is being stopped, nor afterwards', async () => {
    const peer = await aPeer()
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(
      sh('trap "" TERM; while :; do sleep 0.05; done', {
        health: { liveness: http(peer.url('/live'), { intervalMs: 10 }), readiness: http(peer.url('/ready')) },
      }),
    )
    await supervisor.waitFor(id, 'healthy')
    const stopped = supervisor.stop(id, { timeoutMs: 600 })
    await isState(supervisor, id, 'stopping')
    await pause(50) // what was on its way may arrive
    const asked = peer.asked.length
    await stopped
    await pause(100)
    expect(peer.asked).toHaveLength(asked)
  })

  it('while the command is suspended, if asked: then nothing is held against it, and it goes on where it was', async () => {
    const home = aHome()
    const service = new Service(home)
    const supervisor = await home.supervisor()
    const liveness = at('/live', { timeoutMs: 700, failureThreshold: 1 })
    await supervisor.start(
      service.input({ health: { startup: at('/startup'), liveness, pauseWhenSuspended: true }, restart: { strategy: 'always', delayMs: 0 } }),
    )
    const { pid } = await supervisor.waitFor('web', 'healthy')
    kill(pid, 'SIGSTOP')
    await pause(2_000)
    expect(agreed(supervisor.get('web'))).toMatchObject({ state: 'running', ready: true, run: 1, health: { liveness: { failures: 0 } } })
    kill(pid, 'SIGCONT')
    const asked = service.asked('/live').length
    await until('it is asked on', () => service.asked('/live').length > asked + 3)
    expect(supervisor.get('web')).toMatchObject({ state: 'running', run: 1, health: { status: 'healthy' } })
  })

  it('but are while it is suspended unless asked: it hangs', async () => {
    const home = aHome()
    const service = new Service(home)
    const supervisor = await home.supervisor()
    const liveness = at('/live', { timeoutMs: 300, failureThreshold: 2, onFailure: 'report' })
    await supervisor.start(service.input({ health: { startup: at('/startup'), liveness } }))
    const { pid } = await supervisor.waitFor('web', 'healthy')
    kill(pid, 'SIGSTOP')
    expect((await isState(supervisor, 'web', 'unhealthy')).waiting_for).toMatch(/timeout after 300 ms/)
    kill(pid, 'SIGCONT')
    await supervisor.waitFor('web', 'healthy')
  })
})

describe('a manager that is killed', () => {
  it.each([
    ['whose state still speaks of the run before', (state: string, before: string) => writeFileSync(state, before)],
    ['that has no state', (state: string) => rmSync(state)],
    ['whose state is damaged', (state: string) => writeFileSync(state, 'nonsense')],
  ])('has an heir that probes a run %s, and is known by its run files', async (_name, spoil) => {
    const home = aHome()
    const service = new Service(home)
    const manager = await home.manager()
    const health = { startup: at('/startup'), liveness: at('/live'), readiness: at('/ready') }
    await manager.start(service.input({ health, restart: { strategy: 'always', delayMs: 0 } }))
    await manager.call('waitFor', 'web', 'healthy', { timeoutMs: 10_000 })
    const before = readFileSync(home.jobFile('web', 'state.json'), 'utf8')
    const { run, pid } = await manager.call('restart', 'web')
    await manager.kill()
    spoil(home.jobFile('web', 'state.json'), before)
    const next = await home.supervisor()
    expect(await next.waitFor('web', 'healthy', { timeoutMs: 10_000 })).toMatchObject({ state: 'running', run, pid })
    service.steer({ '/live': { status: 503, run } })
    await isState(next, 'web', 'running', run + 1)
  })

  it('while failures add up has an heir that counts on from there', async () => {
    const peer = await aPeer()
    const home = aHome()
    const manager = await home.manager()
    const health = { liveness: http(peer.url('/'), { failureThreshold: 4, intervalMs: 200, startIntervalMs: 200 }) }
    await manager.start(sleeper({ id: 'web', health, restart: { strategy: 'on-failure', delayMs: 0 } }))
    await manager.call('waitFor', 'web', 'healthy')
    const before = peer.asked.length
    peer.rules['/'] = { status: 503 }
    await until('two failures are on disk', () => failuresOnDisk(home) === 2)
    await manager.kill()
    const onDisk = failuresOnDisk(home)
    const next = await home.supervisor()
    expect(next.get('web').health?.liveness?.failures).toBe(onDisk)
    const record = await recordWhen(next, 'web', 'is in run 2', ({ run }) => run === 2)
    expect(record.reasons.map(({ text }) => text).join('\n')).toContain('liveness probe failed 4 times: status 503')
    // One answer may have come that nobody could write down any more.
    expect(peer.asked.filter((_, index) => index >= before).length).toBeLessThanOrEqual(4 + 2)
  })

  it('while it is unhealthy has an heir that finds it so, and well when it is', async () => {
    const peer = await aPeer()
    const home = aHome()
    const manager = await home.manager()
    const { pid } = await manager.start(sleeper({ id: 'web', health: { readiness: http(peer.url('/'), { failureThreshold: 1 }) }, restart: 'always' }))
    await manager.call('waitFor', 'web', 'ready')
    peer.rules['/'] = { status: 503 }
    await until('that is on disk', () => stateOnDisk(home) === 'unhealthy')
    await manager.kill()
    const next = await home.supervisor()
    expect(next.get('web')).toMatchObject({ state: 'unhealthy', ready: false, pid, run: 1 })
    peer.rules['/'] = {}
    expect(await next.waitFor('web', 'ready')).toMatchObject({ pid, run: 1 })
  })

  it('while it starts has an heir that keeps the same deadline', async () => {
    const peer = await aPeer({ '/': { status: 503 } })
    const home = aHome()
    const manager = await home.manager()
    const { ready_by, started_at } = await manager.start(sleeper({ id: 'web', health: { startup: http(peer.url('/')) }, startupTimeoutMs: 2_000 }))
    expect(Date.parse(ready_by ?? '') - Date.parse(started_at ?? '')).toBe(2_000)
    await until('it was asked', () => peer.asked.length > 0)
    await manager.kill()
    const next = await home.supervisor()
    expect(next.get('web')).toMatchObject({ state: 'starting', ready_by })
    const record = await next.wait('web')
    expect(record).toMatchObject({ status: 'failed', run: 1, error: expect.stringMatching(/^not ready within 2s: startup probe failed.*: status 503$/) })
    expect(Date.parse(record.completed_at ?? '')).toBeGreaterThanOrEqual(Date.parse(ready_by ?? '') - 50)
  })

  it('over the deadline has an heir that asks once before it judges', async () => {
    const peer = await aPeer({ '/': { status: 503 } })
    const home = aHome()
    const manager = await home.manager()
    const { pid, ready_by } = await manager.start(sleeper({ id: 'web', health: { startup: http(peer.url('/')) }, startupTimeoutMs: 500 }))
    const start = startOf(pid)
    await manager.kill()
    await until('the deadline has passed', () => Date.now() > Date.parse(ready_by ?? '') + 50)
    peer.rules['/'] = {} // it has become ready meanwhile
    const next = await home.supervisor()
    expect(await next.waitFor('web', 'ready')).toMatchObject({ pid, run: 1 })
    expect(startOf(pid)).toBe(start)
  })
})

const failuresOnDisk = (home: Home): number => snapshotOnDisk(home, 'web').context.probes.liveness?.failures
const stateOnDisk = (home: Home): string => snapshotOnDisk(home, 'web').value
