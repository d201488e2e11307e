import { createServer, type Server } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { waitForHealth } from '../src/wait-for-health.ts'
import { until } from './e2e/harness.ts'
import { freePort, serve, serveTcp } from './effects/probe/harness.ts'

/** Resolves with the error that a promise is rejected with. */
const errorOf = (promise: Promise<unknown>): Promise<{ code: string; message: string; details: Record<string, unknown> }> =>
  promise.then(
    () => Promise.reject(new Error('it was not rejected')),
    (error) => error,
  )

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

describe('waiting for health', () => {
  it.each(['127.0.0.1', '::1'])('of a URL and of a port on %s resolves at once when it is well, and closes the connection', async (host) => {
    const { port, connections } = await serve((_, response) => response.end(), host)
    const name = host.includes(':') ? `[${host}]` : host
    for (const target of [`http://${name}:${port}/`, `http://localhost:${port}/`, `${name}:${port}`, `localhost:${port}`]) await waitForHealth(target, 20_000)
    await until('all are closed', () => connections.length === 4 && connections.every(({ destroyed }) => destroyed))
  })

  it('asks again until it is up', async () => {
    const port = await freePort()
    const waits = [waitForHealth(`http://localhost:${port}/`, 20_000), waitForHealth(`localhost:${port}`, { intervalMs: 1 })]
    const server: Server = createServer((_, response) => response.end())
    onTestFinished(() => void server.close())
    setTimeout(() => server.listen(port, '127.0.0.1'), 150)
    await Promise.all(waits)
    expect(server.listening).toBe(true)
  })

  it('asks again until it is well', async () => {
    let requests = 0
    const { port, connections } = await serve((_, response) => response.writeHead(++requests < 4 ? 503 : 200).end())
    await waitForHealth(`http://127.0.0.1:${port}/`, { timeoutMs: 20_000, intervalMs: 1 })
    expect([requests, connections.length]).toEqual([4, 1])
  })

  it.each([
    ['http://127.0.0.1:PORT/health', 'connection refused'],
    ['127.0.0.1:PORT', 'connection refused'],
    ['[::1]:PORT', 'connection refused'],
  ])('of %s gives up in time, and says why: %s', async (pattern, reason) => {
    const target = pattern.replace('PORT', String(await freePort()))
    const { code, message, details } = await errorOf(waitForHealth(target, 500))
    expect([code, message, details]).toEqual(['PROCMAN_TIMEOUT', `${target} is not healthy after 500 ms: ${reason}`, { target, timeoutMs: 500, reason }])
  })

  it('says why it failed last, not that the last attempt was cut short', async () => {
    let requests = 0
    const { port } = await serve((_, response) => (++requests === 1 ? response.writeHead(302, { location: '/' }).end() : undefined))
    expect((await errorOf(waitForHealth(`http://127.0.0.1:${port}/`, { timeoutMs: 1_000, intervalMs: 1 }))).message).toMatch(/ after 1000 ms: status 302$/)
    const silent = await serveTcp((socket) => socket.resume())
    expect((await errorOf(waitForHealth(`http://127.0.0.1:${silent.port}/`, 50))).message).toMatch(/ after 50 ms: timeout after \d+ ms$/)
    await until('it is closed', () => silent.connections.every(({ destroyed }) => destroyed))
  })

  it.each(['while it asks', 'between two attempts', 'before'])('ends with the signal %s, and nothing stays behind', async (when) => {
    const before = timers()
    const { port, connections } = await serve((_, response) => (when === 'while it asks' ? undefined : response.writeHead(500).end()))
    const over = new AbortController()
    if (when === 'before') over.abort()
    const wait = errorOf(waitForHealth(`http://127.0.0.1:${port}/`, { intervalMs: 60_000, signal: over.signal }))
    if (when !== 'before') await until('it was asked', () => connections.length === 1)
    over.abort(new Error('enough'))
    expect((await wait).code).toBe('PROCMAN_ABORTED')
    await until('it is closed', () => connections.every(({ destroyed }) => destroyed))
    await until('no timer is left', () => timers() <= before)
  })

  it.each(['', 'web', 'localhost', ':80', 'localhost:0', 'localhost:65536', '::1:80', 'ftp://a/', 'http://', 'http://a:b/', 'a b:80', 'a:80/health'])(
    'of %j is refused: it is no address',
    async (target) => {
      const { code, message } = await errorOf(waitForHealth(target, 1))
      expect([code, message]).toEqual([
        'PROCMAN_INVALID_ARGUMENT',
        `${JSON.stringify(target)} is no address to wait for: http://host:port/path, https://… or host:port`,
      ])
    },
  )

  it.each([{ timeoutMs: -1 }, { timeoutMs: Number.NaN }, { intervalMs: -1 }])('with %j is refused', async (options) => {
    expect((await errorOf(waitForHealth('localhost:80', options))).code).toBe('PROCMAN_INVALID_ARGUMENT')
  })
})
