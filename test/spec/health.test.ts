import { describe, expect, it } from 'vitest'
import { parse, parseAll, problemsOf } from './harness.ts'

const times = {
  intervalMs: 30_000,
  startIntervalMs: 1_000,
  timeoutMs: 5_000,
  initialDelayMs: 0,
  failureThreshold: 3,
  successThreshold: 1,
}
const http = { kind: 'http', method: 'GET', headers: {}, status: [[200, 200]], tls: {} }
const checkOf = (liveness: unknown, rest: object = {}) => parse({ command: 'x', health: { liveness }, ...rest }).health?.liveness?.check
const problems = (liveness: unknown, rest: object = {}) => problemsOf({ command: 'x', health: { liveness }, ...rest })

describe('health', () => {
  it('of nothing is none', () => {
    expect(parse({ command: 'x', health: {} }).health).toBeNull()
    expect(parse({ command: 'x', health: { startup: undefined, pauseWhenSuspended: true } }).health).toBeNull()
  })

  it('has three probes, with every default', () => {
    const check = { kind: 'tcp', host: 'localhost', port: '80' }
    expect(parse({ command: 'x', health: { startup: { tcp: 80 }, liveness: { tcp: 80 }, readiness: { tcp: 80 } } }).health).toEqual({
      startup: { check, ...times, onFailure: 'report' },
      liveness: { check, ...times, onFailure: 'restart' },
      readiness: { check, ...times, onFailure: 'report' },
      pauseWhenSuspended: false,
    })
  })

  it('is asked for more often until the process is ready, never less often', () => {
    const intervals = (given: object) => parse({ command: 'x', health: { liveness: { tcp: 80, ...given } } }).health?.liveness
    expect(intervals({ intervalMs: 200 })).toMatchObject({ intervalMs: 200, startIntervalMs: 200 })
    expect(intervals({ intervalMs: 2_000 })).toMatchObject({ intervalMs: 2_000, startIntervalMs: 1_000 })
    expect(intervals({ startIntervalMs: 50, onFailure: 'report' })).toMatchObject({ startIntervalMs: 50, onFailure: 'report' })
  })

  it.each([
    ['on', 'health must be an object, not "on"'],
    [{ live: {} }, 'health has no option "live"; known are startup, liveness, readiness, pauseWhenSuspended'],
    [{ pauseWhenSuspended: 1 }, 'health.pauseWhenSuspended must be true or false, not 1'],
    [{ readiness: { tcp: 80, onFailure: 'restart' } }, 'health.readiness.onFailure must be "report", not "restart"'],
    [{ liveness: { tcp: 80, onFailure: 'stop' } }, 'health.liveness.onFailure must be "restart" or "report", not "stop"'],
    [{ liveness: { tcp: 80, intervalMs: 0 } }, 'health.liveness.intervalMs must be 1 to 604800000 ms, not 0'],
    [{ liveness: { tcp: 80, timeoutMs: 0 } }, 'health.liveness.timeoutMs must be 1 to 604800000 ms, not 0'],
    [{ liveness: { tcp: 80, initialDelayMs: -1 } }, 'health.liveness.initialDelayMs must be 0 to 604800000 ms, not -1'],
    [{ liveness: { tcp: 80, failureThreshold: 0 } }, 'health.liveness.failureThreshold must be a whole number, 1 to 10000, not 0'],
    [{ liveness: { tcp: 80, successThreshold: 1.5 } }, 'health.liveness.successThreshold must be a whole number, 1 to 10000, not 1.5'],
    [
      { liveness: { tcp: 80, interval: 5 } },
      expect.stringMatching(/^health\.liveness has no option "interval"; known are http, tcp, exec, grpc, function, intervalMs, /),
    ],
    [{ liveness: 'http://x' }, 'health.liveness must be an object, not "http://x"'],
    [{ liveness: {} }, 'health.liveness must have exactly one of http, tcp, exec, grpc, function, not none'],
    [{ liveness: { tcp: 80, http: 'http://x' } }, 'health.liveness must have exactly one of http, tcp, exec, grpc, function, not http and tcp'],
  ])('%j is wrong: %s', (health, problem) => {
    expect(problemsOf({ command: 'x', health })).toContainEqual(problem)
  })
})

