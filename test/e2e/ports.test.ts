/** Ports: unique, actually free, the same again where still free, given back when the tree is gone. */
import { existsSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ProcessInput } from '../../src/api.ts'
import { aHome, fixture, type Home, inState, kill, lives, outputOf, pause, rejection, sh, sleeper, until } from './harness.ts'
import { at, freeRange, http, isFree, isState, occupy, recordWhen, Service, snapshotOnDisk } from './services.ts'

const always = { strategy: 'always', delayMs: 0 } as const
const portOf = ({ ports }: { ports: Readonly<Record<string, number>> }): number => ports.http ?? 0

describe('a port', () => {
  it.each([
    ['of a range', async () => ({ range: await freeRange(5) }) as const],
    ['that is fixed', async () => (await freeRange(1))[0]],
    ['of any number', async () => 'any' as const],
    ['of a range at one address', async () => ({ range: await freeRange(3), host: '127.0.0.1' }) as const],
  ])('%s is given to the process, and what it serves there is reached', async (_, wanted) => {
    const home = aHome()
    const service = new Service(home)
    const supervisor = await home.supervisor()
    const port = await wanted()
    await supervisor.start(service.input({ ports: { http: port }, health: { startup: at('/') } }))
    const record = await supervisor.waitFor('web', 'healthy')
    const number = portOf(record)
    if (typeof port === 'number') expect(number).toBe(port)
    if (typeof port === 'object') expect(number >= port.range[0] && number <= port.range[1]).toBe(true)
    expect(await (await fetch(`http://127.0.0.1:${number}/`, { headers: { connection: 'close' } })).text()).toBe('ok')
    await supervisor.stop('web')
    expect(await isFree(number)).toBe(true)
  })

  it('is there as PORT and PORT_HTTP, ${port} and ${port.http}: in arguments, environment and probes', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start({
      command: 'sh',
      args: ['-c', 'printf "%s\\n" "$PORT" "$PORT_HTTP" "$MINE" "$1" "$2"', 'sh', '--port=${port}', '--url=http://localhost:${port.http}/'],
      env: { MINE: '<${port.http}>' },
      ports: { http: 'any' },
    })
    const port = portOf(supervisor.get(id))
    expect(await outputOf(supervisor, id)).toBe([port, port, `<${port}>`, `--port=${port}`, `--url=http://localhost:${port}/`, ''].join('\n'))
  })

  it('of several has its own name only', async () => {
    const supervisor = await aHome().supervisor()
    const [from, to] = await freeRange(3)
    const ports = { http: { range: [from, to] }, 'admin-ui': { range: [from, to] }, metrics: { range: [from, to] } } as const
    const { id } = await supervisor.start({ ...sh('printf "%s\\n" "${PORT-none}" "$PORT_HTTP" "$PORT_ADMIN_UI" "$PORT_METRICS"'), ports })
    const given = supervisor.get(id).ports
    expect(new Set(Object.values(given)).size).toBe(3)
    expect(await outputOf(supervisor, id)).toBe(['none', given.http, given['admin-ui'], given.metrics, ''].join('\n'))
  })
})

describe('two hundred processes', () => {
  it('that are started at once from a range of 200 get 200 different ports; the 201st is told range and holders, and leaves nothing', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const range = await freeRange(200)
    const ids = Array.from({ length: 200 }, (_, n) => `w-${n}`)
    const input = { ports: { http: { range } }, stop: { timeoutMs: 0 } } as const
    await Promise.all(ids.map((id) => supervisor.start(sleeper({ id, ...input }))))
    expect(supervisor.list()).toHaveLength(200)
    expect(new Set(supervisor.list().map(portOf)).size).toBe(200)
    const error = await rejection(supervisor.start(sleeper({ id: 'one-too-many', ...input, restart: always })))
    expect(error).toMatchObject({ code: 'PROCMAN_PORT_UNAVAILABLE', details: { id: 'one-too-many', step: 'port' } })
    expect(error.message).toContain(`no port is free for "http" in ${range[0]}-${range[1]}: held by w-`)
    expect(error.message).toMatch(/held by w-\d+ \(\d+\), w-\d+ \(\d+\), w-\d+ \(\d+\) and 197 more/)
    expect(supervisor.list()).toHaveLength(200)
    expect(home.ids()).toEqual([...ids].sort())
    expect(home.strays()).toHaveLength(200)
    await supervisor.stop('w-77')
    expect(portOf(supervisor.get((await supervisor.start(sleeper({ id: 'late', ...input }))).id))).toBe(portOf(supervisor.get('w-77')))
  })

  it('that want one of two each, all at once, get them as far as they go', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const range = await freeRange(20)
    const starts = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => supervisor.start(sleeper({ id: `w-${n}`, ports: { http: { range } } }))))
    expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(20)
    for (const each of starts) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'PROCMAN_PORT_UNAVAILABLE' })
    expect(new Set(supervisor.list().map(portOf)).size).toBe(20)
    expect(home.ids()).toHaveLength(20)
  })
})

