import { describe, expect, it } from 'vitest'
import { parseChoice } from '../../src/cli/parse/choice.ts'
import { parseCount } from '../../src/cli/parse/count.ts'
import { parseDuration } from '../../src/cli/parse/duration.ts'
import { parseEnv } from '../../src/cli/parse/env.ts'
import { parseFilter } from '../../src/cli/parse/filter.ts'
import { parseHealth } from '../../src/cli/parse/health.ts'
import { parseLabelFilter, parsePairs } from '../../src/cli/parse/labels.ts'
import { parseLogs } from '../../src/cli/parse/logs.ts'
import { parseMoment } from '../../src/cli/parse/moment.ts'
import { parsePorts } from '../../src/cli/parse/ports.ts'
import { parseSignal } from '../../src/cli/parse/signal.ts'
import { needsManager, parseSpec } from '../../src/cli/parse/spec.ts'
import { suggest } from '../../src/suggest.ts'

const io = { env: { HOME: '/home/me', EMPTY: '' }, cwd: '/srv' }

function refusal(act: () => unknown): { code: string; message: string } {
  try {
    act()
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('was not refused')
}

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['2m', 120_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['1m30s', 90_000],
    ['1h2m3s4ms', 3_723_004],
    ['1.5s', 1_500],
    ['0.0004s', 0],
    ['0', 0],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text, '--timeout')).toBe(ms)
  })

  it.each([
    ['30', '--timeout 30 has no unit; write 30s, 30ms, 30m, 30h or 30d'],
    ['1.5', '--timeout 1.5 has no unit; write 1.5s, 1.5ms, 1.5m, 1.5h or 1.5d'],
    ['', '--timeout "" is not a duration; write one such as 500ms, 30s, 1m30s, 24h or 7d'],
    ['-5s', '--timeout "-5s" is not a duration; write one such as 500ms, 30s, 1m30s, 24h or 7d'],
    ['5 s', '--timeout "5 s" is not a duration; write one such as 500ms, 30s, 1m30s, 24h or 7d'],
    ['5w', '--timeout "5w" is not a duration; write one such as 500ms, 30s, 1m30s, 24h or 7d'],
    ['1m30', '--timeout "1m30" is not a duration; write one such as 500ms, 30s, 1m30s, 24h or 7d'],
    ['99999999999999d', '--timeout 99999999999999d is too long'],
  ])('%j is refused', (text, message) => {
    expect(refusal(() => parseDuration(text, '--timeout'))).toMatchObject({ code: 'PROCMAN_INVALID_ARGUMENT', message })
  })
})

describe('a moment', () => {
  const nowMs = new Date(2026, 0, 31, 12, 30).getTime()

  it.each([
    ['10m', nowMs - 600_000],
    ['1h30m', nowMs - 5_400_000],
    ['0', nowMs],
    ['09:05', new Date(2026, 0, 31, 9, 5).getTime()],
    ['9:05:07', new Date(2026, 0, 31, 9, 5, 7).getTime()],
    ['12:30', nowMs],
    ['12:31', new Date(2026, 0, 30, 12, 31).getTime()],
    ['2026-01-31', new Date(2026, 0, 31).getTime()],
    ['2024-02-29', new Date(2024, 1, 29).getTime()],
    ['2026-01-31T09:05', new Date(2026, 0, 31, 9, 5).getTime()],
    ['2026-01-31 09:05:07.25', new Date(2026, 0, 31, 9, 5, 7, 250).getTime()],
    ['2026-01-31T09:05:00Z', Date.UTC(2026, 0, 31, 9, 5)],
    ['2026-01-31t09:05z', Date.UTC(2026, 0, 31, 9, 5)],
    ['2026-01-31T09:05:00+02:00', Date.UTC(2026, 0, 31, 7, 5)],
    ['2026-01-31T09:05:00.123-0130', Date.UTC(2026, 0, 31, 10, 35, 0, 123)],
  ])('%s', (text, moment) => {
    expect(parseMoment(text, '--since', nowMs)).toBe(moment)
  })

  it.each([
    '',
    '10',
    'yesterday',
    '24:00',
    '12:60',
    '2026-02-30',
    '2026-13-01',
    '2025-02-29',
    '2026-01-31T25:00',
    '2026-01-31T',
    '31.01.2026',
    '2026-01-31T09:05+2',
  ])('%j is refused', (text) => {
    expect(refusal(() => parseMoment(text, '--since', nowMs))).toMatchObject({
      code: 'PROCMAN_INVALID_ARGUMENT',
      message: `--since ${JSON.stringify(text)} is no time; write how long ago, as 10m or 1h30m, a time of day, as 09:30, or a date, as 2026-01-31 or 2026-01-31T09:30:00Z`,
    })
  })
})

