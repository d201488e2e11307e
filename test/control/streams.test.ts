/** What goes on, told as it goes on: nothing missing, nothing twice, whoever is slow, cut off or dead. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect as connectSocket, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { AWAY_MS } from '../../src/control/client/connection.ts'
import { SILENCE_MS } from '../../src/control/client/sse.ts'
import { serveControl } from '../../src/control/serve.ts'
import { Feed } from '../../src/control/server/feed.ts'
import { Ring } from '../../src/control/server/ring.ts'
import { aHome, DIST, kill, obedient, rejection, sh, sleeper, until } from '../e2e/harness.ts'
import { ask, connected, Stream, served } from './harness.ts'

const EVENTS = '/v1/events'

/** A socket in a directory of its own that passes on to another, until it cuts all that are connected off. */
async function aRelay(dir: string, socketPath: string): Promise<{ cut(): void }> {
  mkdirSync(dir)
  const sockets = new Set<Socket>()
  const relay = createServer((near) => {
    const far = connectSocket(socketPath)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => [near, far].forEach((each) => void each.destroy()))
    }
    near.pipe(far).pipe(near)
  })
  const cut = () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  onTestFinished(() => {
    cut()
    relay.close()
  })
  await new Promise<void>((resolve) => relay.listen(`${dir}/control.sock`, resolve))
  return { cut }
}

describe('the stream of states', () => {
  it('begins with a picture of everything, goes on with what changes, in order, and says when the manager lets go', async () => {
    const { server, supervisor } = await served()
    await supervisor.start(sleeper({ id: 'old', env: { API_TOKEN: 'secret' } }))
    const stream = new Stream(server.socketPath, EVENTS)
    await stream.until('the picture is there', (events) => events.length === 1)
    expect(stream.events[0]).toMatchObject({ event: 'snapshot', data: { problems: [], processes: [{ id: 'old', state: 'running' }] } })
    await supervisor.start(sh('exit 3', { id: 'new' }))
    await supervisor.wait('new')
    await supervisor.remove('new')
    await stream.until('the removal is told', (events) => events.at(-1)?.event === 'removed')
    const told = stream.events.slice(1).map(({ event, data }) => `${event} ${data.id} ${data.type ?? data.state ?? ''}`)
    expect(told).toEqual(['record new pending', expect.stringContaining('record new starting'), ...told.slice(2, -1), 'removed new '])
    expect(told).toEqual(expect.arrayContaining(['event new process.started', 'event new process.exited', 'record new exited', 'event new process.settled']))
    const numbers = stream.events.map(({ id }) => Number(id?.split('-')[1]))
    expect(numbers.slice(1).map((number, index) => number - (numbers[index] ?? 0))).toEqual(numbers.slice(1).map(() => 1))
    expect(JSON.stringify(stream.events)).not.toContain('secret')
    await server.close()
    await stream.ended
    expect(stream.events.at(-1)?.event).toBe('closing')
  })

  it('goes on behind the event that was seen last, and begins anew where that is not known', async () => {
    const { server, supervisor } = await served()
    await supervisor.start(sleeper({ id: 'one' }))
    const first = new Stream(server.socketPath, EVENTS)
    await first.until('the picture is there', (events) => events.length === 1)
    await supervisor.restart('one')
    await first.until('it runs again', (events) => events.at(-1)?.data.state === 'running')
    const at = 2
    const { id = '' } = first.events[at] ?? {}
    for (const second of [new Stream(server.socketPath, EVENTS, { 'last-event-id': id }), new Stream(server.socketPath, `${EVENTS}?after=${id}`)]) {
      await second.until('all is told', (events) => events.at(-1)?.id === first.events.at(-1)?.id)
      expect(second.events[0]?.event).toBe('resumed')
      expect(second.events.slice(1)).toEqual(first.events.slice(at + 1))
    }
    const strange = new Stream(server.socketPath, EVENTS, { 'last-event-id': 'abcdef-17' })
    await strange.until('the picture is there', (events) => events.length === 1)
    expect(strange.names()).toEqual(['snapshot'])
  })

  it('costs nothing while nobody follows it, and a place in it when one does', async () => {
    const supervisor = await aHome().supervisor()
    const feed = new Feed(supervisor)
    onTestFinished(() => feed.close())
    await supervisor.start(sleeper({ id: 'one' }))
    expect(feed.place).toBe(null)
    let rings = 0
    const leave = feed.join(() => rings++)
    expect(feed.place?.seq).toBe(0)
    await supervisor.stop('one')
    expect(rings).toBe(feed.place?.seq)
    leave()
    // It goes on for a while, for one who was cut off.
    const { place } = feed
    await supervisor.launch('one')
    expect(place !== null && feed.after(place)?.name).toBe('record')
  })

  it('forgets what is too old, and says so', () => {
    const ring = new Ring()
    for (let seq = 1; seq <= 25_000; seq++) ring.push('event', String(seq))
    expect(ring.after(0)).toBe(null)
    expect(ring.after(14_999)).toBe(null)
    expect(ring.after(15_000)?.data).toBe('15001')
    expect(ring.after(24_999)?.data).toBe('25000')
    expect(ring.after(25_000)).toBe(undefined)
    expect(ring.after(25_001)).toBe(null)
    for (let each = 0; each < 40; each++) ring.push('record', 'x'.repeat(1_000_000))
    expect(ring.after(25_000)).toBe(null)
    expect(ring.after(25_039)?.data).toHaveLength(1_000_000)
  })

  it('a client that reads nothing, and one that is gone, cost bounded memory and nobody else’s time', async () => {
    const home = aHome()
    const manager = await home.manager({}, { script: 'served-manager.mjs' })
    const socketPath = `${home.stateDir}/control.sock`
    const client = await connected({ stateDir: home.stateDir })
    const big = 'x'.repeat(50_000)
    for (let each = 0; each < 10; each++)
      await client.start(
        sh('exit 1', { id: `p${each}`, meta: { big }, restart: { strategy: 'always', delayMs: 10, multiplier: 1, maxAttempts: 0 }, breaker: false }),
      )
    const before = await manager.call<number>('refresh')
    for (let each = 0; each < 20; each++) {
      const socket = connectSocket(socketPath)
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => {})
      socket.write('GET /v1/events?snapshots=true HTTP/1.1\r\nHost: localhost\r\n\r\n')
      // Half of them read nothing, half are gone in the middle of it.
      if (each % 2 === 0) socket.pause()
      else setTimeout(() => socket.destroy(), 20)
    }
    let exits = 0
    client.actor.on('process.exited', () => exits++)
    await until('a hundred runs have ended', () => exits >= 100)
    const begun = performance.now()
    expect((await ask(socketPath, '/v1/processes/p1')).status).toBe(200)
    const tookMs = performance.now() - begun
    const after = await manager.call<number>('refresh')
    // Hundreds of times 100 kB for each of the slow ones would be 500 MB.
    expect(after - before).toBeLessThan(200_000_000)
    expect(tookMs).toBeLessThan(10_000)
    await client.shutdown({ timeoutMs: 0 })
  })
})