describe('a port that is in use', () => {
  it('by a stranger is not taken: another of the range is', async () => {
    const supervisor = await aHome().supervisor()
    const [from, to] = await freeRange(2)
    await occupy(from)
    const { id } = await supervisor.start(sleeper({ ports: { http: { range: [from, to] } } }))
    expect(portOf(supervisor.get(id))).toBe(to)
  })

  it('by a stranger, where it is the only one, is an error that names it, and leaves nothing', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const [port] = await freeRange(1)
    await occupy(port)
    const error = await rejection(supervisor.start(sleeper({ id: 'web', ports: { http: port } })))
    expect(error).toMatchObject({ code: 'PROCMAN_PORT_UNAVAILABLE', message: `port ${port} for "http" is in use by another program` })
    expect(home.ids()).toEqual([])
    const range = await rejection(supervisor.start(sleeper({ id: 'web', ports: { http: { range: [port, port] } } })))
    expect(range.message).toContain('in use by another program')
  })

  it('by another process of this manager is an error that names it', async () => {
    const supervisor = await aHome().supervisor()
    const [port] = await freeRange(1)
    await supervisor.start(sleeper({ id: 'first', ports: { http: port } }))
    const error = await rejection(supervisor.start(sleeper({ id: 'second', ports: { api: port } })))
    expect(error).toMatchObject({ code: 'PROCMAN_PORT_UNAVAILABLE', message: `port ${port} for "api" is held by process first` })
    await supervisor.stop('first')
    await supervisor.start(sleeper({ id: 'second', ports: { api: port } }))
    expect((await rejection(supervisor.restart('first'))).message).toBe(`port ${port} for "http" is held by process second`)
  })

  it('at another address is free at the one that is asked for', async () => {
    const supervisor = await aHome().supervisor()
    const [port] = await freeRange(1)
    const { listen } = await import('../effects/probe/harness.ts')
    const { createServer } = await import('node:net')
    await listen(createServer(), '127.0.0.2', port)
    expect((await rejection(supervisor.start(sleeper({ ports: { http: { port, host: '127.0.0.2' } } })))).code).toBe('PROCMAN_PORT_UNAVAILABLE')
    const { id } = await supervisor.start(sleeper({ ports: { http: { port, host: '127.0.0.1' } } }))
    expect(portOf(supervisor.get(id))).toBe(port)
  })
})

describe('the same port', () => {
  it('is had again after a crash, a restart by the user, and a stop', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ ports: { http: { range: await freeRange(20) } }, restart: always }))
    const port = portOf(supervisor.get(id))
    kill(supervisor.get(id).pid)
    expect(portOf(await isState(supervisor, id, 'running', 2))).toBe(port)
    expect(portOf(await supervisor.restart(id))).toBe(port)
    await supervisor.stop(id)
    expect(portOf(await supervisor.launch(id))).toBe(port)
    expect(supervisor.get(id).run).toBe(4)
  })

  it('is kept over managers that are killed: by a process that is up, and for one that waits', async () => {
    const home = aHome()
    const [from, to] = await freeRange(2)
    const range = [from, to] as const
    const manager = await home.manager()
    const up = await manager.start(sleeper({ id: 'up', ports: { http: { range } } }))
    const down = await manager.start(sh('exit 1', { id: 'down', ports: { http: { range } }, restart: { strategy: 'always', delayMs: 60_000 } }))
    await until('it waits', () => snapshotOnDisk(home, 'down')?.value === 'backoff')
    await manager.kill()
    const next = await home.supervisor()
    expect([next.get('up'), next.get('down')].map(portOf)).toEqual([portOf(up), portOf(down)])
    const error = await rejection(next.start(sleeper({ id: 'third', ports: { http: { range } } })))
    expect(error.message).toMatch(new RegExp(`in ${from}-${to}: held by (up|down) \\(\\d+\\), (up|down) \\(\\d+\\)$`))
    expect(portOf(await next.restart('down'))).toBe(portOf(down))
    expect(portOf(await next.restart('up'))).toBe(portOf(up))
  })

  it('is what a restart right after the manager was killed begins with: it is in the environment of the new run, too', async () => {
    const home = aHome()
    const manager = await home.manager()
    const record = await manager.start(sh('echo $PORT; exec sleep 600', { id: 'web', ports: { http: { range: await freeRange(20) } }, restart: always }))
    await manager.kill()
    kill(record.pid)
    const next = await home.supervisor()
    await isState(next, 'web', 'running', 2)
    expect(portOf(next.get('web'))).toBe(portOf(record))
    const texts: string[] = []
    for await (const line of next.watch('web')) if (texts.push(line.text) === 2) break
    expect(texts).toEqual([String(portOf(record)), String(portOf(record))])
  })
})

