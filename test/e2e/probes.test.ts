/** How a process is asked: the kinds of probes. */
import { existsSync, readFileSync } from 'node:fs'
import * as grpc from '@grpc/grpc-js'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { CheckInput, ProbeInput, Supervisor } from '../../src/api.ts'
import type { Certificates } from '../effects/probe/harness.ts'
import { certificates, hasOpenssl, serveSecurely, serveTcp } from '../effects/probe/harness.ts'
import { aHome, lives, pause, sleeper, until } from './harness.ts'
import { aPeer, often, recordWhen } from './services.ts'

const unwellWith = (probe: CheckInput): ProbeInput => ({ ...often, ...probe, failureThreshold: 1, onFailure: 'report' })

/** One for all that a test asks. */
let opened: Promise<Supervisor> | undefined
beforeEach(() => {
  opened = undefined
})

/** The first answer, once there is one. */
async function firstAnswer(probe: CheckInput, more: Parameters<typeof sleeper>[0] = {}): Promise<{ readonly cause: string | null; readonly body: unknown }> {
  opened ??= aHome().supervisor()
  const supervisor = await opened
  const { id } = await supervisor.start(sleeper({ health: { liveness: unwellWith(probe) }, ...more }))
  const { health } = await recordWhen(supervisor, id, 'was asked', ({ health }) => (health?.liveness?.results.length ?? 0) > 0)
  const [first] = health?.liveness?.results ?? []
  if (first === undefined) throw new Error('it was not asked')
  return { cause: first.cause, body: health?.liveness?.body }
}

const causeOf = async (probe: CheckInput, more = {}) => (await firstAnswer(probe, more)).cause

describe('an http probe', () => {
  it.each([
    [200, undefined, null],
    [204, undefined, 'status 204'],
    [503, undefined, 'status 503'],
    [301, undefined, 'status 301'],
    [204, [[200, 299]], null],
    [300, [[200, 299]], 'status 300'],
    [418, [[200, 299], 418], null],
    [401, 401, null],
    [204, [200, 299], 'status 204'],
  ] as const)('answered with %i, accepting %j: %j', async (status, accepted, cause) => {
    const peer = await aPeer({ '/health': { status } })
    expect(await causeOf({ http: { url: peer.url('/health'), ...(accepted === undefined ? {} : { status: accepted }) } })).toBe(cause)
  })

  it('does not follow redirects', async () => {
    const peer = await aPeer({ '/': { status: 302, headers: { location: '/elsewhere' } } })
    expect(await causeOf({ http: peer.url('/') })).toBe('status 302')
    expect(peer.asked.map(({ path }) => path)).not.toContain('/elsewhere')
  })

  it('sends the method and the headers that it is told to, templates filled in', async () => {
    const peer = await aPeer()
    const probe = { http: { url: peer.url('/${meta.place}?run=${run}'), method: 'post', headers: { 'X-Token': '${env.SECRET}', Host: 'web.example' } } }
    await firstAnswer(probe, { meta: { place: 'well' }, env: { SECRET: 's3cret' } })
    expect(peer.asked[0]).toMatchObject({ path: '/well?run=1', headers: { 'x-token': 's3cret', host: 'web.example' } })
  })

  it.each(['127.0.0.1', '::1'])('reaches a server that listens on %s only, by its port alone', async (host) => {
    const peer = await aPeer({}, host)
    expect(await causeOf({ http: { port: peer.port } })).toBe(null)
    expect(await causeOf({ http: peer.url('/') })).toBe(null)
  })

  it('keeps the body up to 64 KB, and parses it when it is JSON', async () => {
    const peer = await aPeer({
      '/json': { body: '{"ok":true,"queues":[1,2]}' },
      '/text': { body: 'fine {' },
      '/much': { body: 'x'.repeat(200_000) },
      '/unwell': { status: 503, body: '{"why":"full"}' },
    })
    expect((await firstAnswer({ http: peer.url('/json') })).body).toEqual({ ok: true, queues: [1, 2] })
    expect((await firstAnswer({ http: peer.url('/text') })).body).toBe('fine {')
    expect((await firstAnswer({ http: peer.url('/much') })).body).toBe('x'.repeat(65_536))
    expect(await firstAnswer({ http: peer.url('/unwell') })).toEqual({ cause: 'status 503', body: { why: 'full' } })
  })

  it('fails at a server that accepts and says nothing, or something else', async () => {
    const silent = await serveTcp(() => {})
    expect(await causeOf({ http: `http://127.0.0.1:${silent.port}/`, timeoutMs: 70 } as CheckInput)).toBe('timeout after 70 ms')
    const rude = await serveTcp((socket) => socket.end('SSH-2.0-OpenSSH\r\n'))
    expect(await causeOf({ http: `http://127.0.0.1:${rude.port}/` })).toMatch(/^no valid HTTP answer/)
  })
})

