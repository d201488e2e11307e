import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeSpec } from '../../src/persistence/codec.ts'
import { generateId } from '../../src/spec/parse.ts'
import { DEFAULT_LOGS } from '../machines/fixtures.ts'
import { parse, parseAll, problemsOf } from './harness.ts'

describe('a spec', () => {
  it('of a command alone gets every default', () => {
    expect(parse({ command: 'date' })).toEqual({
      id: 'newid',
      command: 'date',
      args: [],
      env: {},
      inheritEnv: true,
      cwd: process.cwd(),
      labels: {},
      stdin: 'null',
      restart: {
        strategy: 'never',
        maxAttempts: 3,
        delayMs: 5_000,
        multiplier: 1.5,
        maxDelayMs: 300_000,
        jitter: 0.1,
        resetAfterMs: 60_000,
        windowMs: 600_000,
        successExitCodes: [0],
        successSignals: [],
        noRestartExitCodes: [],
      },
      breaker: null,
      stop: { ladder: [{ signal: 'SIGTERM', afterMs: 0 }], timeoutMs: 5_000 },
      leftovers: 'stop',
      ports: {},
      health: null,
      ready: null,
      startupTimeoutMs: 60_000,
      meta: {},
      template: true,
      dependsOn: {},
      origin: null,
      logs: DEFAULT_LOGS,
      progress: null,
    })
  })

  it.each([
    ['a relative directory becomes absolute', { cwd: 'x' }, { cwd: `${process.cwd()}/x` }],
    ['variables that are undefined are left out', { env: { A: '1', B: undefined } }, { env: { A: '1' } }],
    ['arguments byte for byte', { args: ['', ' ', '\'"\n$x*', '--', 'ü'] }, { args: ['', ' ', '\'"\n$x*', '--', 'ü'] }],
    ['an id of one’s own', { id: 'web.1' }, { id: 'web.1' }],
    ['a directory that begins with a template is made out at launch', { cwd: '${env.HOME}/x' }, { cwd: '${env.HOME}/x' }],
    ['metadata of all kinds', { meta: { a: 'x', b: 1.5, c: false, d: undefined } }, { meta: { a: 'x', b: 1.5, c: false } }],
    ['everything else', { stdin: 'pipe', leftovers: 'leave', inheritEnv: false, autostart: false }, { stdin: 'pipe', leftovers: 'leave', inheritEnv: false }],
  ])('%s', (_name, input, expected) => {
    expect(parse({ command: 'x', ...input })).toMatchObject(expected)
  })

  it('does not hang on to what it was made from', () => {
    const input = { command: 'x', args: ['a'], labels: { a: 'b' } }
    const spec = parse(input)
    input.args.push('b')
    input.labels.a = 'c'
    expect(spec).toMatchObject({ args: ['a'], labels: { a: 'b' } })
  })
})