describe('a client', () => {
  it('goes on with the next manager when its own is killed, and is told how everything is by then', async () => {
    const home = aHome()
    const first = await home.manager({}, { script: 'served-manager.mjs' })
    const client = await connected({ stateDir: home.stateDir })
    const ref = await client.start(obedient({ id: 'one' }))
    await client.start(sleeper({ id: 'two' }))
    const states: unknown[] = []
    ref.subscribe(({ value }) => states.push(value))
    const waiting = client.wait('one')
    await first.kill()
    await until('it has noticed', () => !client.isConnected)
    expect((await rejection(client.stop('one'))).code).toBe('PROCMAN_MANAGER_UNREACHABLE')
    expect(client.get('one').state).toBe('running')
    kill(client.get('two').pid)
    const second = await home.manager({}, { script: 'served-manager.mjs' })
    await until('it is back', () => client.isConnected)
    expect(client.get('two')).toMatchObject({ state: 'exited', signal: 'SIGKILL' })
    expect(client.ref('one')).toBe(ref)
    await client.write('one', 'exit 5\n')
    expect(await waiting).toMatchObject({ exit_code: 5 })
    expect(states.at(-1)).toBe('exited')
    await second.kill()
    await client.close()
    expect((await rejection(client.start(sleeper()))).code).toBe('PROCMAN_CLOSED')
  })

  it('reads logs on where it was, byte for byte, across the death of its manager', async () => {
    const home = aHome()
    const first = await home.manager({}, { script: 'served-manager.mjs' })
    const client = await connected({ stateDir: home.stateDir })
    await client.start(sh('i=0; while read -r _; do i=$((i+1)); head -c 300000 /dev/urandom; printf "%s\\n" $i >&2; done', { id: 'one', stdin: 'pipe' }))
    const lines: string[] = []
    const watching = client.watch('one', ({ text }) => lines.push(text), { stdout: false })
    const hash = createHash('sha256')
    let bytes = 0
    const reading = (async () => {
      for await (const { data } of client.attach('one', { stderr: false })) {
        hash.update(data)
        bytes += data.length
      }
    })()
    await client.write('one', 'more\n')
    await until('some of it is read', () => bytes > 100_000 && lines.length === 1)
    await first.kill()
    await until('it has noticed', () => !client.isConnected)
    const second = await home.manager({}, { script: 'served-manager.mjs' })
    await until('it is back', () => client.isConnected)
    await client.write('one', 'more\nmore\n')
    await client.closeStdin('one')
    await Promise.all([reading, watching])
    expect(lines).toEqual(['1', '2', '3'])
    expect(bytes).toBe(900_000)
    const log = createHash('sha256').update(readFileSync(home.jobFile('one', 'stdout.log')))
    expect(hash.digest('hex')).toBe(log.digest('hex'))
    await second.kill()
  })

  it('is told what the manager has found wrong, when it comes and later', async () => {
    const home = aHome()
    mkdirSync(`${home.stateDir}/jobs/broken`, { recursive: true })
    writeFileSync(home.jobFile('broken', 'state.json'), 'no JSON')
    const supervisor = await home.supervisor()
    const server = await serveControl({ supervisor })
    onTestFinished(() => server.close())
    const client = await connected({ stateDir: home.stateDir })
    expect(client.problems).toEqual(supervisor.problems)
    expect(client.problems).toHaveLength(1)
    supervisor.table.subscribe(() => {
      throw new Error('a listener of the program')
    })
    await client.start(sleeper({ id: 'one' }))
    await until('it is told', () => client.problems.length === 2)
  })

  it('misses nothing, and is told nothing twice, however often it is cut off', async () => {
    const { server, supervisor, home } = await served()
    const relay = await aRelay(home.path('relay'), server.socketPath)
    const client = await connected({ stateDir: home.path('relay') })
    const [here, there]: [string[], string[]] = [[], []]
    supervisor.actor.on('*', (event) => here.push(JSON.stringify(event)))
    client.actor.on('*', (event) => there.push(JSON.stringify(event)))
    await client.start(sh('i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); [ $((i % 100)) = 0 ] && sleep 0.01; done', { id: 'one' }))
    await client.start(sh('exit 1', { id: 'two', restart: { strategy: 'always', delayMs: 1, multiplier: 1, maxAttempts: 12 }, breaker: false }))
    const lines: string[] = []
    const watching = client.watch('one', ({ text }) => lines.push(text))
    const cutting = setInterval(() => relay.cut(), 30)
    await supervisor.wait('two')
    clearInterval(cutting)
    await watching
    expect(lines).toEqual(Array.from({ length: 3_000 }, (_, number) => String(number)))
    await until('all is told', () => there.length >= here.length)
    expect(there).toEqual(here)
    await until('the copy is the same', () => JSON.stringify(client.list()) === JSON.stringify(supervisor.list()))
  })

  it('is not kept waiting for ever by a manager that hangs, and goes on with it when it wakes up', async () => {
    const home = aHome()
    const manager = await home.manager({}, { script: 'served-manager.mjs' })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const client = await connected({ stateDir: home.stateDir })
    await client.start(sleeper({ id: 'one' }))
    const pid = Number((await ask(join(home.stateDir, 'control.sock'), '/v1/status')).json.pid)
    process.kill(pid, 'SIGSTOP')
    const asked = [client.stop('one'), client.wait('one'), client.manager.status()].map(rejection)
    vi.advanceTimersByTime(SILENCE_MS)
    while (client.isConnected) await nextTurn()
    vi.advanceTimersByTime(AWAY_MS)
    for (const error of await Promise.all(asked)) expect(error).toMatchObject({ code: 'PROCMAN_MANAGER_UNREACHABLE', details: { stateDir: home.stateDir } })
    vi.useRealTimers()
    process.kill(pid, 'SIGCONT')
    await until('it is back', () => client.isConnected)
    expect((await client.stop('one')).status).toBe('cancelled')
    await manager.kill()
  })

  it('lets go of everything when it is closed: what it waits for and what it reads ends', async () => {
    const { client } = await served()
    const ref = await client.start(sleeper({ id: 'one' }))
    const waiting = rejection(client.wait('one'))
    const reading = (async () => {
      for await (const _ of client.attach('one'));
    })()
    await client.close()
    expect((await waiting).code).toBe('PROCMAN_CLOSED')
    await reading
    expect(ref.getSnapshot().status).toBe('stopped')
    expect((await rejection(client.stop('one'))).code).toBe('PROCMAN_CLOSED')
  })
})

