import type { LogStream, RunMark } from './contract.ts'

/** The run that a byte belongs to, and the offset where that run's bytes end as far as is known now (`Infinity`: no later run). */
export interface RunSpan {
  readonly run: number
  readonly end: number
}

/**
 * Says which run wrote the byte at `offset`. Pure.
 *
 * Bytes before the oldest known mark belong to the run before it (at least 1); without marks everything is run 1.
 * A mark that lies beyond the mark of a later run tells that the log was emptied during its run (`echo > /dev/stderr`
 * reopens with O_TRUNC): what is left of that run begins where its file does.
 *
 * @param marks ascending by run
 * @param floor the answer is at least this run: a reader never goes back to an earlier one
 * @param base where the live file begins
 */
export function findRun(marks: readonly RunMark[], stream: LogStream, offset: number, floor = 1, base = 0): RunSpan {
  let end = Number.POSITIVE_INFINITY
  let lowest = Number.POSITIVE_INFINITY
  for (const mark of marks.toReversed()) {
    const start = mark[stream] > lowest ? Math.min(base, lowest) : mark[stream]
    if (start <= offset) return { run: Math.max(mark.run, floor), end }
    if (mark.run > floor) end = start
    lowest = Math.min(lowest, start)
  }
  const oldest = marks[0]?.run ?? 1
  return { run: Math.max(oldest - 1, floor, 1), end }
}

/**
 * The marks of the runs that wrote to a log before another file took its place. The first run that wrote to that one found it empty, or made it.
 *
 * @param base where the other file begins
 * @returns `marks` itself when they say nothing of another file
 */
export function marksOfReplaced(marks: readonly RunMark[], stream: LogStream, base = 0): readonly RunMark[] {
  const first = marks.findLastIndex((mark) => mark[stream] === base)
  return first <= 0 ? marks : marks.slice(0, first)
}