describe.skipIf(!hasOpenssl())('TLS', () => {
  let made: Certificates
  beforeAll(() => {
    made = certificates()
  })
  afterAll(() => made.remove())

  it('an https server is believed with the right ca, and only then', async () => {
    const { cert, key } = made.signed('server', 'DNS:localhost,IP:127.0.0.1')
    const { port } = await serveSecurely({ cert, key }, (_, response) => response.end('{"secure":true}'))
    const ca = made.ca.certFile
    expect(await firstAnswer({ http: { port, host: '127.0.0.1', tls: { ca } } })).toEqual({ cause: null, body: { secure: true } })
    expect(await causeOf({ http: { port, tls: { ca } } })).toBe(null)
    expect(await causeOf({ http: { port, tls: true } })).toMatch(/^certificate is /)
    expect(await causeOf({ http: { port, tls: { ca, servername: 'elsewhere' } } })).toMatch(/^certificate is for another host/)
    expect(await causeOf({ http: `http://127.0.0.1:${port}/` })).not.toBe(null)
  })

  it('a server that wants to know who asks gets the certificate of the probe', async () => {
    const [server, client] = [made.signed('mutual', 'IP:127.0.0.1'), made.signed('prober', 'DNS:prober')]
    const { port } = await serveSecurely({ ...server, ca: made.ca.cert, requestCert: true, rejectUnauthorized: true }, (_, response) => response.end())
    const ca = made.ca.cert
    expect(await causeOf({ http: { port, host: '127.0.0.1', tls: { ca, cert: client.cert, key: client.key } } })).toBe(null)
    expect(await causeOf({ http: { port, host: '127.0.0.1', tls: { ca } } })).not.toBe(null)
  })

  it('a grpc server, too', async () => {
    const { cert, key } = made.signed('grpc', 'IP:127.0.0.1')
    const credentials = grpc.ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }])
    const { port } = await aGrpcServer({ credentials })
    expect(await causeOf({ grpc: { port, host: '127.0.0.1', tls: { ca: made.ca.cert } } })).toBe(null)
    expect(await causeOf({ grpc: { port, host: '127.0.0.1', tls: true } })).toMatch(/^certificate is /)
    expect(await causeOf({ grpc: { port, host: '127.0.0.1' } })).not.toBe(null)
  })
})

describe('a tcp probe', () => {
  it('passes when a connection is accepted, at either loopback address, and else says why not', async () => {
    const v4 = await serveTcp((socket) => socket.destroy())
    const v6 = await serveTcp((socket) => socket.destroy(), '::1')
    expect(await causeOf({ tcp: v4.port })).toBe(null)
    expect(await causeOf({ tcp: v6.port })).toBe(null)
    expect(await causeOf({ tcp: `[::1]:${v6.port}` })).toBe(null)
    expect(await causeOf({ tcp: `127.0.0.1:${v6.port}` })).toBe('connection refused')
    expect(await causeOf({ tcp: 1 })).toBe('connection refused')
  })
})

describe('a grpc probe', () => {
  it('asks grpc.health.v1.Health/Check for the service that it is told', async () => {
    const { port, services } = await aGrpcServer({ statuses: { '': 1, ready: 1, busy: 2 } })
    expect(await causeOf({ grpc: port })).toBe(null)
    expect(await causeOf({ grpc: { port, service: '${meta.which}' } }, { meta: { which: 'ready' } })).toBe(null)
    expect(await causeOf({ grpc: { port, service: 'busy' } })).toBe('status NOT_SERVING')
    expect(await causeOf({ grpc: { port, service: 'nobody' } })).toBe('service "nobody" unknown')
    expect(new Set(services)).toEqual(new Set(['', 'ready', 'busy', 'nobody']))
  })

  it('fails where no grpc server answers', async () => {
    const silent = await serveTcp(() => {})
    expect(await causeOf({ grpc: silent.port, timeoutMs: 70 } as CheckInput)).toBe('timeout after 70 ms')
    expect(await causeOf({ grpc: 1 })).toBe('connection refused')
  })
})

