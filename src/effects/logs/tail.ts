import { errnoOf } from '../../files.ts'
import type { LiveFile } from './live-file.ts'
import { openSegment } from './segment-reader.ts'
import { findSegment, listSegments, type Segment } from './segments.ts'

const BLOCK_BYTES = 64 * 1024
const LF = 10
const CR = 13
/** So often what is before an offset may be rotated, compressed or removed while it is looked for. */
const TRIES = 5
const FLUX_MS = 2

/** Where the log of one stream lies. `live` null: only in segments. */
export interface TailedLog {
  readonly path: string
  readonly live: LiveFile | null
}

/** What is before an offset: a block of bytes, or a segment that can only be read forwards. Undefined: nothing is kept there. */
type Before = { readonly from: number; readonly data: Buffer } | { readonly from: number; readonly packed: Segment } | undefined

/**
 * Finds where the last lines of a log begin, reading backwards in blocks of 64 KB, through its live file and its segments; a compressed segment is read
 * forwards once, the one in which they begin twice. A line ends with `\n`, `\r\n` (one end) or a lone `\r`; an unterminated last line counts.
 *
 * @param size logical offset; only the bytes before it are looked at
 * @param lines 0 or more; 0 gives `size`
 * @param starts offsets that begin a line whatever stands before them: where runs begin
 * @returns a logical offset; the first one that is kept if there are not more lines than asked for
 */
export async function findTail(log: TailedLog, size: number, lines: number, starts: ReadonlySet<number> = new Set()): Promise<number> {
  if (lines <= 0) return size
  const count = new LineStarts(size, lines, starts)
  for (let end = size; end > 0; ) {
    const before = await readBefore(log, end)
    if (before === undefined) return end
    const found = 'data' in before ? count.backwards(before.data, before.from) : await forwards(count, before.packed, end)
    if (found !== undefined) return found
    end = before.from
  }
  return 0
}

/** Counts where lines begin, from the end of a log to its beginning. */
export class LineStarts {
  readonly #size: number
  readonly #starts: ReadonlySet<number>
  /** So many are still to be found. */
  left: number
  /** What stands behind the piece that is looked at; LF for the end of the log, where no line begins. */
  next = LF

  constructor(size: number, lines: number, starts: ReadonlySet<number>) {
    this.#size = size
    this.#starts = starts
    this.left = lines
  }

  /** @returns where the last one that was asked for begins; undefined: before this piece */
  backwards(data: Buffer, from: number): number | undefined {
    for (let at = data.length; at > 0; at--) {
      const byte = data[at - 1] ?? 0
      if (this.isStart(byte, this.next, from + at) && --this.left === 0) return from + at
      this.next = byte
    }
    return undefined
  }

  /** @param byte before `offset`. @param next at `offset` */
  isStart(byte: number, next: number, offset: number): boolean {
    return offset < this.#size && (byte === LF || (byte === CR && next !== LF) || this.#starts.has(offset))
  }
}

/** Twice over a segment: to count, and to find. @returns as `backwards` */
async function forwards(count: LineStarts, packed: Segment, end: number): Promise<number | undefined> {
  let starts = 0
  let first = LF
  for await (const piece of startsIn(count, packed, end)) {
    starts += piece.offsets.length
    first = piece.first
  }
  let skip = starts - count.left
  if (skip < 0) {
    count.left -= starts
    count.next = first
    return undefined
  }
  for await (const { offsets } of startsIn(count, packed, end)) {
    const found = offsets[skip]
    if (found !== undefined) return found
    skip -= offsets.length
  }
  return undefined
}

/** Where lines begin behind the first byte of a segment, ascending, and that byte. */
async function* startsIn(count: LineStarts, packed: Segment, end: number): AsyncGenerator<{ readonly offsets: readonly number[]; readonly first: number }> {
  const reader = await openSegment(packed)
  try {
    let first: number | undefined
    let byte = 0
    let at = packed.from
    for (let data = await reader.read(at, BLOCK_BYTES); data.length > 0 && at < end; data = await reader.read(at, BLOCK_BYTES)) {
      const offsets: number[] = []
      for (const [i, next] of data.subarray(0, end - at).entries()) {
        if (first !== undefined && count.isStart(byte, next, at + i)) offsets.push(at + i)
        first ??= next
        byte = next
      }
      at += data.length
      yield { offsets, first: first ?? LF }
    }
    yield { offsets: first !== undefined && count.isStart(byte, count.next, Math.min(at, end)) ? [Math.min(at, end)] : [], first: first ?? LF }
  } finally {
    await reader.close()
  }
}

async function readBefore(log: TailedLog, end: number): Promise<Before> {
  for (let tries = 0; tries < TRIES; tries++) {
    const stand = log.live?.stand()
    if (log.live && stand === undefined) {
      await new Promise<void>((resolve) => setTimeout(resolve, FLUX_MS))
      tries-- // it ends, by whomever
      continue
    }
    if (stand && log.live && end > stand.head) {
      const from = Math.max(stand.head, end - BLOCK_BYTES)
      const data = await log.live.read(stand, from, end - from)
      if (data?.length === end - from) return { from, data }
      continue
    }
    const segment = findSegment(listSegments(log.path), end - 1)
    if (segment !== undefined && segment.coding !== 'plain') return { from: segment.from, packed: segment }
    const block = segment && (await readBlock(segment, end))
    if (block !== undefined) return block
  }
  return undefined
}

/** @returns undefined when it is gone, or shorter than its name says */
async function readBlock(segment: Segment, end: number): Promise<Before> {
  const from = Math.max(segment.from, end - BLOCK_BYTES)
  try {
    const reader = await openSegment(segment)
    try {
      const data = await reader.read(from, end - from)
      return data.length === end - from ? { from, data } : undefined
    } finally {
      await reader.close()
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
