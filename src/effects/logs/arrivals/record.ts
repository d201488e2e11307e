/**
 * What the index of arrivals is made of: records of 24 bytes, which say of a stream up to which logical offset its output had come, and when.
 *
 * | bytes | |
 * | --- | --- |
 * | 0 | 0xa7 |
 * | 1 | kind, times 2, plus 1 for stderr |
 * | 2, 3 | sum of the others |
 * | 4 to 7 | the run that begins, of a mark |
 * | 8 to 15 | logical offset, a double |
 * | 16 to 23 | microseconds since 1970, a double |
 *
 * Numbers are little-endian. What is no record is passed over: with it only times are lost, never output.
 */
import type { LogStream } from '../contract.ts'

export const RECORD_BYTES = 24
const MAGIC = 0xa7
const KINDS = ['seen', 'unattended', 'restarted', 'run'] as const

export interface ArrivalRecord {
  /**
   * `seen`: all before `end` had arrived at `seq`. `unattended`: the same, and it came while nobody looked. `restarted`: the log was emptied by its own program, or
   * is another file: it goes on at `end`, and what was known of later offsets holds no longer. `run`: the run begins at `end`, and `seq` is when.
   */
  readonly kind: (typeof KINDS)[number]
  readonly stream: LogStream
  /** Exclusive. */
  readonly end: number
  readonly seq: number
  /** 0 unless it is a mark. */
  readonly run: number
}

export function encodeRecords(records: readonly ArrivalRecord[]): Buffer {
  const bytes = Buffer.alloc(records.length * RECORD_BYTES)
  for (const [index, { kind, stream, end, seq, run }] of records.entries()) {
    const at = index * RECORD_BYTES
    bytes[at] = MAGIC
    bytes[at + 1] = KINDS.indexOf(kind) * 2 + (stream === 'stderr' ? 1 : 0)
    bytes.writeUInt32LE(run, at + 4)
    bytes.writeDoubleLE(end, at + 8)
    bytes.writeDoubleLE(seq, at + 16)
    bytes.writeUInt16LE(sumOf(bytes, at), at + 2)
  }
  return bytes
}

/** @param at where a record begins, of which all bytes are there. @returns null for what is none */
export function decodeRecord(bytes: Buffer, at: number): ArrivalRecord | null {
  if (bytes[at] !== MAGIC || bytes.readUInt16LE(at + 2) !== sumOf(bytes, at)) return null
  const code = bytes[at + 1] ?? 0
  const kind = KINDS[code >> 1]
  const end = bytes.readDoubleLE(at + 8)
  const seq = bytes.readDoubleLE(at + 16)
  if (kind === undefined || !isOffset(end) || !isSeq(seq)) return null
  return { kind, stream: (code & 1) === 1 ? 'stderr' : 'stdout', end, seq, run: bytes.readUInt32LE(at + 4) }
}

export function* decodeRecords(bytes: Buffer): Generator<ArrivalRecord, void, undefined> {
  for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
    const record = decodeRecord(bytes, at)
    if (record !== null) yield record
  }
}

/** FNV-1a of all but the sum itself, folded. */
function sumOf(bytes: Buffer, at: number): number {
  let sum = 0x811c9dc5
  for (let index = at; index < at + RECORD_BYTES; index++) {
    if (index === at + 2 || index === at + 3) continue
    sum = Math.imul(sum ^ (bytes[index] ?? 0), 0x01000193)
  }
  return ((sum >>> 16) ^ sum) & 0xffff
}

function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** Far enough from what is no whole number any more. */
export function isSeq(value: number): boolean {
  return isOffset(value) && value <= 8e15
}