describe('an exec probe', () => {
  it('passes with exit code 0; else its end and its last words are the cause', async () => {
    expect(await causeOf({ exec: ['true'] })).toBe(null)
    expect(await causeOf({ exec: ['sh', '-c', 'echo no disk; exit 3'] })).toBe('exited with code 3: no disk')
    expect(await causeOf({ exec: ['sh', '-c', 'kill -9 $$'] })).toBe('ended by SIGKILL')
    expect(await causeOf({ exec: ['no-such-program'] })).toBe('command "no-such-program" not found (ENOENT)')
  })

  it('has the environment and the directory of the process, its ports too, and no shell', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const script = `printf '%s\\n' "$PORT" "$PORT_HTTP" "$PROCMAN_ID" "$PROCMAN_RUN" "$OWN" "$MORE" "$PWD" "$@" > ${home.path('seen.new')}; mv ${home.path('seen.new')} ${home.path('seen')}`
    const exec = { command: 'sh', args: ['-c', script, 'sh', '${port.http}', '$HOME; *'], env: { MORE: '${id}' } }
    const { id } = await supervisor.start(
      sleeper({ id: 'web', ports: { http: 'any' }, env: { OWN: 'mine' }, cwd: home.dir, health: { startup: { ...often, exec } } }),
    )
    await supervisor.waitFor(id, 'healthy')
    const port = String(supervisor.get(id).ports.http)
    expect(home.text('seen').split('\n').slice(0, -1)).toEqual([port, port, 'web', '1', 'mine', 'web', home.dir, port, '$HOME; *'])
  })

  const tree = (path: string) =>
    ['sh', '-c', 'sleep 600 & echo $! >> "$1"; setsid sleep 600 & echo $! >> "$1"; trap "" TERM; echo $$ >> "$1"; wait; wait', 'sh', path] as const
  const pidsIn = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1).map(Number) : [])

  it('that takes too long is killed with its tree, and the next one is asked after that', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const liveness = { intervalMs: 50, timeoutMs: 250, failureThreshold: 1, onFailure: 'report', exec: tree(home.path('tree')) } as const
    const { id } = await supervisor.start(sleeper({ health: { liveness } }))
    const record = await recordWhen(supervisor, id, 'has failed twice', ({ health }) => (health?.liveness?.failures ?? 0) >= 2)
    expect(record.health?.liveness?.results.map(({ cause }) => cause)).toContain('timeout after 250 ms')
    await until('the first three are gone', () => pidsIn(home.path('tree')).length >= 3 && !pidsIn(home.path('tree')).slice(0, 3).some(lives))
    await supervisor.stop(id)
    await until('all are gone', () => !pidsIn(home.path('tree')).some(lives))
  })

  it.each(['stop', 'close'] as const)('that is under way is killed with its tree at a %s', async (method) => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sleeper({ health: { liveness: { ...often, timeoutMs: 60_000, exec: tree(home.path('tree')) } } }))
    await until('it has grown', () => pidsIn(home.path('tree')).length === 3)
    await (method === 'stop' ? supervisor.stop(id) : supervisor.close())
    await until('all are gone', () => !pidsIn(home.path('tree')).some(lives))
  })
})

describe('a function probe', () => {
  it.each([
    ['true', () => true, null],
    ['nothing', async () => {}, null],
    ['false', () => false, 'answered false'],
    ['an object', async () => ({ queue: 7 }), 'answered { queue: 7 }'],
    ['an error', () => Promise.reject(new Error('no database')), 'no database'],
    ['a thrown text', () => Promise.reject('odd'), 'odd'],
  ])('that answers %s', async (_, probe, cause) => {
    expect(await causeOf({ function: probe })).toBe(cause)
  })

  it('is told of whom it is asked, and that nobody waits for it any more', async () => {
    const signals: AbortSignal[] = []
    const asked: unknown[] = []
    const cause = await causeOf(
      {
        function: ({ id, run, signal }: { id: string; run: number; signal: AbortSignal }) => {
          asked.push({ id, run })
          signals.push(signal)
          return new Promise(() => {})
        },
        timeoutMs: 60,
      } as CheckInput,
      { id: 'web' },
    )
    expect(cause).toBe('timeout after 60 ms')
    expect(asked[0]).toEqual({ id: 'web', run: 1 })
    expect(signals[0]?.aborted).toBe(true)
  })

  it('of the manager is named, and asked by each later manager that has it; one that has not does not ask', async () => {
    const home = aHome()
    let asked = 0
    const probes = { queue: () => void asked++ }
    const first = await home.supervisor({ probes })
    const health = { liveness: { ...often, function: 'queue', failureThreshold: 1 } }
    await first.start(sleeper({ id: 'web', health, restart: { strategy: 'always', delayMs: 0 } }))
    await first.waitFor('web', 'healthy')
    await first.close()
    const ignorant = await home.supervisor()
    await pause(200)
    expect(ignorant.get('web')).toMatchObject({ state: 'running', run: 1, health: { liveness: { failures: 0 } } })
    await ignorant.close()
    const before = asked
    const knowing = await home.supervisor({ probes })
    await until('it is asked again', () => asked > before)
    expect(knowing.get('web')).toMatchObject({ state: 'running', run: 1 })
  })
})

interface GrpcOptions {
  readonly statuses?: Readonly<Record<string, number>>
  readonly credentials?: grpc.ServerCredentials
}

/** A server with the health service, written by hand: a request is a text, a response a number. */
async function aGrpcServer({ statuses = { '': 1 }, credentials = grpc.ServerCredentials.createInsecure() }: GrpcOptions = {}) {
  const services: string[] = []
  const same = (bytes: Buffer) => bytes
  const server = new grpc.Server()
  const method = { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false }
  const codec = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same }
  server.addService(
    { Check: { ...method, ...codec } },
    {
      Check: ({ request }: { request: Buffer }, answer: grpc.sendUnaryData<Buffer>) => {
        const service = request.subarray(2).toString()
        services.push(service)
        const status = statuses[service]
        if (status === undefined) answer({ code: grpc.status.NOT_FOUND })
        else answer(null, Buffer.from([8, status]))
      },
    },
  )
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)))
  })
  onTestFinished(() => server.forceShutdown())
  return { port, services }
}