it('who asks many things at once and takes no answer is answered one by one', async () => {
  const { server, supervisor } = await served()
  await supervisor.start(sleeper({ id: 'one', meta: { text: 'x'.repeat(1_000_000) } }))
  const list = vi.spyOn(supervisor, 'list')
  const socket = connectSocket(server.socketPath)
  onTestFinished(() => void socket.destroy())
  socket.pause()
  socket.write('GET /v1/processes HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20))
  await until('it is answered', () => list.mock.calls.length > 0)
  expect((await ask(server.socketPath, '/v1/status')).status).toBe(200)
  expect(list.mock.calls.length).toBe(1)
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.length
  })
  socket.resume()
  await until('all are answered', () => bytes > 20_000_000)
  expect(list.mock.calls.length).toBe(20)
})

it('nothing of ours keeps a program alive that has closed what it served and what it was connected to', async () => {
  const home = aHome()
  const script = `
    const { createSupervisor, serveControl, connect } = await import(${JSON.stringify(DIST)})
    const supervisor = await createSupervisor({ stateDir: ${JSON.stringify(home.stateDir)} })
    const server = await serveControl({ supervisor, listen: { port: 0, token: 'a-token-of-the-tests' } })
    const client = await connect({ stateDir: supervisor.stateDir })
    const far = await connect({ url: 'http://127.0.0.1:' + server.address.port, token: 'a-token-of-the-tests' })
    await client.start({ command: 'sleep', args: ['600'], id: 'one' })
    far.watch('one', () => {})
    await client.close()
    await far.close()
    await server.close()
    await supervisor.close()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0)
})

describe('the stream of output', () => {
  it('gives lines with what is there first, and goes on behind any of them', async () => {
    const { server, supervisor } = await served()
    await supervisor.start(sh('printf "a\\r\\nb\\rc\\n"; printf "1\\n2\\n" >&2; cat', { id: 'one', stdin: 'pipe' }))
    const path = '/v1/processes/one/logs'
    const live = new Stream(server.socketPath, path)
    await live.until('what is there is told', (events) => events.length === 5)
    await supervisor.write('one', 'd\r\n\ne')
    await supervisor.closeStdin('one')
    await live.ended
    const told = (events: Stream['events']) => events.map(({ event, data }) => (event === 'line' ? `${data.stream}: ${data.text}` : event))
    expect(told(live.events).sort()).toEqual(
      ['end', 'stderr: 1', 'stderr: 2', 'stdout: ', 'stdout: a', 'stdout: b', 'stdout: c', 'stdout: d', 'stdout: e'].sort(),
    )
    for (const [index, { id = '' }] of live.events.slice(0, -1).entries()) {
      const resumed = new Stream(server.socketPath, path, { 'last-event-id': id })
      await resumed.ended
      expect([index, told(resumed.events).sort()]).toEqual([index, told(live.events.slice(index + 1)).sort()])
    }
    expect((await ask(server.socketPath, `${path}?format=raw&stderr=false`)).text).toBe('a\r\nb\rc\nd\r\n\ne')
    expect((await ask(server.socketPath, `${path}?tail=1&follow=false&stderr=false`)).text).toMatch(/"text":"e"/)
    expect((await ask(server.socketPath, `${path}?after=nonsense`)).json.code).toBe('PROCMAN_INVALID_ARGUMENT')
  })

  it('waits for a client that does not read, with no more than a piece in hand', async () => {
    const home = aHome()
    const manager = await home.manager({}, { script: 'served-manager.mjs' })
    const client = await connected({ stateDir: home.stateDir })
    await client.start(sh('head -c 300000000 /dev/zero', { id: 'one' }))
    await client.wait('one')
    const before = await manager.call<number>('refresh')
    const chunks = client.attach('one')[Symbol.asyncIterator]()
    let bytes = (await chunks.next()).value?.data.length ?? 0
    await ask(`${home.stateDir}/control.sock`, '/v1/status')
    expect((await manager.call<number>('refresh')) - before).toBeLessThan(100_000_000)
    for (let next = await chunks.next(); next.done !== true && bytes < 20_000_000; next = await chunks.next()) bytes += next.value.data.length
    await chunks.return?.()
    expect((await manager.call<number>('refresh')) - before).toBeLessThan(100_000_000)
    await client.close()
  })
})
