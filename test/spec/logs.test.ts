import { describe, expect, it } from 'vitest'
import { DEFAULT_LOGS } from '../machines/fixtures.ts'
import { parse, problemsOf } from './harness.ts'

describe('how output is kept', () => {
  const logsOf = (logs: object) => parse({ command: 'x', logs }).logs

  it.each([
    [{}, {}],
    [{ rotate: false }, { maxSizeBytes: null }],
    [
      { rotate: true, maxSizeBytes: 1, maxFiles: 0 },
      { maxSizeBytes: 1, maxFiles: 0 },
    ],
    [{ capture: 'none' }, { stdout: 'none', stderr: 'none' }],
    [
      { capture: { stderr: 'memory' }, bufferBytes: 4096 },
      { stdout: 'files', stderr: 'memory', bufferBytes: 4096 },
    ],
    [
      { compress: 'gzip', maxAgeMs: 86_400_000 * 365, maxTotalBytes: 1e9 },
      { compress: 'gzip', maxAgeMs: 86_400_000 * 365, maxTotalBytes: 1e9 },
    ],
  ])('%j', (given, expected) => expect(logsOf(given)).toEqual({ ...DEFAULT_LOGS, ...expected }))

  it.each([
    [{ logs: 5 }, 'logs must be an object, not 5'],
    [{ logs: { capture: 'none' }, ready: { logLine: 'up' } }, 'ready.logLine needs output to look at, and logs.capture is none'],
    [{ logs: { capture: 'none' }, progress: true }, 'progress needs output to look at, and logs.capture is none'],
    [{ logs: { maxSizeBytes: 0 } }, 'logs.maxSizeBytes must be a whole number, 1 to 9007199254740991, not 0'],
    [{ logs: { maxFiles: 1.5 } }, 'logs.maxFiles must be a whole number, 0 to 100000, not 1.5'],
    [{ logs: { capture: 'disk' } }, 'logs.capture must be "files" or "memory" or "none", not "disk"'],
    [{ logs: { capture: { stdout: 1 } } }, 'logs.capture.stdout must be "files" or "memory" or "none", not 1'],
    [{ logs: { compress: 'xz' } }, 'logs.compress must be "none" or "gzip" or "zstd", not "xz"'],
    [{ logs: { maxAgeMs: -1 } }, 'logs.maxAgeMs must be a whole number, 1 to 3155760000000, or null, not -1'],
    [{ logs: { size: 1 } }, 'logs has no option "size"'],
  ])('%j is refused', (part, problem) => expect(problemsOf({ command: 'x', ...part })).toEqual([expect.stringContaining(problem)]))
})

describe('how progress is read', () => {
  it.each([
    [undefined, null],
    [false, null],
    [true, { kind: 'auto' }],
    ['auto' as const, { kind: 'auto' }],
    [{ pattern: /at (?<percent>\d+)%/gi }, { kind: 'pattern', source: 'at (?<percent>\\d+)%', flags: 'i' }],
    [{ pattern: '(?<current>\\d+) of' }, { kind: 'pattern', source: '(?<current>\\d+) of', flags: '' }],
  ])('%j', (progress, expected) => expect(parse({ command: 'x', ...(progress === undefined ? {} : { progress }) }).progress).toEqual(expected))

  it.each([
    [5, 'progress must be true, "auto" or an object with a pattern, not 5'],
    [{ pattern: '(' }, 'progress.pattern must be the source of a regular expression, not "("'],
    [{ pattern: '\\d+%' }, 'progress.pattern must have a named group, one of percent, current, total, message, as (?<percent>[0-9.]+)%; "\\\\d+%" has none'],
    [{}, 'progress.pattern must be a regular expression, or its source, not undefined'],
  ])('%j is refused', (progress, problem) => expect(problemsOf({ command: 'x', progress }).join('; ')).toContain(problem))
})