describe('an HTTP probe', () => {
  it.each<[string, unknown, object, object?]>([
    ['a URL', 'http://x/y', { url: 'http://x/y' }],
    [
      'a URL with templates',
      'http://${env.H}:${port.a}/${meta.p}',
      { url: 'http://${env.H}:${port.a}/${meta.p}' },
      { ports: { a: 1, b: 2 }, meta: { p: 'q' } },
    ],
    ['a URL that is one template', '${env.URL}', { url: '${env.URL}' }],
    ['a port', { port: 80 }, { url: 'http://localhost:80/' }],
    ['the only port of the process', {}, { url: 'http://localhost:${port}/' }, { ports: { web: 'any' } }],
    ['a path on it', { path: '/up?a=1' }, { url: 'http://localhost:${port}/up?a=1' }, { ports: { web: 'any' } }],
    ['one of several ports', { port: '${port.a}', host: '::1' }, { url: 'http://[::1]:${port.a}/' }, { ports: { a: 1, b: 2 } }],
    ['a port with its address', { port: '${port.b}' }, { url: 'http://[::1]:${port.b}/' }, { ports: { a: 1, b: { port: 2, host: '::1' } } }],
    ['with TLS', { port: 80, tls: true }, { url: 'https://localhost:80/', tls: {} }],
    ['with a certificate', { url: 'https://x', tls: { ca: '/ca.pem', servername: 'y' } }, { url: 'https://x', tls: { ca: '/ca.pem', servername: 'y' } }],
    ['with a method', { url: 'http://x', method: 'head' }, { url: 'http://x', method: 'HEAD' }],
    ['with headers', { url: 'http://x', headers: { 'X-A': 'b', C: undefined } }, { url: 'http://x', headers: { 'X-A': 'b' } }],
    ['a status', { url: 'http://x', status: 204 }, { url: 'http://x', status: [[204, 204]] }],
    [
      'a list of them',
      { url: 'http://x', status: [200, 299] },
      {
        url: 'http://x',
        status: [
          [200, 200],
          [299, 299],
        ],
      },
    ],
    [
      'a list of both',
      { url: 'http://x', status: [[200, 299], 404] },
      {
        url: 'http://x',
        status: [
          [200, 299],
          [404, 404],
        ],
      },
    ],
  ])('%s', (_name, given, expected, rest) => {
    expect(checkOf({ http: given }, rest)).toEqual({ ...http, ...expected })
  })

  const place = 'health.liveness.http'
  const noUrl = (text: string) => `${place}.url must be a URL with http: or https:, not ${text}; for a port of this machine give port and path`
  it.each<[unknown, string, object?]>([
    ['/up', noUrl('"/up"')],
    ['ftp://x', noUrl('"ftp://x"')],
    ['http://a b', noUrl('"http://a b"')],
    ['http://x:${port}/', noUrl('"http://x:${port}/"'), { ports: { a: 1 }, template: false }],
    [{}, `${place}.port must be a port from 1 to 65535, or a template as "\${port.http}", not undefined`],
    [{}, `${place}.port must be a port from 1 to 65535, or a template as "\${port.http}", not undefined`, { ports: { a: 1, b: 2 } }],
    [{}, `${place}.port must be a port from 1 to 65535, or a template as "\${port.http}", not undefined`, { ports: { a: 1 }, template: false }],
    [5, `${place} must be an object, not 5`],
    [{ url: 'http://x', port: 80 }, `${place}.url already says port: give the one or the other`],
    [{ url: 5 }, `${place}.url must be a URL, not 5`],
    [{ port: 80, path: 'up' }, `${place}.path must be a path that begins with "/", not "up"`],
    [{ port: 80, host: 'a/b' }, `${place}.host must be a host, not "a/b"`],
    [{ port: 80, method: 'G T' }, `${place}.method must be a method as GET, not "G T"`],
    [{ port: 80, headers: { 'a b': 'x' } }, `${place}.headers: "a b" is not a name of a header`],
    [{ port: 80, headers: { a: 'x\r\nb: y' } }, `${place}.headers: a must be a string without line ends and NUL, not "x\\r\\nb: y"`],
    [{ port: 80, status: 99 }, `${place}.status must be a status code from 100 to 599, or a list of codes and of [from, to], as [[200, 299], 404], not 99`],
    [{ port: 80, status: [] }, `${place}.status must be a status code from 100 to 599, or a list of codes and of [from, to], as [[200, 299], 404], not []`],
    [
      { port: 80, status: [[300, 200]] },
      `${place}.status must be a status code from 100 to 599, or a list of codes and of [from, to], as [[200, 299], 404], not [[300,200]]`,
    ],
    [{ url: 'http://x', tls: true }, `${place}.tls needs a URL with https:, not "http://x"`],
    [{ port: 80, tls: 'yes' }, `${place}.tls must be an object, not "yes"`],
    [{ port: 80, tls: { cert: 'x' } }, `${place}.tls must have both cert and key, or none of them`],
    [{ port: 80, tls: { ca: '' } }, `${place}.tls.ca must be a non-empty string without NUL, not ""`],
  ])('%j is wrong: %s', (given, problem, rest) => {
    expect(problems({ http: given }, rest)).toEqual([problem])
  })
})

