/** Making an index smaller: what speaks of output that is not kept any more goes, and of very many arrivals the older ones are told less exactly. */
import { renameSync } from 'node:fs'
import { withTemp } from '../../../files.ts'
import type { LogStream } from '../contract.ts'
import { readIndex } from './index-file.ts'
import { type ArrivalRecord, encodeRecords, RECORD_BYTES } from './record.ts'

/** 400 KB: what a reader has to read; a compaction looks through twice as much at most, and nobody else has a turn meanwhile. */
const MOST_RECORDS = 16 * 1024

type Offsets = Readonly<Record<LogStream, number>>

/** @param oldest of the bytes that are still there. @returns the size of the index now. @throws what `open`, `write` and `rename` throw: then it is as it was */
export function compactIndex(path: string, oldest: Offsets): number {
  const records = compacted(readIndex(path).records, oldest)
  withTemp(path, encodeRecords(records), (temp) => renameSync(temp, path))
  return records.length * RECORD_BYTES
}

/** Pure. @param most of arrivals; as long as there are more than that, every other one of the older half goes into the one behind it */
export function compacted(records: readonly ArrivalRecord[], oldest: Offsets, most = MOST_RECORDS): readonly ArrivalRecord[] {
  const spans = [...spansOf(records, 'stdout', oldest.stdout), ...spansOf(records, 'stderr', oldest.stderr)].sort((a, b) => a.seq - b.seq)
  const kept = thinnedTo(most, spans)
  const last = (stream: LogStream) => kept.findLast((each) => each.stream === stream) ?? []
  // What was said last of each is looked for at the end.
  return [...marksOf(records, oldest), ...kept, last('stdout'), last('stderr')].flat()
}

/** Those that hold, and whose bytes are there. */
function spansOf(records: readonly ArrivalRecord[], stream: LogStream, oldest: number): readonly ArrivalRecord[] {
  const spans: ArrivalRecord[] = []
  for (const record of records) {
    if (record.stream !== stream || record.kind === 'run') continue
    const from = record.kind === 'restarted' ? record.end + 1 : record.end
    while ((spans.at(-1)?.end ?? -1) >= from) spans.pop()
    if (record.kind !== 'restarted') spans.push(record)
  }
  const isLast = (index: number) => index === spans.length - 1
  return spans.filter(({ end }, index) => end > oldest || isLast(index))
}

function thinnedTo(most: number, spans: readonly ArrivalRecord[]): readonly ArrivalRecord[] {
  let kept = spans
  while (kept.length > most) {
    const left = thinned(kept)
    // What came while nobody looked is not mixed with what was seen.
    if (left.length === kept.length) return left
    kept = left
  }
  return kept
}

function thinned(spans: readonly ArrivalRecord[]): readonly ArrivalRecord[] {
  const half = spans.length >> 1
  const next: Partial<Record<LogStream, ArrivalRecord>> = {}
  const kept: ArrivalRecord[] = []
  const wasKept: Record<LogStream, boolean> = { stdout: true, stderr: true }
  for (let index = spans.length - 1; index >= 0; index--) {
    const span = spans[index]
    if (span === undefined) break
    const goes = index < half && wasKept[span.stream] && next[span.stream]?.kind === span.kind
    wasKept[span.stream] = !goes
    if (!goes) kept.push(span)
    next[span.stream] = span
  }
  return kept.reverse()
}

/** Of the runs that have output left, and of the last one. */
function marksOf(records: readonly ArrivalRecord[], oldest: Offsets): readonly ArrivalRecord[] {
  const marks = new Map(records.filter(({ kind }) => kind === 'run').map((mark) => [`${mark.run} ${mark.stream}`, mark]))
  const next = new Map<LogStream, ArrivalRecord>()
  const hasOutput = new Set<number>()
  const descending = [...marks.values()].sort((a, b) => b.run - a.run)
  for (const mark of descending) {
    const end = next.get(mark.stream)?.end
    if (end === undefined || end > oldest[mark.stream] || end < mark.end) hasOutput.add(mark.run)
    next.set(mark.stream, mark)
  }
  return descending.filter(({ run }) => hasOutput.has(run)).reverse()
}
