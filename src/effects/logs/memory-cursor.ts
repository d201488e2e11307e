import type { LogChunk } from '../../log-api.ts'
import type { Cursor, CursorOptions } from './any-cursor.ts'
import type { LogRange, LogSource, LogStream, MemoryLog } from './contract.ts'
import { MemoryFile } from './memory-file.ts'
import type { LogPlace } from './position.ts'
import { LineStarts } from './tail.ts'
import { findWantedTail } from './wanted-tail.ts'

const CHUNK_BYTES = 64 * 1024
const NOTHING = Buffer.alloc(0)

/** As `LogCursor`, of a stream that is held in memory: what is there of each run, one run after the other. */
export class MemoryCursor implements Cursor {
  readonly stream: LogStream
  readonly #source: LogSource
  readonly #memory: MemoryLog
  readonly #isFollowing: boolean
  #file: MemoryFile | null = null
  #offset = 0
  /** Up to here the output of the run that was the last one was there when the cursor was made. */
  readonly #history: { readonly run: number; readonly end: number }
  /** Logical: the first byte of a run is where its log was when it began. */
  readonly #from: number
  /** Of the last run; to be looked for. */
  #tail: number
  readonly #wants: ((text: string) => boolean) | undefined
  readonly #range: LogRange
  /** Nobody writes down when it arrives. */
  readonly arrival = null
  #seenBytes = 0
  #ahead: Buffer = NOTHING
  #gapBytes = 0
  #isUnderWay = false
  #isClosed = false

  constructor(source: LogSource, memory: MemoryLog, stream: LogStream, { follow, tail, from = 0, at, wants, range = {} }: CursorOptions) {
    this.stream = stream
    this.#source = source
    this.#memory = memory
    this.#isFollowing = follow
    this.#from = from
    this.#range = range
    const last = this.#openAfter(0, true)
    this.#history = { run: last?.run ?? 0, end: last?.size ?? 0 }
    this.#tail = at === undefined ? tail : Number.POSITIVE_INFINITY
    this.#wants = wants
    if (this.#tail !== Number.POSITIVE_INFINITY) this.#file = last
    else last?.close()
    if (at !== undefined) this.#goOnAt(at)
  }

  get hasData(): boolean {
    return this.#ahead.length > 0
  }

  get run(): number {
    return this.#file?.run ?? 0
  }

  get isOver(): boolean {
    const { run, until } = this.#range
    return (run !== undefined && this.run > run) || (until !== undefined && this.hasData && Date.now() * 1000 > until)
  }

  get place(): LogPlace | undefined {
    return this.#file === null ? undefined : { file: this.#file.ino, offset: this.#offset, run: this.#file.run }
  }

  get isInHistory(): boolean {
    return this.run < this.#history.run || (this.run === this.#history.run && this.#offset < this.#history.end)
  }

  places(): readonly string[] {
    return this.#file === null ? [this.#memory.place] : [this.#file.path, this.#memory.place]
  }

  hasChanged(): boolean {
    return this.#isClosed || (this.#file !== null && this.#file.size !== this.#seenBytes) || this.#nextRun() !== undefined
  }

  async fill(): Promise<void> {
    if (this.#tail !== Number.POSITIVE_INFINITY && this.#file !== null) this.#offset = await this.#tailOf(this.#file)
    this.#tail = Number.POSITIVE_INFINITY
    while (!this.#isClosed && !this.hasData) {
      if (this.#file !== null) this.#read(this.#file)
      if (this.hasData || !this.#goOver()) return
    }
  }

  take(): LogChunk {
    const data = this.#ahead
    const gapBytes = this.#gapBytes
    this.#ahead = NOTHING
    this.#gapBytes = 0
    this.#offset += data.length
    return { stream: this.stream, run: this.run, data, ...(gapBytes > 0 && { gapBytes }) }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#ahead = NOTHING
    this.#file?.close()
    this.#file = null
  }

  #read(file: MemoryFile): void {
    this.#seenBytes = file.size
    const limit = this.#isFollowing || file.run !== this.#history.run ? this.#seenBytes : this.#history.end
    const { offset, data } = file.read(this.#offset, limit, CHUNK_BYTES)
    if (this.#isUnderWay) this.#gapBytes += Math.max(0, Math.min(offset, limit) - this.#offset)
    this.#offset = Math.max(this.#offset, Math.min(offset, limit))
    this.#isUnderWay ||= data.length > 0
    this.#ahead = data
  }

  /** The last run is over when the next one begins. @returns whether there is one */
  #goOver(): boolean {
    const next = this.#openAfter(this.run, false)
    if (next === null) return false
    this.#file?.close()
    this.#file = next
    this.#offset = Math.max(0, this.#from - (this.#source.marks().find(({ run }) => run === next.run)?.[this.stream] ?? this.#from))
    return true
  }

  #nextRun(): number | undefined {
    if (this.#source.isOwn?.() === false) return undefined
    return this.#memory.runs().find((run) => run > this.run && (this.#isFollowing || run <= this.#history.run))
  }

  /** @param isLast the last run, instead of the next one */
  #openAfter(after: number, isLast: boolean): MemoryFile | null {
    const runs = this.#memory.runs().filter((run) => run > after && (isLast || this.#isFollowing || run <= this.#history.run))
    for (const run of isLast ? runs.toReversed() : runs) {
      const fd = this.#memory.open(run, this.stream)
      if (fd !== null) return new MemoryFile(run, fd)
    }
    return null
  }

  #goOnAt(at: LogPlace): void {
    for (let file = this.#openAfter(0, false); file !== null; file = this.#openAfter(file.run, false)) {
      if (file.ino === at.file || file.run > at.run) {
        this.#file = file
        this.#offset = file.ino === at.file ? at.offset : 0
        this.#isUnderWay = true
        return
      }
      file.close()
    }
  }

  /** Where its last lines begin. */
  #tailOf(file: MemoryFile): Promise<number> | number {
    const { end } = this.#history
    const find = (lines: number) => findTailOf(file, end, lines)
    const pieces = (from: number) => this.#pieces(file, from, end)
    return this.#wants === undefined ? find(this.#tail) : findWantedTail(this.#tail, async (lines) => find(lines), pieces, this.#wants)
  }

  async *#pieces(file: MemoryFile, from: number, end: number): AsyncGenerator<LogChunk, void, undefined> {
    for (let piece = file.read(from, end, CHUNK_BYTES), at = from; piece.data.length > 0; piece = file.read(at, end, CHUNK_BYTES)) {
      yield { stream: this.stream, run: file.run, data: piece.data, gapBytes: piece.offset - at }
      at = piece.offset + piece.data.length
    }
  }
}

function findTailOf(file: MemoryFile, size: number, lines: number): number {
  if (lines <= 0) return size
  const count = new LineStarts(size, lines, new Set())
  for (let end = size; end > file.head; ) {
    const from = Math.max(file.head, end - CHUNK_BYTES)
    const { offset, data } = file.read(from, end, end - from)
    const found = count.backwards(data, offset)
    if (found !== undefined) return found
    end = from
  }
  return 0
}
