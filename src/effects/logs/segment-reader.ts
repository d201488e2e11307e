import { type FileHandle, open } from 'node:fs/promises'
import { pipeline, type Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { ProcmanError } from '../../errors.ts'
import { READ } from './log-file.ts'
import type { Segment } from './segments.ts'

const CHUNK_BYTES = 64 * 1024

/** Reads one segment forwards; once it is open it may be compressed or removed. Memory: two chunks of 64 KB, whatever the size. */
export interface SegmentReader {
  readonly segment: Segment
  /** What is before this logical offset cannot be read any more. */
  readonly at: number
  /**
   * @param offset logical, from `at` on, within the segment
   * @returns at most `max` bytes; none: the segment is shorter than its name says
   */
  read(offset: number, max: number): Promise<Buffer>
  /** A `read` that is pending then ends or rejects. Repeated: nothing. */
  close(): Promise<void>
}

/** @throws ENOENT when it was compressed or removed meanwhile; PROCMAN_LOG_UNREADABLE when this Node cannot unpack it */
export async function openSegment(segment: Segment): Promise<SegmentReader> {
  const unpack = unpackerOf(segment)
  const file = await open(segment.path, READ)
  return unpack === null ? new PlainReader(segment, file) : new PackedReader(segment, file, unpack)
}

class PlainReader implements SegmentReader {
  readonly segment: Segment
  readonly at: number
  readonly #file: FileHandle

  constructor(segment: Segment, file: FileHandle) {
    this.segment = segment
    this.at = segment.from
    this.#file = file
  }

  async read(offset: number, max: number): Promise<Buffer> {
    const { from, to } = this.segment
    const length = Math.min(max, CHUNK_BYTES, to - offset)
    const buffer = Buffer.allocUnsafe(length)
    const { bytesRead } = await this.#file.read(buffer, 0, length, offset - from)
    return buffer.subarray(0, bytesRead)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

class PackedReader implements SegmentReader {
  readonly segment: Segment
  readonly #unpack: Transform
  readonly #chunks: AsyncIterator<Buffer>
  readonly #closed: Promise<void>
  /** Unpacked, and not yet read; it begins at `at`. */
  #rest: Buffer = Buffer.alloc(0)
  at: number

  constructor(segment: Segment, file: FileHandle, unpack: Transform) {
    this.segment = segment
    this.at = segment.from
    this.#unpack = unpack
    const source = file.createReadStream({ highWaterMark: CHUNK_BYTES })
    this.#closed = new Promise((resolve) => source.once('close', resolve))
    pipeline(source, unpack, () => {}) // an error comes out of the iterator
    this.#chunks = unpack[Symbol.asyncIterator]()
  }

  async read(offset: number, max: number): Promise<Buffer> {
    while (this.at + this.#rest.length <= offset) {
      const next = await this.#chunks.next()
      if (next.done) return Buffer.alloc(0)
      this.at += this.#rest.length
      this.#rest = next.value
    }
    const data = this.#rest.subarray(offset - this.at, Math.min(offset - this.at + max, this.segment.to - this.at))
    this.#rest = this.#rest.subarray(offset - this.at + data.length)
    this.at = offset + data.length
    return data
  }

  async close(): Promise<void> {
    this.#unpack.destroy()
    await this.#closed
  }
}

/** @returns null for a plain one */
function unpackerOf({ path, coding }: Segment): Transform | null {
  if (coding === 'plain') return null
  if (coding === 'gzip') return zlib.createGunzip({ chunkSize: CHUNK_BYTES })
  const { createZstdDecompress: zstd } = zlib as { readonly createZstdDecompress?: (options: { readonly chunkSize: number }) => Transform }
  if (zstd !== undefined) return zstd({ chunkSize: CHUNK_BYTES })
  const what = `this Node (${process.version}) cannot unpack zstd: use 22.15 or later, or unpack it with: zstd -d ${path}`
  throw new ProcmanError('PROCMAN_LOG_UNREADABLE', `the log ${path} cannot be read: ${what}`, { details: { path, coding } })
}