describe('a count', () => {
  it.each([
    ['0', 0],
    ['12', 12],
  ])('%s', (text, value) => {
    expect(parseCount(text, '--tail')).toBe(value)
  })
  it.each(['', '-1', '1.5', 'x', '1e3', '99999999999999999999'])('%j is refused', (text) => {
    expect(refusal(() => parseCount(text, '--tail')).code).toBe('PROCMAN_INVALID_ARGUMENT')
  })
})

describe('pairs of name and value', () => {
  it('keep commas and equal signs of their values, and the last of one name wins', () => {
    expect(parsePairs(['a=1', 'b=x=y,z', 'c=', 'a=2'], '--meta')).toEqual({ a: '2', b: 'x=y,z', c: '' })
  })
  it.each(['', 'a', '=1'])('%j is refused', (text) => {
    expect(refusal(() => parsePairs([text], '--meta')).message).toBe(`--meta ${JSON.stringify(text)} must be name=value`)
  })
})

describe('a label filter', () => {
  it.each([
    [[], undefined],
    [['a=1'], { a: '1' }],
    [['a=1,b=2'], { a: '1', b: '2' }],
    [['a=1', 'b=2'], { a: '1', b: '2' }],
    [['a'], { a: { exists: true } }],
    [['a='], { a: '' }],
    [['a=1,a=2'], { a: { in: ['1', '2'] } }],
    [['a=x=y'], { a: 'x=y' }],
  ])('%j', (given, filter) => {
    expect(parseLabelFilter(given)).toEqual(filter)
  })
  it.each(['', 'a,', '=1'])('%j is refused', (text) => {
    expect(refusal(() => parseLabelFilter([text])).code).toBe('PROCMAN_INVALID_ARGUMENT')
  })
})

describe('a filter', () => {
  it.each([
    [{}, {}],
    [{ status: ['running,failed', 'orphaned'] }, { status: ['running', 'failed', 'orphaned'] }],
    [{ label: ['a=1'] }, { labels: { a: '1' } }],
  ])('%j', (options, filter) => {
    expect(parseFilter(options)).toEqual(filter)
  })
  it('refuses a status that there is not, with a near one', () => {
    expect(refusal(() => parseFilter({ status: ['runing'] })).message).toMatch(/"runing" is not one of .*did you mean running\?/)
  })
})

describe('environment variables', () => {
  it('are given with a value, or by name alone for the current value', () => {
    expect(parseEnv(['A=1', 'B=', 'C=x=y', 'HOME', 'EMPTY'], io.env)).toEqual({ A: '1', B: '', C: 'x=y', HOME: '/home/me', EMPTY: '' })
  })
  it.each([
    ['', 'must be NAME=value or NAME'],
    ['=1', 'must be NAME=value or NAME'],
    ['MISSING', 'no variable of this name is set here; write MISSING=value'],
  ])('%j is refused', (text, message) => {
    expect(refusal(() => parseEnv([text], io.env)).message).toContain(message)
  })
})

describe('a signal', () => {
  it.each([
    ['TERM', 'SIGTERM'],
    ['SIGTERM', 'SIGTERM'],
    ['sigterm', 'SIGTERM'],
    ['term', 'SIGTERM'],
    ['15', 'SIGTERM'],
    ['-9', 'SIGKILL'],
    ['-HUP', 'SIGHUP'],
    ['6', 'SIGABRT'],
    ['usr1', 'SIGUSR1'],
  ])('%s is %s', (text, name) => {
    expect(parseSignal(text)).toBe(name)
  })
  it.each([
    ['TREM', '"TREM" is not a signal; did you mean SIGTERM'],
    ['nonsense', '"nonsense" is not a signal; write one such as'],
    ['', '"" is not a signal'],
    ['0', 'no signal has the number 0'],
    ['999', 'no signal has the number 999'],
  ])('%j is refused', (text, message) => {
    expect(refusal(() => parseSignal(text)).message).toContain(message)
  })
})

