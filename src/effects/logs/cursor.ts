import { constants, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { LogChunk } from '../../api.ts'
import type { LogSource, LogStream } from './contract.ts'
import { findRun, type RunSpan } from './runs.ts'
import { findTail } from './tail.ts'

const CHUNK_BYTES = 64 * 1024
const NOTHING = Buffer.alloc(0)

/** The size of a file now; 0 if there is none. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/**
 * Reads the log of one stream forwards, at most 64 KB at a time and never ahead of that. Where it begins (and, without `follow`,
 * ends) is settled by the size at construction; nothing is opened before the first `fill`.
 *
 * A log that shrank was emptied by its own program: the cursor goes on at 0 of the new content. (Emptied and grown beyond the old
 * place between two looks it cannot be told from one that only grew.)
 */
export class LogCursor {
  readonly stream: LogStream
  readonly path: string
  readonly #source: LogSource
  readonly #tail: number
  readonly #sizeAtStart: number
  readonly #limit: number
  #opening: Promise<FileHandle | null> | undefined
  #file: FileHandle | null = null
  #offset = 0
  /** At the last look; bytes before it are read without looking again. */
  #size = 0
  /** Read but not yet taken; its first byte stands at `#offset`. */
  #ahead: Buffer = NOTHING
  #runFloor = 1
  #isClosed = false

  constructor(source: LogSource, stream: LogStream, options: { readonly follow: boolean; readonly tail: number }) {
    this.stream = stream
    this.path = source.path(stream)
    this.#source = source
    this.#tail = options.tail
    this.#sizeAtStart = sizeOf(this.path)
    this.#limit = options.follow ? Number.POSITIVE_INFINITY : this.#sizeAtStart
  }

  get hasData(): boolean {
    return this.#ahead.length > 0
  }

  /** The run of the next byte. */
  get run(): number {
    return this.#span().run
  }

  /** The next byte was there when the cursor was made. */
  get isInHistory(): boolean {
    return this.#offset < this.#sizeAtStart
  }

  /** Synchronously: the size is another than at the last look. */
  hasChanged(): boolean {
    return sizeOf(this.path) !== this.#size
  }

  /** Reads on unless there is data already. No data afterwards: the end was reached, the log does not exist or the cursor is closed. */
  async fill(): Promise<void> {
    if (this.hasData || !(await this.#open())) return
    while (!this.#isClosed) {
      if (this.#offset >= this.#size) await this.#look()
      const length = Math.min(CHUNK_BYTES, this.#size - this.#offset, this.#limit - this.#offset)
      if (length <= 0 || this.#isClosed) return
      await this.#read(length)
      if (this.hasData) return
      this.#size = this.#offset // it shrank under the read: look again
    }
  }

  /** Takes what `fill` has read, up to the end of its run. Only with `hasData`. */
  take(): LogChunk {
    const { run, end } = this.#span()
    const data = this.#ahead.subarray(0, Math.min(this.#ahead.length, end - this.#offset))
    this.#ahead = this.#ahead.subarray(data.length)
    this.#offset += data.length
    this.#runFloor = run
    return { stream: this.stream, run, data }
  }

  /** Settles when the file is closed. A `fill` that is pending then ends or rejects. Repeated: settles likewise. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#ahead = NOTHING
    const file = await this.#opening?.catch(() => null)
    await file?.close()
  }

  /** Marks are asked for after the bytes were read: a run's mark is known before its first byte is written. */
  #span(): RunSpan {
    return findRun(this.#source.marks(), this.stream, this.#offset, this.#runFloor)
  }

  async #open(): Promise<boolean> {
    if (this.#isClosed) return false
    if (this.#file) return true
    this.#opening = openIfThere(this.path)
    this.#file = await this.#opening
    if (!this.#file || this.#isClosed) return false
    await this.#seek(this.#file)
    return true
  }

  async #seek(file: FileHandle): Promise<void> {
    if (this.#tail === Number.POSITIVE_INFINITY) return
    const starts = new Set(this.#source.marks().map((mark) => mark[this.stream]))
    this.#offset = await findTail(file, this.#sizeAtStart, this.#tail, starts)
  }

  async #look(): Promise<void> {
    const lastMark = this.#source.marks().at(-1) // before the size: a mark beyond the size then tells that the log was emptied
    const size = (await this.#file?.stat())?.size ?? 0
    if (size < this.#offset) this.#offset = 0
    if (lastMark && lastMark[this.stream] > size) this.#runFloor = Math.max(this.#runFloor, lastMark.run)
    this.#size = size
  }

  async #read(length: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(length)
    const bytesRead = (await this.#file?.read(buffer, 0, length, this.#offset))?.bytesRead ?? 0
    if (!this.#isClosed) this.#ahead = buffer.subarray(0, bytesRead)
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  let file: FileHandle
  try {
    // Without waiting: a FIFO that somebody has put there would hold a thread for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const stat = await file.stat()
  if (stat.isFile() || stat.isDirectory()) return file // reading a directory fails with what it is
  await file.close()
  throw Object.assign(new Error(`${path} is not a regular file`), { code: 'EINVAL', path })
}
