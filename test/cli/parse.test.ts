import { describe, expect, it } from 'vitest'
import { parseChoice } from '../../src/cli/parse/choice.ts'
import { parseCount } from '../../src/cli/parse/count.ts'
import { parseDuration } from '../../src/cli/parse/duration.ts'
import { parseEnv } from '../../src/cli/parse/env.ts'
import { parseFilter } from '../../src/cli/parse/filter.ts'
import { parseLabelFilter, parseLabels } from '../../src/cli/parse/labels.ts'
import { parseSignal } from '../../src/cli/parse/signal.ts'
import { mayRestart, parseSpec } from '../../src/cli/parse/spec.ts'
import { suggest } from '../../src/cli/parse/suggest.ts'

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

describe('labels', () => {
  it('keep commas and equal signs of their values, and the last of one name wins', () => {
    expect(parseLabels(['a=1', 'b=x=y,z', 'c=', 'a=2'])).toEqual({ a: '2', b: 'x=y,z', c: '' })
  })
  it.each(['', 'a', '=1'])('%j is refused', (text) => {
    expect(refusal(() => parseLabels([text])).message).toContain('must be name=value')
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
      maxRestarts: '3',
      stopSignal: 'int',
      stopTimeout: '1m',
      leaveLeftovers: true,
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
      restart: { strategy: 'on-failure', delayMs: 2_000, maxRestarts: 3 },
      stop: { signal: 'SIGINT', timeoutMs: 60_000 },
      leftovers: 'leave',
    })
  })

  it.each([
    [[], {}, 'no command given'],
    [[''], {}, 'the command is an empty string'],
    [['cmd'], { restart: 'sometimes' }, '--restart "sometimes" is not one of never, on-failure, always'],
    [['cmd'], { restartDelay: '1s' }, '--restart-delay needs --restart'],
    [['cmd'], { maxRestarts: '1' }, '--max-restarts needs --restart'],
  ])('%j with %j is refused', (argv, options, message) => {
    expect(refusal(() => parseSpec(argv, { inheritEnv: true, ...options }, io)).message).toContain(message)
  })

  it.each([
    [undefined, false],
    ['never', false],
    ['always', true],
    [{ strategy: 'on-failure' }, true],
  ] as const)('restart %j needs a manager: %s', (restart, isNeeded) => {
    expect(mayRestart({ command: 'x', restart })).toBe(isNeeded)
  })
})