describe('a choice', () => {
  it('is one of the words, or refused with a near one where there is one', () => {
    expect(parseChoice('svg', '--format', ['mermaid', 'svg'])).toBe('svg')
    expect(refusal(() => parseChoice('svh', '--format', ['mermaid', 'svg'])).message).toBe('--format "svh" is not one of mermaid, svg; did you mean svg?')
    expect(refusal(() => parseChoice('png', '--format', ['mermaid'])).message).toBe('--format "png" is not one of mermaid')
  })
})

describe('suggestions', () => {
  it.each([
    ['lst', ['list', 'show'], ['list']],
    ['', ['a', 'bb', 'ccc'], ['a', 'bb']],
    ['x', ['abcd'], []],
    ['aa', ['ab', 'ac', 'ad', 'ae'], ['ab', 'ac', 'ad']],
  ])('for %j of %j: %j', (given, candidates, near) => {
    expect(suggest(given, candidates)).toEqual(near)
  })
})

describe('the options of start and run', () => {
  it('become a spec with what procman itself has', () => {
    expect(parseSpec(['cmd'], { inheritEnv: true }, io)).toEqual({
      command: 'cmd',
      args: [],
      cwd: '/srv',
      env: {},
      inheritEnv: true,
      labels: {},
      stdin: 'null',
      restart: { strategy: 'never' },
      leftovers: 'stop',
      template: false,
    })
  })

  it('are all passed on', () => {
    const options = {
      id: 'web',
      label: ['a=1'],
      env: ['A=1'],
      inheritEnv: false,
      cwd: 'sub',
      stdin: true,
      restart: 'on-failure',
      restartDelay: '2s',
      restartMaxDelay: '1m',
      maxAttempts: '4',
      breaker: false,
      port: ['8080'],
      meta: ['tier=gold'],
      readiness: '/ready',
      readyLog: '^listening',
      startupTimeout: '5s',
      stopSignal: 'int',
      stopTimeout: '1m',
      leaveLeftovers: true,
      capture: ['stderr=none'],
    }
    expect(parseSpec(['cmd', '', '--', '-x'], options, io)).toEqual({
      id: 'web',
      command: 'cmd',
      args: ['', '--', '-x'],
      cwd: '/srv/sub',
      env: { A: '1' },
      inheritEnv: false,
      labels: { a: '1' },
      stdin: 'pipe',
      restart: { strategy: 'on-failure', delayMs: 2_000, maxDelayMs: 60_000, maxAttempts: 4 },
      breaker: false,
      stop: { signal: 'SIGINT', timeoutMs: 60_000 },
      leftovers: 'leave',
      ports: { http: { port: 8080 } },
      meta: { tier: 'gold' },
      health: { readiness: { http: { path: '/ready' } } },
      ready: { logLine: '^listening' },
      startupTimeoutMs: 5_000,
      logs: { capture: { stderr: 'none' } },
      template: true,
    })
  })

  it.each([
    [[], {}, 'no command given'],
    [[''], {}, 'the command is an empty string'],
    [['cmd'], { restart: 'sometimes' }, '--restart "sometimes" is not one of never, on-failure, always, unless-stopped'],
    [['cmd'], { restartDelay: '1s' }, '--restart-delay needs --restart'],
    [['cmd'], { restartMaxDelay: '1s' }, '--restart-max-delay needs --restart'],
    [['cmd'], { maxAttempts: '1' }, '--max-attempts needs --restart'],
    [['cmd'], { breaker: false }, '--no-breaker needs --restart'],
    [['cmd'], { restart: 'always', maxRestarts: '1' }, '--max-restarts is gone; use --max-attempts'],
    [['cmd'], { restart: 'always', maxAttempts: '-1' }, '--max-attempts "-1" is not a whole number'],
    [['cmd'], { meta: ['tier'] }, '--meta "tier" must be name=value'],
    [['cmd'], { port: ['http'] }, '--port "http" is not a port'],
    [['cmd'], { startupTimeout: '5' }, '--startup-timeout 5 has no unit'],
  ])('%j with %j is refused', (argv, options, message) => {
    expect(refusal(() => parseSpec(argv, { inheritEnv: true, ...options }, io)).message).toContain(message)
  })

  it.each([
    [{}, false],
    [{ port: ['any'] }, true],
    [{ meta: ['a=1'] }, true],
    [{ template: true }, true],
  ])('with %j fill in templates: %s', (options, template) => {
    expect(parseSpec(['echo', '${x}'], { inheritEnv: true, ...options }, io)).toMatchObject({ args: ['${x}'], template })
  })

  it.each([
    [{}, false],
    [{ restart: 'never' }, false],
    [{ restart: 'always' }, true],
    [{ restart: { strategy: 'never' } }, false],
    [{ restart: { strategy: 'on-failure' } }, true],
    [{ health: { liveness: { tcp: 80 } } }, true],
    [{ ready: { delayMs: 5 } }, true],
    [{ ports: { http: 'any' } }, false],
  ] as const)('%j needs a manager: %s', (input, isNeeded) => {
    expect(needsManager({ command: 'x', ...input })).toBe(isNeeded)
  })
})

