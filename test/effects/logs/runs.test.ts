import { describe, expect, it } from 'vitest'
import { findRun, marksOfReplaced } from '../../../src/effects/logs/runs.ts'

const mark = (run: number, stdout: number) => ({ run, stdout, stderr: 0 })

describe('the run that wrote a byte', () => {
  it.each([
    ['is run 1 without marks', [], 10, 1, { run: 1, end: Infinity }],
    ['is the one whose mark stands at the byte', [mark(1, 0), mark(2, 10)], 10, 1, { run: 2, end: Infinity }],
    ['ends where the next one begins', [mark(1, 0), mark(2, 10)], 9, 1, { run: 1, end: 10 }],
    ['is the last of several that begin at the same byte', [mark(1, 0), mark(2, 5), mark(3, 5)], 5, 1, { run: 3, end: Infinity }],
    ['is the one before the oldest known mark for older bytes', [mark(7, 10)], 3, 1, { run: 6, end: 10 }],
    ['is at least 1', [mark(1, 10)], 3, 1, { run: 1, end: Infinity }],
    ['is the one that emptied the log for bytes before the next mark', [mark(1, 0), mark(2, 1000), mark(3, 50)], 20, 1, { run: 2, end: 50 }],
    ['is never before the one read last', [mark(1, 0), mark(2, 1000)], 20, 2, { run: 2, end: Infinity }],
  ] as const)('%s', (_, marks, offset, floor, expected) => {
    expect(findRun(marks, 'stdout', offset, floor)).toEqual(expected)
  })
})

describe('the runs that wrote to a log before another file took its place', () => {
  it.each([
    ['are those before the one that found that file empty', [mark(1, 0), mark(2, 10), mark(3, 0), mark(4, 7)], [1, 2]],
    ['are those before the last such one', [mark(1, 0), mark(2, 0), mark(3, 0)], [1, 2]],
    ['are all that are known when none found it empty', [mark(7, 10), mark(8, 20)], [7, 8]],
    ['are at least the first one: somebody else has put the file there', [mark(1, 0), mark(2, 10)], [1, 2]],
    ['are none where none are known', [], []],
  ] as const)('%s', (_, marks, expected) => {
    expect(marksOfReplaced(marks, 'stdout').map(({ run }) => run)).toEqual(expected)
  })
})
