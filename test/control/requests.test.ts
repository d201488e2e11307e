/** What is asked, as it goes over the wire: by whoever may, in whatever form. */
import { existsSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect as connectSocket, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/control/connect.ts'
import { serveControl } from '../../src/control/serve.ts'
import { routes } from '../../src/control/server/app.ts'
import type { ManagerControl } from '../../src/manager/contract.ts'
import { createSupervisor } from '../../src/supervisor.ts'
import { aHome, forThisTest, Home, rejection, sh, sleeper } from '../e2e/harness.ts'
import { ask, connected, served } from './harness.ts'

const TOKEN = 'a-token-of-the-tests'
const READ_TOKEN = 'a-token-for-reading'

describe('the socket', () => {
  it('is for its owner only, takes the place of a dead one, and goes with the supervisor', async () => {
    const home = aHome()
    mkdirSync(home.stateDir, { recursive: true, mode: 0o700 })
    const supervisor = await home.supervisor()
    writeFileSync(join(home.stateDir, 'control.sock'), 'what a dead manager has left')
    const server = await serveControl({ supervisor })
    expect(server.socketPath).toBe(join(home.stateDir, 'control.sock'))
    expect(lstatSync(server.socketPath).mode & 0o777).toBe(0o600)
    expect((await ask(server.socketPath, '/v1/status')).json).toMatchObject({ api: 'v1', pid: process.pid, state_dir: home.stateDir, manager: null })
    const client = await connected({ stateDir: home.stateDir })
    await supervisor.close()
    await server.close()
    expect(existsSync(server.socketPath)).toBe(false)
    await expect.poll(() => client.isConnected).toBe(false)
    expect((await rejection(client.start(sleeper()))).code).toBe('PROCMAN_MANAGER_UNREACHABLE')
    expect((await rejection(connect({ stateDir: home.stateDir }))).code).toBe('PROCMAN_NO_MANAGER')
  })

  it('stays when it is another manager’s by now', async () => {
    const { server } = await served()
    rmSync(server.socketPath)
    writeFileSync(server.socketPath, '')
    await server.close()
    expect(existsSync(server.socketPath)).toBe(true)
  })

  it('works in a directory whose path is too long for a socket', async () => {
    class FarHome extends Home {
      override readonly stateDir = join(this.dir, 'a'.repeat(100), 'b'.repeat(100))
    }
    const home = forThisTest(new FarHome())
    const supervisor = await home.supervisor()
    const server = await serveControl({ supervisor })
    const client = await connected({ stateDir: home.stateDir })
    await client.start(sleeper({ id: 'one' }))
    expect(supervisor.get('one').state).toBe('running')
    await server.close()
    expect(existsSync(server.socketPath)).toBe(false)
  })

  it('is put back when somebody has deleted it', async () => {
    const { server, client } = await served()
    rmSync(server.socketPath)
    await expect.poll(() => existsSync(server.socketPath), { timeout: 10_000 }).toBe(true)
    expect((await ask(server.socketPath, '/v1/status')).status).toBe(200)
    expect(client.isConnected).toBe(true)
  })

  it('tells who holds a directory that nobody serves', async () => {
    const home = aHome()
    await home.supervisor()
    expect(await rejection(connect({ stateDir: home.stateDir }))).toMatchObject({ code: 'PROCMAN_NO_MANAGER', details: { pid: process.pid } })
  })
})

it.each([
  ['a path', { url: 'http://127.0.0.1:1/v1' }, /as http:\/\/127.0.0.1:50055/],
  ['a password', { url: 'http://me:secret@127.0.0.1:1' }, /as http:.*, not "http:..\*{3}@127.0.0.1:1"$/],
  ['no scheme', { url: '127.0.0.1:1' }, /as http:/],
  ['two places', { url: 'http://127.0.0.1:1', stateDir: '/x' }, /not by both/],
  ['no token but nothing', { url: 'http://127.0.0.1:1', token: '' }, /token must be a non-empty string/],
  ['what is no path', { stateDir: 5 as never }, /stateDir must be a non-empty string, not 5/],
])('an address with %s is refused', async (_what, options, words) => {
  expect(await rejection(connect(options))).toMatchObject({ code: 'PROCMAN_INVALID_ARGUMENT', message: expect.stringMatching(words) })
})

it.each([
  ['another version', 404, JSON.stringify({ code: 'PROCMAN_INVALID_ARGUMENT', message: 'there is no route GET /v1/status', details: {} })],
  ['something else', 200, '<html>hello</html>'],
  ['nothing that is known', 418, '{"code": "TEAPOT", "message": "short and stout"}'],
])('a manager that speaks %s is not taken for one of ours', async (_what, status, body) => {
  const { dir } = aHome()
  const server = createHttpServer((_request, response) => response.writeHead(status).end(body))
  await new Promise<void>((resolve) => server.listen(join(dir, 'control.sock'), resolve))
  onTestFinished(() => void server.close())
  expect((await rejection(connect({ stateDir: dir }))).code).toBe('PROCMAN_MANAGER_UNREACHABLE')
})

describe('a request', () => {
  it('that is wrong is refused, with all that is wrong, and changes nothing', async () => {
    const { server, supervisor } = await served()
    const { socketPath } = server
    await supervisor.start(sleeper({ id: 'one' }))
    const post = (path: string, body: unknown) => ask(socketPath, path, { method: 'POST', body })
    const refused: readonly (readonly [
      status: number,
      code: string,
      words: RegExp,
      answer: Promise<{ status: number; json: { code?: string; message?: string } }>,
    ])[] = [
      [404, 'PROCMAN_INVALID_ARGUMENT', /there is no route GET \/v1\/nothing/, ask(socketPath, '/v1/nothing')],
      [400, 'PROCMAN_INVALID_ARGUMENT', /speaks v1.*not v2/, ask(socketPath, '/v1/status', { headers: { 'procman-api': 'v2' } })],
      [400, 'PROCMAN_INVALID_ARGUMENT', /nonsense/, ask(socketPath, '/v1/processes?nonsense=1')],
      [400, 'PROCMAN_INVALID_ARGUMENT', /there is no status/, ask(socketPath, '/v1/processes?status=happy')],
      [400, 'PROCMAN_INVALID_ARGUMENT', /force.*nonsense|nonsense/, post('/v1/processes/one/restart', { force: 'yes', nonsense: 1 })],
      [400, 'PROCMAN_INVALID_ARGUMENT', /JSON/, post('/v1/processes', '{"command":')],
      [400, 'PROCMAN_INVALID_ARGUMENT', /type/, post('/v1/processes/one/send', { event: { type: 'run.exited' } })],
      [400, 'PROCMAN_INVALID_ARGUMENT', /event.signal/, post('/v1/processes/one/send', { event: { type: 'process.signal' } })],
      [400, 'PROCMAN_INVALID_ARGUMENT', /no such signal/, post('/v1/processes/one/send', { event: { type: 'process.signal', signal: 'SIGNOTHING' } })],
      [400, 'PROCMAN_INVALID_ARGUMENT', /timeoutMs/, post('/v1/processes/one/send', { event: { type: 'process.stop', timeoutMs: 'soon' } })],
      [400, 'PROCMAN_INVALID_ARGUMENT', /absolute/, ask(socketPath, '/v1/desired', { method: 'PUT', body: { path: 'procman.yaml' } })],
      [400, 'PROCMAN_INVALID_ARGUMENT', /%zz/, ask(socketPath, '/v1/processes/%zz')],
      [404, 'PROCMAN_PROCESS_UNKNOWN', /xxx/, ask(socketPath, `/v1/processes/${'x'.repeat(5_000)}`)],
      [422, 'PROCMAN_INVALID_SPEC', /command.*nonsense|nonsense.*command/, post('/v1/processes', { nonsense: 1 })],
      [422, 'PROCMAN_INVALID_SPEC', /command/, post('/v1/processes', null)],
      [422, 'PROCMAN_INVALID_SPEC', /command/, post('/v1/processes', '["x"]')],
      [422, 'PROCMAN_INVALID_SPEC', /command/, ask(socketPath, '/v1/processes', { method: 'POST', headers: { 'content-type': 'application/json' } })],
      [400, 'PROCMAN_INVALID_ARGUMENT', /callerEnv/, post('/v1/processes', { command: 'true', callerEnv: 'PATH=/' })],
      [400, 'PROCMAN_INVALID_ARGUMENT', /JSON/, post('/v1/processes', '{"command": "true", "__proto__": {"id": "x"}}')],
      [413, 'PROCMAN_INVALID_ARGUMENT', /1048576 bytes/, post('/v1/processes', { command: 'x'.repeat(2_000_000) })],
      [
        415,
        'PROCMAN_INVALID_ARGUMENT',
        /media type/i,
        ask(socketPath, '/v1/processes', { method: 'POST', body: 'x', headers: { 'content-type': 'text/csv' } }),
      ],
      [404, 'PROCMAN_PROCESS_UNKNOWN', /nobody/, ask(socketPath, '/v1/processes/nobody/logs')],
      [409, 'PROCMAN_WRONG_STATE', /launch is refused|start is refused/, post('/v1/processes/one/launch', {})],
      [504, 'PROCMAN_TIMEOUT', /still running/, ask(socketPath, '/v1/processes/one/wait?timeout_ms=1')],
      [501, 'PROCMAN_NO_MANAGER', /program of its own/, ask(socketPath, '/v1/desired', { method: 'PUT', body: {} })],
    ]
    for (const [status, code, words, asked] of refused) {
      const answer = await asked
      expect([answer.status, answer.json.code, answer.json.message]).toEqual([status, code, expect.stringMatching(words)])
    }
    expect(supervisor.list().map(({ id, run, state }) => [id, run, state])).toEqual([['one', 1, 'running']])
  })

  it.each([
    ['garbage', 'HELLO\r\n\r\n', /^HTTP\/1.1 400 .*PROCMAN_INVALID_ARGUMENT/s],
    ['headers without end', `GET /v1/status HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(40_000)}`, /^HTTP\/1.1 431 /],
  ])('that is %s is answered, and the next one is served', async (_what, bytes, answer) => {
    const { server } = await served()
    const socket = connectSocket(server.socketPath)
    let text = ''
    // What it was still sending is not read.
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.write(bytes)
    await new Promise((resolve) => socket.once('close', resolve))
    expect(text).toMatch(answer)
    expect((await ask(server.socketPath, '/v1/status')).status).toBe(200)
  })

  it('gives a process the environment of its caller, where it differs, and nothing of his shell', async () => {
    const env = { ...process.env, FROM_CALLER: '$HOME is ${env.HOME}', PATH: `/of/the/caller:${process.env.PATH}`, PWD: '/else', SHLVL: '9' }
    const { client } = await served({}, { env })
    await client.start(sh('echo "$FROM_CALLER|$PATH|$SHLVL"', { id: 'one', env: { PATH: '${env.PATH}:/end' } }))
    await client.wait('one')
    const lines: string[] = []
    for await (const { text } of client.watch('one')) lines.push(text)
    expect(lines).toEqual([expect.stringContaining(`$HOME is \${env.HOME}|/of/the/caller:${process.env.PATH}:/end|`)])
    expect(Object.keys(client.get('one').env).sort()).toEqual(['FROM_CALLER', 'PATH'])
    await client.start(sh('echo "$FROM_CALLER"', { id: 'two', inheritEnv: false, env: { PATH: '/bin:/usr/bin' } }))
    expect(client.get('two').env).toEqual({ PATH: '/bin:/usr/bin' })
  })
})

describe('over TCP', () => {
  it('everything needs a token, and comes from this machine and not from a page of the internet', async () => {
    const logged: object[] = []
    const log = { info: () => {}, warn: (fields: object) => logged.push(fields) }
    const { server, client, home } = await served({ listen: { port: 0, token: TOKEN, readToken: READ_TOKEN }, log })
    const { port } = server.address ?? { port: 0 }
    const where = { host: '127.0.0.1', port }
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
    const asked: readonly (readonly [status: number, method: string, path: string, headers: Readonly<Record<string, string>>])[] = [
      [200, 'GET', '/v1/status', bearer(TOKEN)],
      [200, 'GET', '/openapi.json', { ...bearer(TOKEN), host: `localhost:${port}`, origin: `http://localhost:${port}` }],
      [200, 'GET', '/v1/processes', bearer(READ_TOKEN)],
      [200, 'POST', '/v1/refresh', bearer(TOKEN)],
      [401, 'GET', '/v1/status', {}],
      [401, 'GET', '/openapi.json', {}],
      [401, 'GET', `/v1/status?token=${TOKEN}`, {}],
      [401, 'GET', '/v1/status', bearer('a-token-of-somebody')],
      [401, 'GET', '/v1/status', { authorization: `Basic ${TOKEN}` }],
      [403, 'POST', '/v1/refresh', bearer(READ_TOKEN)],
      [403, 'DELETE', '/v1/processes/one', bearer(READ_TOKEN)],
      [403, 'GET', '/v1/status', { ...bearer(TOKEN), host: `evil.example:${port}` }],
      [403, 'GET', '/v1/status', { ...bearer(TOKEN), host: 'localhost:1' }],
      [403, 'GET', '/v1/status', { ...bearer(TOKEN), host: `localhost.evil.example:${port}` }],
      [403, 'GET', '/v1/status', { ...bearer(TOKEN), origin: 'http://evil.example' }],
      [403, 'GET', '/v1/status', { ...bearer(TOKEN), origin: 'null' }],
    ]
    for (const [status, method, path, headers] of asked) {
      const answer = await ask(where, path, { method, headers })
      expect([method, path, headers, answer.status]).toEqual([method, path, headers, status])
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
    expect(logged).toContainEqual({ event: 'control.refused', code: 'PROCMAN_UNAUTHORIZED', method: 'GET', url: '/v1/status' })
    expect(JSON.stringify(logged)).not.toContain(TOKEN)
    const remote = await connected({ url: `http://127.0.0.1:${port}`, token: `${TOKEN}\n` })
    await remote.start(sleeper({ id: 'one' }))
    expect(remote.stateDir).toBe(home.stateDir)
    await expect.poll(() => client.list().map(({ id }) => id)).toEqual(['one'])
    const reader = await connected({ url: `http://localhost:${port}`, token: READ_TOKEN })
    expect(reader.get('one').state).toBe('running')
    expect((await rejection(reader.stop('one'))).code).toBe('PROCMAN_FORBIDDEN')
    expect((await rejection(connect({ url: `http://127.0.0.1:${port}` }))).code).toBe('PROCMAN_UNAUTHORIZED')
  })

  it('listens on this machine only, with a real token, on a port that is free', async () => {
    const supervisor = await aHome().supervisor()
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    const refused: readonly (readonly [code: string, words: RegExp, listen: { host?: string; port: number; token: string; readToken?: string }])[] = [
      ['PROCMAN_INVALID_ARGUMENT', /ssh -L/, { host: '0.0.0.0', port: 0, token: TOKEN }],
      ['PROCMAN_INVALID_ARGUMENT', /ssh -L/, { host: '::', port: 0, token: TOKEN }],
      ['PROCMAN_INVALID_ARGUMENT', /127.0.0.1, localhost, ::1/, { host: '127.0.0.2', port: 0, token: TOKEN }],
      ['PROCMAN_INVALID_ARGUMENT', /at least 16/, { port: 0, token: '' }],
      ['PROCMAN_INVALID_ARGUMENT', /at least 16/, { port: 0, token: TOKEN, readToken: 'short' }],
      ['PROCMAN_INVALID_ARGUMENT', /allowed everything/, { port: 0, token: TOKEN, readToken: TOKEN }],
      ['PROCMAN_INVALID_ARGUMENT', /port/, { port: 70_000, token: TOKEN }],
      ['PROCMAN_PORT_UNAVAILABLE', new RegExp(`port ${port} of 127.0.0.1`), { port, token: TOKEN }],
    ]
    for (const [code, words, listen] of refused) {
      const error = await rejection(serveControl({ supervisor, listen }))
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(words)])
      expect(existsSync(join(supervisor.stateDir, 'control.sock'))).toBe(false)
    }
  })
})