describe('a port', () => {
  it.each([
    [['8080'], { http: { port: 8080 } }],
    [['any'], { http: { port: 'any' } }],
    [['30000-31000'], { http: { range: [30_000, 31_000] } }],
    [['30000-31000@127.0.0.1'], { http: { range: [30_000, 31_000], host: '127.0.0.1' } }],
    [['any@::1'], { http: { port: 'any', host: '::1' } }],
    [['admin=9000', '8080'], { admin: { port: 9_000 }, http: { port: 8080 } }],
  ])('%j', (given, ports) => {
    expect(parsePorts(given)).toEqual(ports)
  })

  it.each([
    [['', '1'], '--port "" is not a port; write 8080, 30000-31000 or any, NAME= before it, and @HOST behind it'],
    [['http'], 'is not a port'],
    [['http='], 'is not a port'],
    [['8080-'], 'is not a port'],
    [['1.5'], 'is not a port'],
    [['-1'], 'is not a port'],
    [['8080@'], 'is not a port'],
    [['8080', 'http=any'], '--port http is given twice'],
  ])('%j is refused', (given, message) => {
    expect(refusal(() => parsePorts(given))).toMatchObject({ code: 'PROCMAN_INVALID_ARGUMENT', message: expect.stringContaining(message) })
  })
})

