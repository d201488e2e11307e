import { describe, expect, it } from 'vitest'
import { parse, problemsOf } from './harness.ts'

describe('what makes a run ready', () => {
  it.each([
    ['a line of output', { logLine: /listening on (\d+)/i }, { kind: 'log-line', source: 'listening on (\\d+)', flags: 'i' }],
    ['each line by itself', { logLine: /up/gy }, { kind: 'log-line', source: 'up', flags: '' }],
    ['the source of an expression', { logLine: '^ready$' }, { kind: 'log-line', source: '^ready$', flags: '' }],
    ['a newline on a descriptor', { notifyFd: 3 }, { kind: 'notify', fd: 3 }],
    ['time', { delayMs: 250 }, { kind: 'delay', delayMs: 250 }],
  ])('%s', (_name, ready, expected) => {
    expect(parse({ command: 'x', ready }).ready).toEqual(expected)
  })

  it.each([
    ['up', 'ready must be an object, not "up"'],
    [{}, 'ready must have exactly one of logLine, notifyFd, delayMs, not none'],
    [{ notifyFd: 3, delayMs: 1 }, 'ready must have exactly one of logLine, notifyFd, delayMs, not notifyFd and delayMs'],
    [{ logLine: 5 }, 'ready.logLine must be a regular expression, or its source, not 5'],
    [{ logLine: '' }, 'ready.logLine must be a regular expression, or its source, not ""'],
    [{ logLine: '(' }, expect.stringMatching(/^ready\.logLine must be the source of a regular expression, not "\(": /)],
    [{ notifyFd: 2 }, 'ready.notifyFd must be a whole number, 3 to 255, not 2'],
    [{ delayMs: -1 }, 'ready.delayMs must be 0 to 604800000 ms, not -1'],
    [{ delayMs: 60_000 }, 'ready.delayMs must be less than startupTimeoutMs, 60000, not 60000'],
    [{ line: 'x', delayMs: 1 }, 'ready has no option "line"; known are logLine, notifyFd, delayMs'],
  ])('%j is wrong: %s', (ready, problem) => {
    expect(problemsOf({ command: 'x', ready })).toContainEqual(problem)
  })
})
