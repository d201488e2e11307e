import { errnoOf } from '../../files.ts'
import { unreadable } from './log-file.ts'
import { openSegment, type SegmentReader } from './segment-reader.ts'
import { findSegment, listSegments, nextKept, type Segment } from './segments.ts'

/** So often a segment may be compressed or removed between being found and being opened before it is taken for gone. */
const TRIES = 3

export interface Piece {
  /** Logical. Behind the one that was asked for: what is between is not kept any more. */
  readonly offset: number
  readonly data: Buffer
}

/** Reads what was rotated out of the live file of a stream, forwards, while segments come, are compressed and are removed. Holds one of them open. */
export class Past {
  readonly #livePath: string
  readonly #isOurs: () => boolean
  #segments: readonly Segment[] = []
  #reader: SegmentReader | undefined
  #opening: Promise<SegmentReader> | undefined
  #isClosed = false

  /** @param isOurs false: what lies there by now belongs to somebody else, and only what is open is read */
  constructor(livePath: string, isOurs: () => boolean = () => true) {
    this.#livePath = livePath
    this.#isOurs = isOurs
  }

  /**
   * @param offset logical, before `head`
   * @param head what is from there on is in the live file
   * @returns at most `max` bytes; none: nothing more is kept before `offset`, which is `head`, or it was closed
   */
  async read(offset: number, head: number, max: number): Promise<Piece> {
    let at = offset
    while (at < head && !this.#isClosed) {
      const reader = await this.#readerAt(at)
      const data = await reader?.read(at, max).catch((error: unknown) => this.#failed(error, reader))
      if (data !== undefined && data.length > 0) return { offset: at, data }
      at = reader?.segment.to ?? nextKept(this.#segments, at, head) // one that ends early is shorter than its name says
    }
    return { offset: Math.min(at, head), data: Buffer.alloc(0) }
  }

  /** Settles when the file is closed. A `read` that is pending then ends or rejects. */
  async close(): Promise<void> {
    this.#isClosed = true
    const opening = await this.#opening?.catch(() => undefined)
    await Promise.all([opening?.close(), this.#letGo()])
  }

  async #readerAt(offset: number): Promise<SegmentReader | undefined> {
    if (this.#reader && this.#reader.at <= offset && findSegment([this.#reader.segment], offset)) return this.#reader
    await this.#letGo()
    for (let tries = 0; tries < TRIES; tries++) {
      const segment = this.#find(offset)
      if (segment === undefined || this.#isClosed) return undefined
      this.#reader = await this.#open(segment)
      if (this.#reader) return this.#reader
      this.#segments = []
    }
    return undefined
  }

  /** A segment whose plain file is removed right after the compressed one came may be missing in a list that was made just then. */
  #find(offset: number): Segment | undefined {
    for (let lists = 0; lists <= 2; lists++) {
      const segment = findSegment(this.#segments, offset)
      if (segment !== undefined) return segment
      this.#segments = this.#isOurs() ? listSegments(this.#livePath) : []
    }
    return undefined
  }

  async #open(segment: Segment): Promise<SegmentReader | undefined> {
    try {
      this.#opening = openSegment(segment)
      const reader = await this.#opening
      return this.#isClosed ? undefined : reader
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  #failed(error: unknown, { segment }: SegmentReader): Buffer {
    if (this.#isClosed) return Buffer.alloc(0)
    throw unreadable(segment.path, error)
  }

  async #letGo(): Promise<void> {
    const reader = this.#reader
    this.#reader = undefined
    await reader?.close()
  }
}
