import { once } from 'node:events'
import { copyFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { until } from '../../e2e/harness.ts'
import { answerTo, ask, certificates, checkerOf, fails, freePort, hasOpenssl, http, listen, never, serve, serveSecurely, serveTcp } from './harness.ts'

const KB = 1024

describe('an http probe', () => {
  it('passes with an accepted status, and keeps the body', async () => {
    const { port } = await serve((_, response) => response.end('{"ok":true}'))
    expect(await answerTo(http(`http://127.0.0.1:${port}/`))).toEqual({ cause: null, body: '{"ok":true}' })
  })

  it('asks as it was told: method, path, query, headers, login', async () => {
    const { port } = await serve(({ method, url, headers }, response) =>
      response.end(JSON.stringify([method, url, headers.host, headers['user-agent'], headers.a, headers.authorization])),
    )
    const bodyOf = async (url: string, more = {}) => JSON.parse((await answerTo(http(url, more)))?.body ?? '')
    expect(await bodyOf(`http://127.0.0.1:${port}`)).toEqual(['GET', '/', `127.0.0.1:${port}`, 'procman', null, null])
    expect(await bodyOf(`http://me:my%20word@127.0.0.1:${port}/a?b=c#d`, { method: 'POST', headers: { Host: 'web', 'User-Agent': 'me', A: '1' } })).toEqual([
      'POST',
      '/a?b=c',
      'web',
      'me',
      '1',
      `Basic ${Buffer.from('me:my word').toString('base64')}`,
    ])
  })

  it.each([
    [200, [[200, 200]], null],
    [204, [[200, 200]], 'status 204'],
    [204, [[200, 299]], null],
    [503, [[200, 299]], 'status 503'],
    [
      503,
      [
        [200, 299],
        [503, 503],
      ],
      null,
    ],
    [302, [[200, 299]], 'status 302'],
    [404, [[200, 200]], 'status 404'],
  ] as const)('judges status %i by %j: %s', async (status, accepted, cause) => {
    const { port, connections } = await serve((_, response) => response.writeHead(status, { location: '/elsewhere' }).end(status === 204 ? undefined : 'why'))
    expect(await answerTo(http(`http://127.0.0.1:${port}/`, { status: accepted }))).toEqual({ cause, body: status === 204 ? '' : 'why' })
    expect(connections).toHaveLength(1)
  })

  it('understands HEAD, and what is said before the answer', async () => {
    const { port } = await serve((_, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' })
      response.end('not sent')
    })
    expect(await answerTo(http(`http://127.0.0.1:${port}/`, { method: 'HEAD' }))).toEqual({ cause: null, body: '' })
    expect(await answerTo(http(`http://127.0.0.1:${port}/`))).toEqual({ cause: null, body: 'not sent' })
  })

  it('shows what is no text as such, and decompresses nothing', async () => {
    const { port } = await serve((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(Buffer.from([0x61, 0xff, 0x00, 0xc3, 0xa4])))
    expect(await answerTo(http(`http://127.0.0.1:${port}/`))).toEqual({ cause: null, body: 'a\ufffd\0ä' })
  })

  it.each(['127.0.0.1', '::1'])('to localhost comes to what listens on %s only', async (host) => {
    const { port } = await serve((_, response) => response.end('here'), host)
    expect(await answerTo(http(`http://localhost:${port}/`))).toEqual({ cause: null, body: 'here' })
  })

  it('takes an IPv6 address', async () => {
    const { port } = await serve(({ headers }, response) => response.end(headers.host), '::1')
    expect(await answerTo(http(`http://[::1]:${port}/`))).toEqual({ cause: null, body: `[::1]:${port}` })
  })
})

describe('a large body', () => {
  const bodies = { 'of 64 KB': 64 * KB, 'of more': 64 * KB + 1, 'of 10 MB': 10 * KB * KB }
  it.each(Object.entries(bodies))('%s is kept up to 64 KB', async (_, size) => {
    const { port, connections } = await serve((_, response) => response.end('x'.repeat(size)))
    const checker = checkerOf(http(`http://127.0.0.1:${port}/`))
    for (let probes = 1; probes <= 3; probes++) {
      const answer = await ask(checker)
      expect([answer?.cause, answer?.body]).toEqual([null, 'x'.repeat(64 * KB)])
    }
    // One that was cut off is not read to its end: that connection is closed.
    const open = size > 64 * KB ? 0 : 1
    await until('what was cut off is closed', () => connections.filter(({ destroyed }) => !destroyed).length === open)
    expect(connections).toHaveLength(size > 64 * KB ? 3 : 1)
  })

  it('without an end is not awaited', async () => {
    const { port, connections } = await serve((_, response) => response.writeHead(503).write('ä'.repeat(40 * KB)))
    const answer = await answerTo(http(`http://127.0.0.1:${port}/`))
    expect([answer?.cause, answer?.body]).toEqual(['status 503', 'ä'.repeat(32 * KB)])
    await until('it is closed', () => connections.every(({ destroyed }) => destroyed))
  })

  it('is not cut through a character', async () => {
    const { port } = await serve((_, response) => response.end(`x${'ä'.repeat(40 * KB)}`))
    expect((await answerTo(http(`http://127.0.0.1:${port}/`)))?.body).toBe(`x${'ä'.repeat(32 * KB - 1)}`)
  })
})

describe('the connection of an http probe', () => {
  it('is one, kept between probes, whatever they find, and closed with the checker', async () => {
    let status = 200
    const { port, connections } = await serve((_, response) => response.writeHead(status).end('body'))
    const checker = checkerOf(http(`http://localhost:${port}/`))
    for (status of [200, 503, 302, 200, 404]) expect((await ask(checker))?.body).toBe('body')
    expect(connections).toHaveLength(1)
    checker.close()
    await until('it is closed', () => connections[0]?.destroyed)
  })

  it('that the server closed in between is replaced, and that is no failure', async () => {
    const { port, connections } = await serve((_, response) => response.end())
    const checker = checkerOf(http(`http://127.0.0.1:${port}/`))
    for (let probes = 1; probes <= 5; probes++) {
      expect((await ask(checker))?.cause).toBeNull()
      connections.at(-1)?.destroy()
    }
    expect(connections).toHaveLength(5)
  })

  it.each([
    ['GET', null],
    ['POST', 'connection reset'],
  ])('that the server resets just when the next %s comes: asked again when that does no harm', async (method, cause) => {
    let requests = 0
    const { port, connections } = await serve(({ socket }, response) => (++requests === 2 ? socket.resetAndDestroy() : response.end()))
    const checker = checkerOf(http(`http://127.0.0.1:${port}/`, { method }))
    expect((await ask(checker))?.cause).toBeNull()
    expect((await ask(checker))?.cause).toBe(cause)
    expect(connections).toHaveLength(cause === null ? 2 : 1)
  })

  it('that is new and reset is a failure, and asked once', async () => {
    let requests = 0
    const { port } = await serve(({ socket }) => {
      requests++
      socket.resetAndDestroy()
    })
    expect(await answerTo(http(`http://127.0.0.1:${port}/`))).toEqual(fails('connection reset'))
    expect(requests).toBe(1)
  })

  it('leads to whoever listens now: after a restart of the server the next probe passes', async () => {
    const port = await freePort()
    const checker = checkerOf(http(`http://127.0.0.1:${port}/`))
    for (const life of ['one', 'two', 'three']) {
      expect(await ask(checker)).toEqual(fails('connection refused'))
      const { server, connections } = await serve((_, response) => response.end(life), '127.0.0.1', port)
      expect(await ask(checker)).toEqual({ cause: null, body: life })
      server.close()
      for (const socket of connections) socket.destroy()
      await once(server, 'close')
    }
  })
})

describe('a failure of an http probe', () => {
  it.each(['127.0.0.1', '[::1]', 'localhost'])('to connect to %s: connection refused', async (host) => {
    expect(await answerTo(http(`http://${host}:${await freePort()}/`))).toEqual(fails('connection refused'))
  })

  it('to find the host', async () => {
    expect((await answerTo(http('http://no-such-host.invalid/')))?.cause).toMatch(/^host not found/)
  })

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH\r\n'],
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\nConte'],
    ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
    ['another protocol, switched to', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(100 * KB)}`],
  ])('when it is answered with %s: no valid HTTP answer', async (_, answer) => {
    const { port } = await serveTcp((socket) => socket.once('data', () => socket.end(answer)))
    expect((await answerTo(http(`http://127.0.0.1:${port}/`)))?.cause).toMatch(/^no valid HTTP answer: /)
  })

  it.each(['', 'web', 'ftp://127.0.0.1/', 'http://127.0.0.1:99999/', 'http://127.0.0.1:0/'])('of %j: no address', async (url) => {
    expect(await answerTo(http(url))).toEqual(fails(`"${url}" is no http or https address`))
  })

  it.each<Parameters<typeof http>[1]>([{ headers: { a: 'b\r\nc: d' } }, { headers: { 'a b': 'c' } }, { method: 'G T' }])(
    'of %j says what is wrong',
    async (more) => {
      const { port } = await serve((_, response) => response.end())
      expect((await answerTo(http(`http://127.0.0.1:${port}/`, more)))?.cause).toMatch(/invalid/)
    },
  )
})

