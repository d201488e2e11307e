import { describe, expect, it } from 'vitest'
import { portVariables } from '../../src/spec/ports.ts'
import { parse, problemsOf } from './harness.ts'

describe('ports', () => {
  it.each([
    ['one', 8080, { from: 8080, to: 8080, host: null }],
    ['any', 'any', { from: 0, to: 0, host: null }],
    ['one of a range', { range: [30_000, 30_009] }, { from: 30_000, to: 30_009, host: null }],
    ['one of a range on an address', { range: [1, 65_535], host: '127.0.0.1' }, { from: 1, to: 65_535, host: '127.0.0.1' }],
    ['one on an address', { port: 80, host: '::1' }, { from: 80, to: 80, host: '::1' }],
    ['any on an address', { port: 'any', host: '::1' }, { from: 0, to: 0, host: '::1' }],
  ])('%s', (_name, http, expected) => {
    expect(parse({ command: 'x', ports: { http } }).ports).toEqual({ http: expected })
  })

  const wrong = (text: string) => `ports.http must be a port from 1 to 65535, "any", { range: [from, to] } or { port }, not ${text}`
  it.each([
    [5, 'ports must be an object of ports by name, not 5'],
    [{ http: 0 }, wrong('0')],
    [{ http: 65_536 }, wrong('65536')],
    [{ http: 80.5 }, wrong('80.5')],
    [{ http: '80' }, wrong('"80"')],
    [{ http: undefined }, wrong('undefined')],
    [{ http: { range: [2, 1] } }, wrong('{"range":[2,1]}')],
    [{ http: { range: [1] } }, wrong('{"range":[1]}')],
    [{ http: { range: [0, 5] } }, wrong('{"range":[0,5]}')],
    [{ http: { range: [1, 5], port: 3 } }, wrong('{"range":[1,5],"port":3}')],
    [{ http: { range: [1, 5], port: 'any' } }, wrong('{"range":[1,5],"port":"any"}')],
    [{ http: { port: 80, host: '' } }, 'ports.http.host must be the address that will be bound, not ""'],
    [{ http: { port: 80, hots: 'x' } }, 'ports.http has no option "hots"; known are port, range, host'],
    [{ '1a': 80 }, 'ports: "1a" is not a name of a port: 1 to 31 letters, digits, "_" or "-", beginning with a letter'],
    [{ [`a${'b'.repeat(31)}`]: 80 }, expect.stringContaining('is not a name of a port')],
    [{ 'a-b': 80, A_B: 81 }, 'ports: "a-b" and "A_B" would both be PORT_A_B'],
    [{ a: 80, b: { port: 80, host: '::1' } }, 'ports: "a" and "b" are both 80'],
  ])('%j is wrong: %s', (ports, problem) => {
    expect(problemsOf({ command: 'x', ports })).toEqual([problem])
  })

  it('are told to the process by variables, the only one as PORT too', () => {
    expect(portVariables({})).toEqual({})
    expect(portVariables({ 'http-api': 80 })).toEqual({ PORT: '80', PORT_HTTP_API: '80' })
    expect(portVariables({ a: 1, b: 2 })).toEqual({ PORT_A: '1', PORT_B: '2' })
  })
})