describe('a wrong spec', () => {
  it.each([
    [null, 'a process spec is an object with a command, not null'],
    ['ls', 'a process spec is an object with a command, not "ls"'],
    [{}, 'command must be a non-empty string without NUL, not undefined'],
    [{ command: '' }, 'command must be a non-empty string without NUL, not ""'],
    [{ command: 'a\0' }, 'command must be a non-empty string without NUL, not "a\\u0000"'],
    [{ command: ['ls'] }, 'command must be a non-empty string without NUL, not ["ls"]'],
    [{ args: 'a' }, 'args must be strings without NUL, not "a"'],
    [{ args: ['a', 1] }, 'args must be strings without NUL, not ["a",1]'],
    // biome-ignore lint/suspicious/noSparseArray: the hole is the case
    [{ args: [, 'a'] }, 'args must be strings without NUL, not [null,"a"]'],
    [{ env: [] }, 'env must be an object of strings, not []'],
    [{ env: { A: 1 } }, 'env: A must be a string without NUL, not 1'],
    [{ env: { 'A=B': '' } }, 'env: "A=B" is not a name of a variable'],
    [{ env: { '': '' } }, 'env: "" is not a name of a variable'],
    [{ labels: { a: 1 } }, 'labels must be an object of strings, not {"a":1}'],
    [{ cwd: '' }, 'cwd must be a path, not ""'],
    [{ cwd: 1 }, 'cwd must be a path, not 1'],
    [{ stdin: 'inherit' }, 'stdin must be "null" or "pipe", not "inherit"'],
    [{ leftovers: 'kill' }, 'leftovers must be "stop" or "leave", not "kill"'],
    [{ inheritEnv: 'no' }, 'inheritEnv must be true or false, not "no"'],
    [{ template: 'no' }, 'template must be true or false, not "no"'],
    [{ startupTimeoutMs: 0 }, 'startupTimeoutMs must be 1 to 604800000 ms, not 0'],
    [{ meta: 5 }, 'meta must be an object, not 5'],
    [{ meta: { a: [1] } }, 'meta.a must be a string, a number, true or false, not [1]'],
    [{ meta: { a: Number.NaN } }, 'meta.a must be a string, a number, true or false, not NaN'],
    [{ autostart: 1 }, 'autostart must be true or false, not 1'],
  ])('%j: %s', (input, problem) => {
    const whole = typeof input === 'object' && input !== null && Object.keys(input).length > 0 ? { command: 'x', ...input } : input
    expect(problemsOf(whole)).toContain(problem)
  })

  it('is told also where JSON fails: a bigint, a circle', () => {
    const circle: Record<string, unknown> = {}
    circle.self = circle
    expect(problemsOf({ command: 'x', restart: { strategy: 'always', resetAfterMs: 5n } })).toEqual(['restart.resetAfterMs must be 0 to 604800000 ms, not 5'])
    expect(problemsOf({ command: 'x', labels: circle })).toEqual(['labels must be an object of strings, not [object Object]'])
  })

  it('tells an option that does not exist, with those that do', () => {
    expect(problemsOf({ command: 'x', comand: 'y' })).toEqual([
      'there is no option "comand"; known are command, args, env, inheritEnv, cwd, labels, id, stdin, restart, breaker, stop, leftovers, ports, health, ready, startupTimeoutMs, meta, template, dependsOn, origin, logs, progress, autostart',
    ])
  })

  it('tells all that is wrong at once', () => {
    const problems = problemsOf({
      command: '',
      args: 1,
      env: { A: 2 },
      id: '../x',
      restart: { strategy: 'x', delayMs: -1 },
      stop: { signal: 'X', timeoutMs: -1 },
      foo: 1,
    })
    expect(problems).toHaveLength(9)
  })

  it('is told as such whatever it is, and never fails in another way; what is right survives JSON', () => {
    const circular: unknown[] = []
    circular.push(circular)
    const anything = fc.oneof(fc.anything({ withBigInt: true, withNullPrototype: true }), fc.constant(circular))
    const plausible = fc.constantFrom<unknown>(
      'x',
      '${port}',
      '${env.A}',
      1,
      8080,
      true,
      'never',
      'always',
      'any',
      ['x'],
      { a: 'x' },
      undefined,
      () => true,
      /x/g,
      [1, 2],
    )
    const value = fc.oneof(anything, plausible, plausible)
    const part = (...names: string[]) => fc.dictionary(fc.constantFrom(...names), value)
    const check = fc.oneof(value, part('url', 'port', 'host', 'path', 'method', 'status', 'headers', 'tls', 'command', 'args', 'cwd', 'env', 'service'))
    const probe = fc.tuple(fc.constantFrom('http', 'tcp', 'exec', 'grpc', 'function'), check, part('intervalMs', 'failureThreshold', 'onFailure'))
    const health = fc.dictionary(
      fc.constantFrom('startup', 'liveness', 'readiness'),
      fc.oneof(
        value,
        probe.map(([kind, what, times]) => ({ [kind]: what, ...times })),
      ),
    )
    const options: Record<string, fc.Arbitrary<unknown>> = {
      args: value,
      env: fc.oneof(value, part('A', '')),
      labels: value,
      cwd: value,
      id: value,
      stdin: value,
      restart: fc.oneof(value, part('strategy', 'maxAttempts', 'delayMs', 'multiplier', 'windowMs', 'successExitCodes', 'successSignals')),
      breaker: fc.oneof(value, part('failures', 'windowMs')),
      stop: fc.oneof(value, part('signal', 'ladder', 'timeoutMs')),
      ports: fc.oneof(value, part('http', 'b-c', 'b_c', '1'), fc.dictionary(fc.constant('http'), part('port', 'range', 'host'))),
      health: fc.oneof(value, health, health),
      ready: fc.oneof(value, part('logLine', 'notifyFd', 'delayMs')),
      meta: fc.oneof(value, part('a', 'b')),
      template: value,
    }
    const some = fc.array(fc.oneof(...Object.entries(options).map(([name, given]) => given.map((what): [string, unknown] => [name, what]))), { maxLength: 3 })
    const parts = fc.tuple(fc.oneof(fc.constant('x'), fc.constant('x'), value), some).map(([command, others]) => ({ command, ...Object.fromEntries(others) }))
    let right = 0
    fc.assert(
      fc.property(parts, (input) => {
        if (problemsOf(input).length > 0) return
        const { spec, functions } = parseAll(input)
        right++
        for (const name of functions.keys()) expect(name).toMatch(/^[\w.-]+\/(startup|liveness|readiness)$/)
        expect(decodeSpec(JSON.parse(JSON.stringify(spec)), spec.id)).toEqual(spec)
      }),
      { numRuns: 2_000 },
    )
    expect(right).toBeGreaterThan(100)
  })
})

describe('an id', () => {
  it.each(['a', 'A', '0', '_', 'web', 'web-1', 'web.1', 'web_1', '1.2.3', 'x'.repeat(100)])('%s is taken', (id) => {
    expect(parse({ command: 'x', id }).id).toBe(id)
  })

  it.each(['', '.', '..', '.web', '-web', 'a/b', '/etc', '../x', 'a b', 'a\n', 'a\0', 'wäb', 'a*', 'x'.repeat(101), 5, null])('%j is refused', (id) => {
    expect(problemsOf({ command: 'x', id })).toEqual([expect.stringContaining(`beginning with a letter, a digit or "_", not ${JSON.stringify(id)}`)])
  })

  it('that is generated has 8 characters, begins with a letter, and is another one each time', () => {
    const ids = Array.from({ length: 1_000 }, generateId)
    for (const id of ids) expect(id).toMatch(/^[a-z][a-z0-9]{7}$/)
    expect(new Set(ids).size).toBe(1_000)
  })
})
