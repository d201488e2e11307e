import type { LogChunk } from '../../log-api.ts'
import type { CursorOptions } from './any-cursor.ts'
import type { LogSource, LogStream, RunMark } from './contract.ts'
import { findTail, type TailedLog } from './tail.ts'
import { findWantedTail } from './wanted-tail.ts'

export interface Beginning extends Pick<CursorOptions, 'tail' | 'from' | 'wants' | 'range'> {
  readonly log: TailedLog
  readonly stream: LogStream
  readonly marks: readonly RunMark[]
  readonly arrivals: LogSource['arrivals']
  /** The logical offset behind what there is now. */
  readonly end: number
  /** What is between two logical offsets. */
  readonly pieces: (from: number, to: number) => AsyncIterable<LogChunk>
}

/** @returns the logical offset at which one begins who wants of what there is now the last lines, or all, of a range */
export async function findBegin({ log, stream, marks, arrivals, end, pieces, tail, from = 0, wants, range = {} }: Beginning): Promise<number> {
  const { run, since, until } = range
  const starts = new Set(marks.map((mark) => mark[stream]))
  const lastLines = (before: number, lines: number) => findTail(log, before, lines, starts)
  const ofRun = run === undefined ? { from: 0, to: end } : spanOf(run, marks, stream, end)
  const to = Math.min(end, ofRun.to, until === undefined ? end : (arrivals?.until(stream, until) ?? end))
  let begin = Math.max(from, ofRun.from)
  if (tail !== Number.POSITIVE_INFINITY) {
    const find = (lines: number) => lastLines(to, lines)
    begin = Math.max(ofRun.from, wants === undefined ? await find(tail) : await findWantedTail(tail, find, (offset) => pieces(offset, to), wants))
  }
  if (since === undefined || arrivals === undefined) return begin
  const first = Math.min(arrivals.since(stream, since), end)
  return first > begin ? Math.max(begin, await lastLines(first, 1)) : begin
}

/** Of a run that nobody knows the beginning of, all that may be of it; one that is yet to come begins behind everything. */
function spanOf(run: number, marks: readonly RunMark[], stream: LogStream, end: number): { readonly from: number; readonly to: number } {
  const last = marks.at(-1)
  if (last !== undefined && run > last.run) return { from: end, to: end }
  const from = marks.find((mark) => mark.run === run)?.[stream] ?? 0
  const next = marks.find((mark) => mark.run > run)?.[stream] ?? end
  return { from, to: next < from ? end : next } // before it: the log was emptied, or is another one
}