describe('a TCP or gRPC probe', () => {
  it.each<[string, unknown, object, object?]>([
    ['host and port', 'db:5432', { host: 'db', port: '5432' }],
    ['an IPv6 address', '[::1]:80', { host: '::1', port: '80' }],
    ['a port', 80, { host: 'localhost', port: '80' }],
    ['a port as text', '80', { host: 'localhost', port: '80' }],
    ['a template', '${port.a}', { host: 'localhost', port: '${port.a}' }, { ports: { a: 1, b: 2 } }],
    ['templates', '${env.HOST}:${port}', { host: '${env.HOST}', port: '${port}' }, { ports: { a: 1 } }],
    ['both apart', { host: '10.0.0.1', port: 80 }, { host: '10.0.0.1', port: '80' }],
    ['the only port of the process', {}, { host: 'localhost', port: '${port}' }, { ports: { a: 1 } }],
    ['where it is bound', {}, { host: '10.0.0.1', port: '${port}' }, { ports: { a: { port: 1, host: '10.0.0.1' } } }],
    ['where one of several is bound', '${port.b}', { host: '::1', port: '${port.b}' }, { ports: { a: 1, b: { port: 2, host: '::1' } } }],
    ['the loopback address of who binds all of IPv4', {}, { host: '127.0.0.1', port: '${port}' }, { ports: { a: { port: 1, host: '0.0.0.0' } } }],
    ['the loopback addresses of who binds all', {}, { host: 'localhost', port: '${port}' }, { ports: { a: { port: 1, host: '::' } } }],
    ['another address than where it is bound', { host: 'db' }, { host: 'db', port: '${port}' }, { ports: { a: { port: 1, host: '::1' } } }],
    ['a port that is not its own', 80, { host: 'localhost', port: '80' }, { ports: { a: { port: 1, host: '::1' } } }],
  ])('%s', (_name, given, expected, rest) => {
    expect(checkOf({ tcp: given }, rest)).toEqual({ kind: 'tcp', ...expected })
    expect(checkOf({ grpc: given }, rest)).toEqual({ kind: 'grpc', ...expected, service: '', tls: null })
  })

  it('of gRPC names a service, and speaks TLS', () => {
    expect(checkOf({ grpc: { port: 1, service: 'a.B', tls: true } })).toEqual({ kind: 'grpc', host: 'localhost', port: '1', service: 'a.B', tls: {} })
    expect(checkOf({ grpc: { port: 1, tls: { servername: 'x' } } })).toMatchObject({ tls: { servername: 'x' } })
  })

  const noPort = (text: string) => `health.liveness.tcp.port must be a port from 1 to 65535, or a template as "\${port.http}", not ${text}`
  it.each([
    ['db', noPort('"db"')],
    ['::1', noPort('"::1"')],
    [':80', noPort('":80"')],
    ['db:0', noPort('"0"')],
    [65_536, noPort('65536')],
    [true, noPort('true')],
    [{ host: 'a b', port: 1 }, 'health.liveness.tcp.host must be a host, not "a b"'],
    [{ port: 1, service: 'x' }, 'health.liveness.tcp has no option "service"; known are port, host'],
  ])('%j is wrong: %s', (given, problem) => {
    expect(problems({ tcp: given })).toEqual([problem])
  })
})

describe('a command that probes', () => {
  it.each<[string, unknown, object]>([
    ['a list', ['check', '-v'], { command: 'check', args: ['-v'], cwd: null, env: {} }],
    ['more', { command: 'check', args: ['a'], cwd: 'sub', env: { A: 'b', C: undefined } }, { command: 'check', args: ['a'], cwd: '/srv/sub', env: { A: 'b' } }],
    ['another directory', { command: 'check', cwd: '/tmp' }, { command: 'check', args: [], cwd: '/tmp', env: {} }],
  ])('%s', (_name, exec, expected) => {
    expect(checkOf({ exec }, { cwd: '/srv' })).toEqual({ kind: 'exec', ...expected })
  })

  it.each([
    [[], 'health.liveness.exec.command must be a non-empty string without NUL, not undefined'],
    [['a', 1], 'health.liveness.exec must be an object, not ["a",1]'],
    ['check -v', 'health.liveness.exec must be an object, not "check -v"'],
    [{ command: 'x', args: [1] }, 'health.liveness.exec.args must be strings without NUL, not [1]'],
    [{ command: 'x', env: { 'A=': '' } }, 'health.liveness.exec.env: "A=" is not a name of a variable'],
    [{ command: 'x', cwd: '' }, 'health.liveness.exec.cwd must be a path, not ""'],
  ])('%j is wrong: %s', (exec, problem) => {
    expect(problems({ exec })).toEqual([problem])
  })
})

describe('a function that probes', () => {
  it('is kept beside the spec, which has its name', () => {
    const isWell = () => true
    const { spec, functions } = parseAll({ command: 'x', id: 'web', health: { liveness: { function: isWell }, startup: { function: isWell } } })
    expect(spec.health?.liveness?.check).toEqual({ kind: 'function', name: 'web/liveness' })
    expect([...functions]).toEqual([
      ['web/startup', isWell],
      ['web/liveness', isWell],
    ])
  })

  it('is one of the manager’s by name', () => {
    const { spec, functions } = parseAll({ command: 'x', health: { liveness: { function: 'db' } } })
    expect(spec.health?.liveness?.check).toEqual({ kind: 'function', name: 'db' })
    expect(functions.size).toBe(0)
  })

  it.each([[5], ['']])('%j is none', (given) => {
    expect(problems({ function: given })).toEqual([
      `health.liveness.function must be a function, or the name of one of the manager’s probes, not ${JSON.stringify(given)}`,
    ])
  })
})
