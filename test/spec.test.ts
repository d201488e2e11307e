import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ProcessInput } from '../src/api.ts'
import { isProcmanError } from '../src/errors.ts'
import { decodeSpec } from '../src/persistence/codec.ts'
import { generateId, parseProcessInput } from '../src/spec.ts'

const parse = (input: unknown) => parseProcessInput(input as ProcessInput, () => 'newid')

function problemsOf(input: unknown): readonly string[] {
  try {
    parse(input)
  } catch (error) {
    if (!isProcmanError(error) || error.code !== 'PROCMAN_INVALID_SPEC') throw error
    expect(error.message).toBe((error.details.problems as string[]).join('; '))
    return error.details.problems as string[]
  }
  return []
}

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
      restart: { strategy: 'never', delayMs: 1_000, multiplier: 2, maxDelayMs: 60_000, maxRestarts: 0, resetAfterMs: 60_000 },
      stop: { ladder: [{ signal: 'SIGTERM', afterMs: 0 }], timeoutMs: 5_000 },
      leftovers: 'stop',
    })
  })

  it.each([
    ['restart by a name alone', { restart: 'always' }, { restart: { strategy: 'always', delayMs: 1_000 } }],
    ['a part of a restart policy', { restart: { strategy: 'on-failure', delayMs: 5 } }, { restart: { strategy: 'on-failure', delayMs: 5, multiplier: 2 } }],
    ['a part of one that is undefined takes the default', { restart: { strategy: 'always', delayMs: undefined } }, { restart: { delayMs: 1_000 } }],
    ['a stop signal in any spelling', { stop: { signal: 'int' } }, { stop: { ladder: [{ signal: 'SIGINT', afterMs: 0 }], timeoutMs: 5_000 } }],
    ['a stop signal as a number', { stop: { signal: '1', timeoutMs: 0 } }, { stop: { ladder: [{ signal: 'SIGHUP', afterMs: 0 }], timeoutMs: 0 } }],
    [
      'a ladder, put in order',
      {
        stop: {
          ladder: [
            { signal: 'SIGTERM', afterMs: 10 },
            { signal: 'SIGINT', afterMs: 0 },
          ],
        },
      },
      {
        stop: {
          ladder: [
            { signal: 'SIGINT', afterMs: 0 },
            { signal: 'SIGTERM', afterMs: 10 },
          ],
        },
      },
    ],
    ['no ladder at all', { stop: { ladder: [] } }, { stop: { ladder: [] } }],
    ['a relative directory becomes absolute', { cwd: 'x' }, { cwd: `${process.cwd()}/x` }],
    ['variables that are undefined are left out', { env: { A: '1', B: undefined } }, { env: { A: '1' } }],
    ['arguments byte for byte', { args: ['', ' ', '\'"\n$x*', '--', 'ü'] }, { args: ['', ' ', '\'"\n$x*', '--', 'ü'] }],
    ['an id of one’s own', { id: 'web.1' }, { id: 'web.1' }],
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
    [{ autostart: 1 }, 'autostart must be true or false, not 1'],
    [{ restart: 'sometimes' }, 'restart must be one of never, on-failure, always, not "sometimes"'],
    [{ restart: 5 }, 'restart must be one of never, on-failure, always, or an object, not 5'],
    [{ restart: null }, 'restart must be one of never, on-failure, always, or an object, not null'],
    [{ restart: { strategy: 'often' } }, 'restart must be one of never, on-failure, always, not "often"'],
    [{ restart: { delay: 1 } }, 'restart has no option "delay"; known are strategy, delayMs, multiplier, maxDelayMs, maxRestarts, resetAfterMs'],
    [{ restart: { delayMs: -1 } }, 'restart.delayMs must be 0 to 604800000 ms, not -1'],
    [{ restart: { delayMs: Number.NaN } }, 'restart.delayMs must be 0 to 604800000 ms, not NaN'],
    [{ restart: { maxDelayMs: Number.POSITIVE_INFINITY } }, 'restart.maxDelayMs must be 0 to 604800000 ms, not Infinity'],
    [{ restart: { multiplier: 0.5 } }, 'restart.multiplier must be 1 to 1000, not 0.5'],
    [{ restart: { maxRestarts: 1.5 } }, 'restart.maxRestarts must be a whole number, 0 for no limit, not 1.5'],
    [{ stop: 'SIGINT' }, 'stop must be an object, not "SIGINT"'],
    [{ stop: { timeout: 5 } }, 'stop has no option "timeout"; known are signal, ladder, timeoutMs'],
    [{ stop: { timeoutMs: '5' } }, 'stop.timeoutMs must be 0 to 604800000 ms, not "5"'],
    [{ stop: { signal: 'SIGNOTHING' } }, 'stop: there is no signal "SIGNOTHING" on this machine'],
    [{ stop: { signal: 'SIGTERM', ladder: [] } }, 'stop takes a signal or a ladder, not both'],
    [{ stop: { ladder: 'x' } }, 'stop.ladder must be a list of { signal, afterMs }, not "x"'],
    [{ stop: { ladder: [{ signal: 'SIGTERM' }] } }, 'stop.ladder: afterMs must be 0 to 604800000 ms, not undefined'],
    [{ stop: { ladder: [null] } }, 'stop: there is no signal undefined on this machine'],
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
      'there is no option "comand"; known are command, args, env, inheritEnv, cwd, labels, id, stdin, restart, stop, leftovers, autostart',
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

  it('is told as such whatever it is, and never fails in another way', () => {
    const keys = ['command', 'args', 'env', 'labels', 'cwd', 'id', 'stdin', 'restart', 'stop', 'leftovers', 'inheritEnv', 'autostart']
    const circular: unknown[] = []
    circular.push(circular)
    const anything = fc.oneof(fc.anything({ withBigInt: true, withNullPrototype: true }), fc.constant(circular))
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), anything), (input) => {
        if (problemsOf(input).length > 0) return
        const spec = parse(input)
        expect(decodeSpec(JSON.parse(JSON.stringify(spec)), spec.id)).toEqual(spec)
      }),
      { numRuns: 500 },
    )
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
