import { describe, expect, it } from 'vitest'
import { parse, problemsOf } from './harness.ts'

describe('how a process is stopped', () => {
  it.each([
    ['a signal in any spelling', { signal: 'int' }, { ladder: [{ signal: 'SIGINT', afterMs: 0 }], timeoutMs: 5_000 }],
    ['a signal as a number', { signal: '1', timeoutMs: 0 }, { ladder: [{ signal: 'SIGHUP', afterMs: 0 }], timeoutMs: 0 }],
    ['no ladder at all', { ladder: [] }, { ladder: [], timeoutMs: 5_000 }],
    [
      'a ladder, put in order',
      {
        ladder: [
          { signal: 'SIGTERM', afterMs: 10 },
          { signal: 'SIGINT', afterMs: 0 },
        ],
      },
      {
        ladder: [
          { signal: 'SIGINT', afterMs: 0 },
          { signal: 'SIGTERM', afterMs: 10 },
        ],
        timeoutMs: 5_000,
      },
    ],
  ])('%s', (_name, stop, expected) => {
    expect(parse({ command: 'x', stop }).stop).toEqual(expected)
  })

  it.each([
    ['SIGINT', 'stop must be an object, not "SIGINT"'],
    [null, 'stop must be an object, not null'],
    [{ timeout: 5 }, 'stop has no option "timeout"; known are signal, ladder, timeoutMs'],
    [{ timeoutMs: '5' }, 'stop.timeoutMs must be 0 to 604800000 ms, not "5"'],
    [{ signal: 'SIGNOTHING' }, 'stop: there is no signal "SIGNOTHING" on this machine'],
    [{ signal: 'SIGTERM', ladder: [] }, 'stop takes a signal or a ladder, not both'],
    [{ ladder: 'x' }, 'stop.ladder must be a list of { signal, afterMs }, not "x"'],
    [{ ladder: [{ signal: 'SIGTERM' }] }, 'stop.ladder: afterMs must be 0 to 604800000 ms, not undefined'],
    [{ ladder: [null] }, 'stop: there is no signal undefined on this machine'],
  ])('%j is wrong: %s', (stop, problem) => {
    expect(problemsOf({ command: 'x', stop })).toContain(problem)
  })
})
