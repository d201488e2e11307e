import { describe, expect, it } from 'vitest'
import { until } from '../../e2e/harness.ts'
import { answerTo, fails, freePort, PASSES, serveTcp } from './harness.ts'

const tcp = (host: string, port: number | string) => ({ kind: 'tcp' as const, host, port: String(port) })

describe('a tcp probe', () => {
  it('passes when a connection is accepted, and closes it', async () => {
    const { port, connections } = await serveTcp((socket) => socket.resume())
    expect(await answerTo(tcp('127.0.0.1', port))).toEqual(PASSES)
    await until('it is closed', () => connections.length === 1 && connections[0]?.destroyed)
  })

  it.each(['127.0.0.1', '::1'])('to localhost comes to what listens on %s only', async (host) => {
    const { port } = await serveTcp((socket) => socket.resume(), host)
    expect(await answerTo(tcp('localhost', port))).toEqual(PASSES)
    expect(await answerTo(tcp('LOCALHOST', port))).toEqual(PASSES)
  })

  it.each(['::1', '[::1]'])('takes the address %s', async (host) => {
    const { port } = await serveTcp((socket) => socket.resume(), '::1')
    expect(await answerTo(tcp(host, port))).toEqual(PASSES)
  })

  it.each(['127.0.0.1', '::1', 'localhost'])('says that the connection to %s is refused', async (host) => {
    expect(await answerTo(tcp(host, await freePort()))).toEqual(fails('connection refused'))
  })

  it('says that there is no such host', async () => {
    expect((await answerTo(tcp('no-such-host.invalid', 80)))?.cause).toMatch(/^host not found/)
  })

  it.each(['0', '65536', 'http', '', '-1', '80.5'])('says that %j is no port', async (port) => {
    expect(await answerTo(tcp('127.0.0.1', port))).toEqual(fails(`"${port}" is no port`))
  })
})