describe('the time of an http probe', () => {
  const silences: Record<string, (response: ServerResponse) => void> = {
    'no answer': () => {},
    'a head alone': (response) => response.flushHeaders(),
    'a body that does not end': (response) => response.write('part'),
    'a body that comes by and by': (response) => {
      const timer = setInterval(() => response.write('.'), 5)
      response.once('close', () => clearInterval(timer))
    },
  }

  it.each(Object.entries(silences))('bounds %s, closes the connection, and the next probe has a new one', async (_, hold) => {
    let isHeld = true
    const { port, connections } = await serve((_, response) => (isHeld ? hold(response) : response.end('well')))
    const checker = checkerOf(http(`http://127.0.0.1:${port}/`))
    expect(await ask(checker, 100)).toEqual(fails('timeout after 100 ms'))
    await until('it is closed', () => connections.every(({ destroyed }) => destroyed))
    isHeld = false
    expect(await ask(checker)).toEqual({ cause: null, body: 'well' })
  })

  it.each(['before the connection is made', 'before the answer', 'during the body'])('ends at an abort %s, and nothing is left', async (when) => {
    const reached = new AbortController()
    const { port, connections } = await serve((_, response) => {
      if (when === 'during the body') response.write('part')
      reached.abort()
    })
    const checker = checkerOf(http(`http://127.0.0.1:${port}/`))
    const over = new AbortController()
    const answer = ask(checker, 60_000, over.signal)
    if (when !== 'before the connection is made' && !reached.signal.aborted) await once(reached.signal, 'abort')
    over.abort()
    await answer
    await until('it is closed', () => connections.every(({ destroyed }) => destroyed))
    expect(await ask(checker, 60_000, AbortSignal.abort())).toEqual(fails('aborted'))
  })

  it('ends when the checker is closed', async () => {
    const { port, connections } = await serve(() => checker.close())
    const checker = checkerOf(http(`http://127.0.0.1:${port}/`))
    await checker.check(60_000, never())
    await until('it is closed', () => connections[0]?.destroyed)
  })
})