describe('the manager', () => {
  const report = { lines: [{ id: 'one', action: 'start' as const, reason: 'is not there' }], warnings: [], failures: [] }

  it('is asked for what its programs are to be, and how it is', async () => {
    const told: unknown[] = []
    const status = {
      pid: 1,
      version: '0',
      kind: 'daemon' as const,
      started_at: '2026-01-01T00:00:00.000Z',
      state_dir: '/',
      config: null,
      is_watching: false,
      config_error: null,
      listen: null,
      log_level: 'info' as const,
      log_file: null,
      rss_bytes: 1,
      processes: 0,
      problems: [],
      collection: [],
    }
    const tell = (what: unknown) => {
      told.push(what)
      return report
    }
    const manager: ManagerControl = {
      status: () => status,
      apply: async (request) => tell(request),
      down: async (options) => tell(options),
      stop: async () => void told.push('stop'),
      setLogLevel: (level) => void told.push(level),
    }
    const { client } = await served({ manager })
    expect(await client.manager.status()).toEqual(status)
    expect(await client.manager.apply({ path: '/x/procman.yaml', env: { A: '1' }, startDown: true, watch: false })).toEqual(report)
    expect(await client.manager.down({ keep: true, timeoutMs: Number.POSITIVE_INFINITY })).toEqual(report)
    await client.manager.setLogLevel('debug')
    await client.manager.stop()
    expect(told).toEqual([
      { path: '/x/procman.yaml', env: { A: '1' }, startDown: true, watch: false },
      { keep: true, timeoutMs: Number.POSITIVE_INFINITY },
      'debug',
      'stop',
    ])
  })

  it('that there is none is told', async () => {
    const { client } = await served()
    for (const asked of [client.manager.status(), client.manager.apply({}), client.manager.down(), client.manager.stop(), client.manager.setLogLevel('info')])
      expect((await rejection(asked)).code).toBe('PROCMAN_NO_MANAGER')
  })
})