describe('a probe', () => {
  it.each([
    ['http://localhost:3000/health?full=1', { http: 'http://localhost:3000/health?full=1' }],
    ['HTTPS://example.com', { http: 'HTTPS://example.com' }],
    ['http://localhost:${port.admin}/', { http: 'http://localhost:${port.admin}/' }],
    ['/healthz', { http: { path: '/healthz' } }],
    ['tcp://localhost:5432', { tcp: { host: 'localhost', port: '5432' } }],
    ['tcp://[::1]:${port}', { tcp: { host: '::1', port: '${port}' } }],
    ['grpc://10.0.0.1:50051', { grpc: { host: '10.0.0.1', port: '50051' } }],
    ['grpc://localhost:50051/shop.Orders', { grpc: { host: 'localhost', port: '50051', service: 'shop.Orders' } }],
    ['{"exec":["pg_isready"],"intervalMs":2000}', { exec: ['pg_isready'], intervalMs: 2_000 }],
  ])('%s', (text, probe) => {
    expect(parseHealth({ liveness: text }, 1)).toEqual({ health: { liveness: probe } })
  })

  it.each([
    ['', 1, '--liveness "" is no address of a probe; write http://HOST:PORT/PATH'],
    ['localhost:3000', 1, 'is no address of a probe'],
    ['tcp://localhost', 1, 'is no address of a probe'],
    ['tcp://localhost:1/path', 1, 'is no address of a probe'],
    ['ftp://localhost:21', 1, 'is no address of a probe'],
    ['{"exec":', 1, '--liveness "{\\"exec\\":" is not JSON: '],
    ['/healthz', 0, '--liveness /healthz is asked of the only port of the process, which has none; give one with --port'],
    ['/healthz', 2, 'which has 2; write http://localhost:${port.NAME}/healthz'],
  ])('%j of a process with %d ports is refused', (text, portCount, message) => {
    expect(refusal(() => parseHealth({ liveness: text }, portCount))).toMatchObject({
      code: 'PROCMAN_INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    })
  })

  it('given by address takes the common times, and one in JSON its own', () => {
    const options = { startup: '{"tcp":80}', liveness: 'tcp://a:1', readiness: '/', healthInterval: '2s', healthTimeout: '500ms', healthFailures: '5' }
    const timing = { intervalMs: 2_000, timeoutMs: 500, failureThreshold: 5 }
    expect(parseHealth(options, 1).health).toEqual({
      startup: { tcp: 80 },
      liveness: { tcp: { host: 'a', port: '1' }, ...timing },
      readiness: { http: { path: '/' }, ...timing },
    })
  })

  it.each([{ healthInterval: '2s' }, { healthFailures: '2', liveness: '{"tcp":80}' }])('for which nobody asks has no times: %j is refused', (options) => {
    expect(refusal(() => parseHealth(options, 1)).message).toContain('are for probes given by address, and there is none')
  })
})

describe('output', () => {
  it.each([
    [{}, {}],
    [{ logRotate: true }, {}],
    [{ capture: ['none'] }, { logs: { capture: { stdout: 'none', stderr: 'none' } } }],
    [{ capture: ['memory', 'stderr=files'] }, { logs: { capture: { stdout: 'memory', stderr: 'files' } } }],
    [{ capture: ['stdout=none,stderr=memory'] }, { logs: { capture: { stdout: 'none', stderr: 'memory' } } }],
    [{ capture: ['stdout=none'] }, { logs: { capture: { stdout: 'none' } } }],
    [{ logRotate: false }, { logs: { rotate: false } }],
    [
      { logMaxSize: '10MB', logMaxFiles: '3', logMaxAge: '30d', logMaxTotal: '1g', logCompress: 'gzip', logBuffer: '64k' },
      { logs: { maxSizeBytes: 10_485_760, maxFiles: 3, maxAgeMs: 2_592_000_000, maxTotalBytes: 1_073_741_824, compress: 'gzip', bufferBytes: 65_536 } },
    ],
  ])('%j', (options, expected) => expect(parseLogs(options)).toEqual(expected))

  it.each([
    [{ capture: ['disk'] }, '--capture "disk" is not one of files, memory, none'],
    [{ capture: ['stdin=none'] }, '--capture "stdin=none" is not one of files, memory, none'],
    [{ capture: ['stderr='] }, '--capture "" is not one of files, memory, none'],
    [{ logMaxSize: '0' }, '--log-max-size "0" is not a size; write one such as 512kB, 10MB or 1GB, more than 0'],
    [{ logMaxTotal: 'much' }, '--log-max-total "much" is not a size'],
    [{ logBuffer: '1.5.2MB' }, '--log-buffer "1.5.2MB" is not a size'],
    [{ logMaxFiles: '-1' }, '--log-max-files "-1" is not a whole number of 0 or more'],
    [{ logMaxAge: '7' }, '--log-max-age 7 has no unit'],
    [{ logCompress: 'gzp' }, '--log-compress "gzp" is not one of none, gzip, zstd; did you mean gzip?'],
    [{ logRotate: false, logMaxSize: '1MB' }, '--no-log-rotate and --log-max-size cannot both be meant'],
  ])('%j is refused', (options, message) => expect(refusal(() => parseLogs(options)).message).toContain(message))
})

describe('a sign of readiness', () => {
  it.each([
    [{ readyLog: 'listening on \\d+' }, { logLine: 'listening on \\d+' }],
    [{ readyFd: '3' }, { notifyFd: 3 }],
    [{ readyDelay: '2s' }, { delayMs: 2_000 }],
    [{}, undefined],
  ])('%j', (options, ready) => {
    expect(parseHealth(options, 0).ready).toEqual(ready)
  })

  it('is one alone', () => {
    expect(refusal(() => parseHealth({ readyLog: 'x', readyDelay: '1s' }, 0)).message).toBe(
      'only one of --ready-log, --ready-fd and --ready-delay can be given',
    )
  })
})