describe('a port is given back', () => {
  it('not before the tree is gone: a stubborn child keeps it', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const [port] = await freeRange(1)
    const script = `${fixture('escape.sh')} ${home.path('child')}; until [ -s ${home.path('child')} ]; do sleep 0.01; done; exit 0`
    const ref = await supervisor.start(sh(script, { id: 'stubborn', ports: { http: port }, stop: { timeoutMs: 800 } }))
    await inState(ref, 'stopping')
    const child = Number(home.text('child'))
    expect(lives(child)).toBe(true)
    const error = await rejection(supervisor.start(sleeper({ id: 'next', ports: { http: port } })))
    expect(error.message).toBe(`port ${port} for "http" is held by process stubborn`)
    await supervisor.wait('stubborn')
    expect(lives(child)).toBe(false)
    await supervisor.start(sleeper({ id: 'next', ports: { http: port } }))
  })

  it.each([
    ['ended', (home: Home) => sh('exit 0', { id: 'first', cwd: home.dir }), 'exited'],
    ['given up', (home: Home) => sh('exit 1', { id: 'first', cwd: home.dir, restart: { ...always, maxAttempts: 1 } }), 'exited'],
  ] as const)('by one that has %s', async (_, input, state) => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const [port] = await freeRange(1)
    const ref = await supervisor.start({ ...input(home), ports: { http: port } })
    await inState(ref, state)
    await supervisor.start(sleeper({ id: 'second', ports: { http: port } }))
  })

  it('by one whose start has failed, and by one that is removed', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const [port] = await freeRange(1)
    expect((await rejection(supervisor.start({ id: 'a', command: home.path('nothing'), ports: { http: port } }))).code).toBe('PROCMAN_LAUNCH_FAILED')
    await supervisor.start(sleeper({ id: 'b', ports: { http: port } }))
    await supervisor.stop('b')
    await supervisor.remove('b')
    await supervisor.start(sleeper({ id: 'c', ports: { http: port } }))
  })

  it('not by one that waits before a restart', async () => {
    const supervisor = await aHome().supervisor()
    const [port] = await freeRange(1)
    const ref = await supervisor.start(sh('exit 1', { id: 'first', ports: { http: port }, restart: { strategy: 'always', delayMs: 60_000 } }))
    await inState(ref, 'backoff')
    expect((await rejection(supervisor.start(sleeper({ ports: { http: port } })))).message).toContain('held by process first')
  })
})