describe('the OpenAPI document', () => {
  it('lists every route, refers to nothing that is not there, and tells what answers are made of', async () => {
    const { server, client, supervisor } = await served()
    await supervisor.start(sleeper({ id: 'one', ports: { http: 'any' }, health: { liveness: { tcp: '${port}' } }, restart: 'always' }))
    const document = (await ask(server.socketPath, '/openapi.json')).json as {
      openapi: string
      paths: Record<string, Record<string, { operationId: string; responses: object }>>
      components: { schemas: object }
    }
    expect(document.openapi).toBe('3.1.0')
    const listed = Object.entries(document.paths).flatMap(([path, verbs]) => Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`))
    expect(listed.sort()).toEqual(routes.map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`).sort())
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name)
    expect([...new Set(refs)].filter((name) => !Object.hasOwn(document.components.schemas, name ?? ''))).toEqual([])
    expect(refs).toContain('ProcessRecord')
    const paths: Readonly<Record<string, string>> = {
      '/v1/status': '/v1/status',
      '/v1/processes': '/v1/processes?status=running&label=none',
      '/v1/processes/:id': '/v1/processes/one',
      '/v1/processes/:id/why': '/v1/processes/one/why',
      '/v1/processes/:id/logs/files': '/v1/processes/one/logs/files',
      '/v1/processes/:id/wait': '/v1/processes/o/wait?for=ready',
    }
    for (const route of routes.filter(({ method, isStream }) => method === 'GET' && !isStream)) {
      const { json } = await ask(server.socketPath, paths[route.url] ?? '')
      expect([route.url, route.answer.safeParse(json).error]).toEqual([route.url, undefined])
    }
    for (const verb of ['restart', 'reset', 'stop', 'launch']) {
      const { json } = await ask(server.socketPath, `/v1/processes/one/${verb}`, { method: 'POST' })
      expect(routes.find(({ url }) => url.endsWith('/stop'))?.answer.safeParse(json).error).toBeUndefined()
    }
    await expect.poll(() => client.get('one')).toEqual(JSON.parse(JSON.stringify(supervisor.get('one'))))
  })
})

it('serves nobody after it was closed', async () => {
  const home = aHome()
  const supervisor = await createSupervisor({ stateDir: home.stateDir })
  const server = await serveControl({ supervisor })
  await Promise.all([server.close(), server.close()])
  expect((await rejection(ask(server.socketPath, '/v1/status'))).code).toBe('ENOENT')
  await supervisor.close()
  expect((await rejection(serveControl({ supervisor }))).code).toBe('PROCMAN_CLOSED')
})