describe.skipIf(!hasOpenssl())('an https probe', () => {
  const pems = hasOpenssl() ? certificates() : undefined
  afterAll(() => pems?.remove())
  if (pems === undefined) return
  const { ca, dir } = pems
  const good = pems.signed('good', 'DNS:localhost,IP:127.0.0.1,IP:::1')
  const answering = (cert: { cert: string; key: string }, host?: string) => serveSecurely(cert, (_, response) => response.end('safe'), host)

  it('trusts who is vouched for by ca, as text or file, and keeps the connection', async () => {
    const { port, connections } = await answering(good)
    for (const host of ['localhost', '127.0.0.1']) {
      for (const text of [ca.cert, ca.certFile, 'ca.crt']) {
        const checker = checkerOf(http(`https://${host}:${port}/`, { tls: { ca: text } }), { cwd: dir })
        for (let probes = 1; probes <= 3; probes++) expect(await ask(checker)).toEqual({ cause: null, body: 'safe' })
      }
    }
    expect(connections).toHaveLength(6)
  })

  it('takes an IPv6 address', async () => {
    const { port } = await answering(good, '::1')
    expect(await answerTo(http(`https://[::1]:${port}/`, { tls: { ca: ca.cert } }))).toEqual({ cause: null, body: 'safe' })
  })

  it('says what is wrong with a certificate', async () => {
    const self = pems.selfSigned('self', 'DNS:localhost')
    const expired = pems.expired('expired', 'DNS:localhost')
    const other = pems.signed('other', 'DNS:other.example')
    const causeOf = async (cert: typeof good, tls = {}) => (await answerTo(http(`https://localhost:${(await answering(cert)).port}/`, { tls })))?.cause
    expect(await causeOf(self)).toBe('certificate is self-signed')
    expect(await causeOf(good)).toBe('certificate is of an unknown issuer')
    expect(await causeOf(expired, { ca: expired.cert })).toBe('certificate has expired')
    expect(await causeOf(other, { ca: ca.cert })).toMatch(/^certificate is for another host: .*other\.example/)
    expect(await causeOf(other, { ca: ca.cert, servername: 'other.example' })).toBeNull()
  })

  it('shows a certificate of its own when asked', async () => {
    const { port } = await serveSecurely({ ...good, ca: ca.cert, requestCert: true, rejectUnauthorized: true }, (_, response) => response.end('known'))
    const client = pems.signed('client', 'DNS:client')
    const url = `https://localhost:${port}/`
    expect(await answerTo(http(url, { tls: { ca: ca.cert, cert: client.certFile, key: client.keyFile } }))).toEqual({ cause: null, body: 'known' })
    // Node's server says no word about it, and closes.
    expect((await answerTo(http(url, { tls: { ca: ca.cert } })))?.cause).toMatch(/^no valid HTTP answer|^connection reset/)
  })

  it('reads files again for each connection, and says which it cannot read', async () => {
    const { port, connections } = await answering(good)
    const file = join(dir, 'rotated.crt')
    const checker = checkerOf(http(`https://localhost:${port}/`, { tls: { ca: file } }))
    expect(await ask(checker)).toEqual(fails(`certificate file of tls.ca cannot be read: ${file} (ENOENT)`))
    writeFileSync(file, pems.selfSigned('stranger', 'DNS:stranger').cert)
    expect(await ask(checker)).toEqual(fails('certificate is of an unknown issuer'))
    copyFileSync(ca.certFile, file)
    expect((await ask(checker))?.cause).toBeNull()
    expect(await answerTo(http(`https://localhost:${port}/`, { tls: { ca: dir } }))).toEqual(
      fails(`certificate file of tls.ca cannot be read: ${dir} (not a file)`),
    )
    expect(connections).toHaveLength(2)
  })

  it('to a server without TLS, and the other way round', async () => {
    const plain = await listen(createServer((_, response) => response.end()))
    expect((await answerTo(http(`https://localhost:${plain.port}/`)))?.cause).toMatch(/^no valid TLS answer /)
    const { port } = await answering(good)
    expect((await answerTo(http(`http://localhost:${port}/`)))?.cause).toMatch(/^no valid HTTP answer|^connection reset/)
  })

  it('is bounded also while TLS is being agreed on', async () => {
    const { port, connections } = await serveTcp((socket) => socket.resume())
    expect(await answerTo(http(`https://localhost:${port}/`), 100)).toEqual(fails('timeout after 100 ms'))
    await until('it is closed', () => connections.every(({ destroyed }) => destroyed))
  })
})