describe('a port that somebody else takes', () => {
  const failsOnGo = (home: Home, more: Partial<ProcessInput>): ProcessInput =>
    sh(`[ $PROCMAN_RUN = 1 ] || exec sleep 600; until [ -e ${home.path('go')} ]; do sleep 0.01; done; exit 1`, { id: 'web', ...more })

  it('while the process waits to be started again: it gets another one, and the record says why', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const [from, to] = await freeRange(2)
    const ref = await supervisor.start(failsOnGo(home, { ports: { http: { range: [from, to] } }, restart: { strategy: 'always', delayMs: 700, jitter: 0 } }))
    const before = portOf(supervisor.get('web'))
    writeFileSync(home.path('go'), '')
    await inState(ref, 'backoff')
    await occupy(before)
    const record = await isState(supervisor, 'web', 'running', 2)
    const after = before === from ? to : from
    expect(portOf(record)).toBe(after)
    expect(record.reasons.map(({ text }) => text)).toContain(`port http is ${after} now: ${before} was not free`)
  })

  it('so that the process dies early: another one is tried at once, counted for the port, not as a crash', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const [from, to] = await freeRange(2)
    await supervisor.start(failsOnGo(home, { ports: { http: { range: [from, to] } }, restart: { strategy: 'on-failure', delayMs: 60_000 } }))
    const before = portOf(supervisor.get('web'))
    await occupy(before)
    writeFileSync(home.path('go'), '')
    const record = await isState(supervisor, 'web', 'running', 2)
    const after = before === from ? to : from
    expect(portOf(record)).toBe(after)
    expect(record.attempts).toMatchObject({ port: { in_a_row: 1 } })
    expect(record.attempts).not.toHaveProperty('crash')
    expect(record.breaker).toMatchObject({ state: 'closed', failures_at: [] })
    const texts = record.reasons.map(({ text }) => text)
    expect(texts).toContainEqual(
      expect.stringMatching(`^exited with code 1, and port ${before} \\(http\\) is held by somebody else: restart 1 of 3 for a port in use in 0 ms`),
    )
    expect(texts).toContain(`port http is ${after} now: ${before} was not free`)
  })

  it('a real server that cannot bind moves on, and is healthy at its new port', async () => {
    const home = aHome()
    const service = new Service(home)
    const supervisor = await home.supervisor()
    const range = await freeRange(3)
    const env = { LISTEN_AFTER: home.path('listen') }
    await supervisor.start(
      service.input({ ports: { http: { range } }, env, health: { startup: at('/') }, restart: { strategy: 'on-failure', delayMs: 60_000 } }),
    )
    const before = portOf(supervisor.get('web'))
    await occupy(before)
    writeFileSync(home.path('listen'), '')
    const record = await supervisor.waitFor('web', 'healthy')
    expect(record).toMatchObject({ run: 2, attempts: { port: { in_a_row: 1 } } })
    expect(portOf(record)).not.toBe(before)
    expect(await (await fetch(`http://127.0.0.1:${portOf(record)}/`, { headers: { connection: 'close' } })).text()).toBe('ok')
  })

  it('and is the only one: waited for with the reason, on the budget of ports, until that is used up', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const [port] = await freeRange(1)
    const restart = { strategy: 'on-failure', delayMs: 30, maxDelayMs: 60, maxAttempts: 2 } as const
    const ref = await supervisor.start(failsOnGo(home, { ports: { http: port }, restart }))
    const stranger = await occupy(port)
    writeFileSync(home.path('go'), '')
    const record = await supervisor.wait('web')
    expect(record).toMatchObject({ status: 'failed', gave_up: true, attempts: { port: { in_a_row: 2 } }, outcome: { kind: 'launch-failed', step: 'port' } })
    expect(record.error).toMatch(new RegExp(`^port ${port} for "http" is in use by another program: gave up after 2 restarts for a port in use`))
    expect((await rejection(supervisor.restart('web'))).code).toBe('PROCMAN_PORT_UNAVAILABLE')
    await inState(ref, 'backoff')
    await new Promise((closed) => stranger.server.close(closed))
    const { run } = await recordWhen(supervisor, 'web', 'is up', ({ state }) => state === 'running')
    expect(run).toBeGreaterThan(2)
    expect(portOf(supervisor.get('web'))).toBe(port)
  })

  it('does not make a port conflict of the end of one that was up for long, or that ended well', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const ref = await supervisor.start(
      sh(`until [ -e ${home.path('go')} ]; do sleep 0.01; done; exit 0`, { id: 'web', ports: { http: 'any' }, restart: always }),
    )
    await occupy(portOf(supervisor.get('web')))
    writeFileSync(home.path('go'), '')
    await recordWhen(supervisor, 'web', 'was started again', ({ run }) => run > 1)
    expect(ref.getSnapshot().context.counters.port).toBe(undefined)
  })

  it('while nobody manages: the heir finds another one', async () => {
    const home = aHome()
    const manager = await home.manager()
    const [from, to] = await freeRange(2)
    const record = await manager.start(failsOnGo(home, { ports: { http: { range: [from, to] } }, restart: { strategy: 'always', delayMs: 0 } }))
    await manager.kill()
    writeFileSync(home.path('go'), '')
    await until('it has ended', () => existsSync(home.jobFile('web', 'run-1.exit')))
    await occupy(portOf(record))
    const next = await home.supervisor()
    expect(portOf(await isState(next, 'web', 'running', 2))).toBe(portOf(record) === from ? to : from)
  })
})

describe('what probes are asked at', () => {
  it('follows the port when that moves', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const service = new Service(home)
    const [from, to] = await freeRange(2)
    const health = { startup: at('/'), liveness: http('http://localhost:${port.http}/live') }
    const ref = await supervisor.start(
      service.input({ ports: { http: { range: [from, to] } }, health, restart: { strategy: 'always', delayMs: 700, jitter: 0 } }),
    )
    const before = portOf(await supervisor.waitFor('web', 'healthy'))
    kill(supervisor.get('web').pid)
    await inState(ref, 'backoff')
    await occupy(before)
    const record = await recordWhen(supervisor, 'web', 'is healthy again', ({ run, health: now }) => run === 2 && now?.status === 'healthy')
    expect(portOf(record)).not.toBe(before)
    await pause(100)
    expect(supervisor.get('web').run).toBe(2)
  })
})
