import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type handleUnaryCall, Server, ServerCredentials, status as Status } from '@grpc/grpc-js'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { decodeStatus, encodeRequest, METHOD } from '../../../src/effects/probe/grpc-health.ts'
import type { TlsOptions } from '../../../src/types.ts'
import { until } from '../../e2e/harness.ts'
import { answerTo, ask, certificates, checkerOf, fails, freePort, hasOpenssl, PASSES, serve, serveTcp } from './harness.ts'

type Answer = Buffer | { readonly code: Status; readonly details?: string } | 'never'

const serving = (status: number) => Buffer.from([8, status])

interface Health {
  readonly port: number
  /** Names that were asked for, in order. */
  readonly asked: string[]
  /** Of those who are connected. */
  readonly peers: Set<string>
  stop(): void
}

async function serveHealth(
  answer: (service: string) => Answer,
  { host = '127.0.0.1', port = 0, credentials = ServerCredentials.createInsecure() } = {},
): Promise<Health> {
  const server = new Server()
  const asked: string[] = []
  const peers = new Set<string>()
  const check: handleUnaryCall<Buffer, Buffer> = (call, reply) => {
    const service = call.request.subarray(call.request.length > 129 ? 3 : 2).toString()
    asked.push(service)
    peers.add(call.getPeer())
    const what = answer(service)
    if (what === 'never') return
    if (Buffer.isBuffer(what)) reply(null, what)
    else reply({ ...what, name: 'Error', message: what.details ?? '' })
  }
  const bytes = (message: Buffer) => message
  const method = {
    path: METHOD,
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  } as const
  server.addService({ check: method }, { check })
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`, credentials, (error, at) => (error === null ? resolve(at) : reject(error))),
  )
  onTestFinished(() => server.forceShutdown())
  return { port: bound, asked, peers, stop: () => server.forceShutdown() }
}

const grpc = (host: string, port: number | string, { service = '', tls = null }: { service?: string; tls?: TlsOptions | null } = {}) =>
  ({ kind: 'grpc', host, port: String(port), service, tls }) as const

describe('a grpc probe', () => {
  it('passes when the service is serving', async () => {
    const { port, asked } = await serveHealth(() => serving(1))
    expect(await answerTo(grpc('127.0.0.1', port, { service: 'shop.Cart' }))).toEqual(PASSES)
    expect(await answerTo(grpc('127.0.0.1', port))).toEqual(PASSES)
    expect(await answerTo(grpc('127.0.0.1', port, { service: 'ä'.repeat(100) }))).toEqual(PASSES)
    expect(asked).toEqual(['shop.Cart', '', 'ä'.repeat(100)])
  })

  it.each<[Answer, string]>([
    [serving(2), 'status NOT_SERVING'],
    [serving(0), 'status UNKNOWN'],
    [Buffer.alloc(0), 'status UNKNOWN'],
    [serving(3), 'service "cart" unknown'],
    [serving(7), 'status 7'],
    [{ code: Status.NOT_FOUND }, 'service "cart" unknown'],
    [{ code: Status.UNIMPLEMENTED }, 'no health service (UNIMPLEMENTED)'],
    [{ code: Status.UNAUTHENTICATED, details: 'who are you?' }, 'no valid gRPC answer: UNAUTHENTICATED: who are you?'],
    [{ code: Status.UNAVAILABLE, details: 'not now' }, 'no valid gRPC answer: UNAVAILABLE: not now'],
  ])('that is answered %j fails as %j', async (answer, cause) => {
    const { port } = await serveHealth(() => answer)
    expect(await answerTo(grpc('127.0.0.1', port, { service: 'cart' }))).toEqual(fails(cause))
  })

  it.each(['127.0.0.1', '::1'])('to localhost comes to what listens on %s only', async (host) => {
    const { port } = await serveHealth(() => serving(1), { host })
    expect(await answerTo(grpc('localhost', port))).toEqual(PASSES)
  })

  it.each(['::1', '[::1]'])('takes the address %s', async (host) => {
    const { port } = await serveHealth(() => serving(1), { host: '::1' })
    expect(await answerTo(grpc(host, port))).toEqual(PASSES)
  })

  it('says that it is refused, has no such host, or no port', async () => {
    const port = await freePort()
    for (const host of ['127.0.0.1', '::1', 'localhost']) expect(await answerTo(grpc(host, port))).toEqual(fails('connection refused'))
    expect((await answerTo(grpc('no-such-host.invalid', port)))?.cause).toMatch(/^host not found/)
    expect(await answerTo(grpc('127.0.0.1', '0'))).toEqual(fails('"0" is no port'))
  })

  it('says that it is no gRPC that answers', async () => {
    const { port } = await serve((_, response) => response.end('web'))
    expect((await answerTo(grpc('127.0.0.1', port)))?.cause).toMatch(/^no valid gRPC answer: Protocol error$/)
    const closing = await serveTcp((socket) => socket.once('data', () => socket.end()))
    expect((await answerTo(grpc('127.0.0.1', closing.port)))?.cause).toMatch(/^no valid gRPC answer: |^connection reset/)
    const { port: healthless } = await serveOther()
    expect(await answerTo(grpc('127.0.0.1', healthless))).toEqual(fails('no health service (UNIMPLEMENTED)'))
  })
})

/** A gRPC server without a health service. */
async function serveOther(): Promise<{ port: number }> {
  const server = new Server()
  onTestFinished(() => server.forceShutdown())
  return { port: await new Promise((resolve) => server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_, at) => resolve(at))) }
}

describe('the channel of a grpc probe', () => {
  it('is one, kept between probes, whatever they find', async () => {
    const answers: Answer[] = [serving(1), serving(2), { code: Status.NOT_FOUND }, { code: Status.UNIMPLEMENTED }, serving(1)]
    const { port, asked, peers } = await serveHealth(() => answers[asked.length - 1] ?? 'never')
    const checker = checkerOf(grpc('127.0.0.1', port))
    for (const _ of answers) await ask(checker)
    expect(asked).toHaveLength(5)
    expect(peers.size).toBe(1)
  })

  it('leads to whoever listens now: the first probe after a restart of the server passes, however long it was down', async () => {
    const port = await freePort()
    const checker = checkerOf(grpc('localhost', port))
    for (let lives = 1; lives <= 3; lives++) {
      for (let probes = 1; probes <= 4; probes++) expect(await ask(checker)).toEqual(fails('connection refused'))
      const { stop } = await serveHealth(() => serving(1), { port })
      expect(await ask(checker)).toEqual(PASSES)
      expect(await ask(checker)).toEqual(PASSES)
      stop()
    }
  })

  it('that the server dropped in between is replaced, and that is no failure', async () => {
    const { port, stop } = await serveHealth(() => serving(1))
    const checker = checkerOf(grpc('127.0.0.1', port))
    expect(await ask(checker)).toEqual(PASSES)
    stop()
    await serveHealth(() => serving(1), { port })
    expect(await ask(checker)).toEqual(PASSES)
  })
})

describe('the time of a grpc probe', () => {
  it('bounds an answer that does not come, and the next probe passes', async () => {
    let isHeld = true
    const { port } = await serveHealth(() => (isHeld ? 'never' : serving(1)))
    const checker = checkerOf(grpc('127.0.0.1', port))
    expect(await ask(checker, 300)).toEqual(fails('timeout after 300 ms'))
    isHeld = false
    expect(await ask(checker)).toEqual(PASSES)
  })

  it.each(['timeout', 'abort', 'close'])('over a server that says nothing at all ends at %s, and the connection is closed', async (how) => {
    const { port, connections } = await serveTcp((socket) => socket.resume())
    const checker = checkerOf(grpc('127.0.0.1', port))
    const over = new AbortController()
    const answer = ask(checker, how === 'timeout' ? 500 : 60_000, over.signal)
    // The first finds the address; the second is the channel's.
    if (how !== 'timeout') await until('it is connected', () => connections.length === 2)
    if (how === 'abort') over.abort()
    if (how === 'close') checker.close()
    expect((await answer)?.cause).toBe(how === 'timeout' ? 'timeout after 500 ms' : 'aborted')
    await until('it is closed', () => connections.every(({ destroyed }) => destroyed))
  })
})

describe.skipIf(!hasOpenssl())('a grpc probe over TLS', () => {
  const pems = hasOpenssl() ? certificates() : undefined
  afterAll(() => pems?.remove())
  if (pems === undefined) return
  const { ca, dir } = pems
  const good = pems.signed('good', 'DNS:localhost,IP:127.0.0.1,IP:::1')
  const secured = ({ cert, key } = good, isAsking = false) =>
    ServerCredentials.createSsl(isAsking ? Buffer.from(ca.cert) : null, [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }], isAsking)

  it('trusts who is vouched for by ca, and keeps the channel', async () => {
    const { port, peers } = await serveHealth(() => serving(1), { credentials: secured() })
    const checker = checkerOf(grpc('localhost', port, { tls: { ca: ca.certFile } }))
    for (let probes = 1; probes <= 3; probes++) expect(await ask(checker)).toEqual(PASSES)
    expect(peers.size).toBe(1)
    expect(await answerTo(grpc('127.0.0.1', port, { tls: { ca: ca.cert } }))).toEqual(PASSES)
  })

  it('says what is wrong with a certificate', async () => {
    const causeOf = async (pem: typeof good, tls: TlsOptions = {}) =>
      (await answerTo(grpc('localhost', (await serveHealth(() => serving(1), { credentials: secured(pem) })).port, { tls })))?.cause
    const other = pems.signed('other', 'DNS:other.example')
    const expired = pems.expired('expired', 'DNS:localhost')
    expect(await causeOf(pems.selfSigned('self', 'DNS:localhost'))).toBe('certificate is self-signed')
    expect(await causeOf(good)).toBe('certificate is of an unknown issuer')
    expect(await causeOf(expired, { ca: expired.cert })).toBe('certificate has expired')
    expect(await causeOf(other, { ca: ca.cert })).toMatch(/^certificate is for another host: /)
    expect(await causeOf(other, { ca: ca.cert, servername: 'other.example' })).toBeNull()
  })

  it('shows a certificate of its own when asked', async () => {
    const { port } = await serveHealth(() => serving(1), { credentials: secured(good, true) })
    const client = pems.signed('client', 'DNS:client')
    expect(await answerTo(grpc('localhost', port, { tls: { ca: ca.cert, cert: client.cert, key: client.key } }))).toEqual(PASSES)
    expect((await answerTo(grpc('localhost', port, { tls: { ca: ca.cert } })))?.cause).not.toBeNull()
  })

  it('says which file it cannot read, and that there is no TLS', async () => {
    const { port } = await serveHealth(() => serving(1))
    const file = join(dir, 'none.key')
    expect(await answerTo(grpc('localhost', port, { tls: { key: file } }))).toEqual(fails(`certificate file of tls.key cannot be read: ${file} (ENOENT)`))
    writeFileSync(file, '-----BEGIN nonsense')
    expect((await answerTo(grpc('localhost', port, { tls: { key: file, cert: good.certFile } })))?.cause).toMatch(/^certificate or key cannot be used/)
    expect((await answerTo(grpc('localhost', port, { tls: {} })))?.cause).toMatch(/^no valid TLS answer|^connection reset/)
  })

  it('is bounded also while TLS is being agreed on', async () => {
    const { port, connections } = await serveTcp((socket) => socket.resume())
    expect(await answerTo(grpc('localhost', port, { tls: {} }), 500)).toEqual(fails('timeout after 500 ms'))
    await until('it is closed', () => connections.every(({ destroyed }) => destroyed))
  })
})

describe('the messages of grpc.health.v1', () => {
  it('are as protobuf writes them', () => {
    expect([...encodeRequest('')]).toEqual([])
    expect([...encodeRequest('a')]).toEqual([0x0a, 1, 0x61])
    expect([...encodeRequest('x'.repeat(300)).subarray(0, 3)]).toEqual([0x0a, 0xac, 0x02])
    expect(decodeStatus(Buffer.from([8, 2]))).toBe('NOT_SERVING')
    expect(() => decodeStatus(Buffer.from([10, 1, 97]))).toThrow('no HealthCheckResponse: 0a0161')
  })
})
