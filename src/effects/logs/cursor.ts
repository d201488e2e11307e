import type { FileHandle } from 'node:fs/promises'
import type { LogChunk } from '../../api.ts'
import type { LogSource, LogStream, RunMark } from './contract.ts'
import { type FileLook, isSameFile, lookAt, lookInto, openLog, pathOfOpen, unreadable } from './log-file.ts'
import type { LogPlace } from './position.ts'
import { findRun, marksOfReplaced, type RunSpan } from './runs.ts'
import { findTail } from './tail.ts'

const CHUNK_BYTES = 64 * 1024
const NOTHING = Buffer.alloc(0)

/**
 * Reads the log of one stream forwards, at most 64 KB at a time and never ahead of that. Where it begins (and, without `follow`,
 * ends) is settled by the size at construction; nothing is opened before the first `fill`.
 *
 * A log that shrank was emptied by its own program: the cursor goes on at 0 of the new content. (Emptied and grown beyond the old
 * place between two looks it cannot be told from one that only grew.)
 *
 * A log that was removed or moved away is read on, since its run goes on writing to it, until something was written to another file
 * in its place: then what it had until that moment is read to its end, and the other one from its beginning.
 */
export class LogCursor {
  readonly stream: LogStream
  readonly path: string
  readonly #source: LogSource
  readonly #tail: number
  readonly #isFollowing: boolean
  readonly #atStart: FileLook | null
  readonly #at: LogPlace | undefined
  readonly #limit: number
  /** Up to here the file that is read was there when the cursor was made. */
  #historyEnd: number
  #opening: Promise<FileHandle | null> | undefined
  #file: FileHandle | null = null
  /** The inode of the file that is read, or was read last. */
  #inode: string | undefined
  #offset = 0
  /** At the last look; bytes before it are read without looking again. */
  #size = 0
  /** Read but not yet taken; its first byte stands at `#offset`. */
  #ahead: Buffer = NOTHING
  #runFloor = 1
  #wasAway = false
  #isClosed = false

  /** @param options `from`: where to begin, without a `tail`. Default 0. `at`: where another cursor was, whatever the `tail` */
  constructor(
    source: LogSource,
    stream: LogStream,
    options: { readonly follow: boolean; readonly tail: number; readonly from?: number; readonly at?: LogPlace | undefined },
  ) {
    this.stream = stream
    this.path = source.path(stream)
    this.#source = source
    this.#tail = options.tail
    this.#isFollowing = options.follow
    this.#offset = options.from ?? 0
    this.#at = options.at
    this.#atStart = lookAt(this.path)
    this.#historyEnd = this.#atStart?.size ?? 0
    this.#limit = options.follow ? Number.POSITIVE_INFINITY : this.#historyEnd
  }

  get hasData(): boolean {
    return this.#ahead.length > 0
  }

  /** The run of the next byte. */
  get run(): number {
    return this.#span().run
  }

  /** Of the next byte that is taken; undefined while there is no file. */
  get place(): LogPlace | undefined {
    return this.#inode === undefined ? this.#at : { file: this.#inode, offset: this.#offset, run: this.#runFloor }
  }

  /** The next byte was there when the cursor was made. */
  get isInHistory(): boolean {
    return this.#offset < this.#historyEnd
  }

  /** Where something happens when there is more to read. */
  places(): readonly string[] {
    this.#wasAway = this.#isAway(lookAt(this.path))
    return this.#file && this.#wasAway ? [this.path, pathOfOpen(this.#file)] : [this.path]
  }

  /** Synchronously: since the last look there is more to read, or something else to watch than `places` has said. */
  hasChanged(): boolean {
    if (this.#isClosed) return true
    const atPath = lookAt(this.path)
    if (!this.#file) return atPath !== null && (atPath.size > 0 || !atPath.isRegular) && this.#isOurs(atPath)
    return lookInto(this.#file).size !== this.#size || this.#isAway(atPath) !== this.#wasAway || this.#isNext(atPath)
  }

  /** Reads on unless there is data already. No data afterwards: the end was reached, the log does not exist or the cursor is closed. */
  async fill(): Promise<void> {
    try {
      await this.#fill()
    } catch (error) {
      throw unreadable(this.path, error)
    }
  }

  async #fill(): Promise<void> {
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
    await Promise.all([file?.close(), this.#file?.close()]) // two while it goes over to another one
  }

  /** Marks are asked for after the bytes were read: a run's mark is known before its first byte is written. */
  #span(): RunSpan {
    return findRun(this.#marks(), this.stream, this.#offset, this.#runFloor)
  }

  /** Of the runs that wrote to the file that is read. */
  #marks(): readonly RunMark[] {
    try {
      const marks = this.#source.marks()
      const older = marksOfReplaced(marks, this.stream)
      return older !== marks && this.#isReplaced() ? older : marks
    } catch (error) {
      throw unreadable(this.path, error)
    }
  }

  async #open(): Promise<boolean> {
    if (this.#isClosed) return false
    if (this.#file) return true
    this.#opening = openLog(this.path)
    const file = await this.#opening
    if (!file || this.#isClosed) return false
    if (!this.#isOurs(lookInto(file))) {
      await file.close()
      return false
    }
    this.#file = file
    await this.#seek(file)
    this.#inode = String(lookInto(file).ino)
    return true
  }

  async #seek(file: FileHandle): Promise<void> {
    if (this.#atStart && !isSameFile(this.#atStart, lookInto(file))) this.#historyEnd = 0
    if (this.#at !== undefined) return this.#goOnAt(this.#at, lookInto(file))
    if (this.#tail === Number.POSITIVE_INFINITY) return
    const starts = new Set(this.#marks().map((mark) => mark[this.stream]))
    this.#offset = await findTail(file, this.#historyEnd, this.#tail, starts)
  }

  /** Another file, or one that was emptied, is read from its beginning. */
  #goOnAt(at: LogPlace, { ino, size }: FileLook): void {
    if (String(ino) !== at.file || size < at.offset) return
    this.#offset = at.offset
    this.#runFloor = at.run
  }

  async #look(): Promise<void> {
    const file = this.#file
    if (!file) return
    const atPath = lookAt(this.path) // before the size: the run that has written to another file began after this one was written to its end
    const lastMark = this.#marks().at(-1) // before the size: a mark beyond the size then tells that the log was emptied
    const { size } = lookInto(file)
    if (size < this.#offset) this.#offset = 0
    if (lastMark && lastMark[this.stream] > size) this.#runFloor = Math.max(this.#runFloor, lastMark.run)
    this.#size = size
    if (this.#offset >= size && this.#isNext(atPath)) await this.#goOver(file)
  }

  async #goOver(old: FileHandle): Promise<void> {
    this.#opening = openLog(this.path)
    const next = await this.#opening
    if (!next || this.#isClosed) return
    await old.close()
    if (this.#isClosed) return
    this.#file = next
    this.#inode = String(lookInto(next).ino)
    this.#historyEnd = 0
    this.#offset = 0
    this.#size = lookInto(next).size
  }

  /** The open file does not lie at its path any more. */
  #isAway(atPath: FileLook | null): boolean {
    return this.#file !== null && !isSameFile(atPath, lookInto(this.#file))
  }

  /** It is away, and another file has taken its place. A link or a FIFO there is not the log: the open one is. */
  #isReplaced(atPath: FileLook | null = lookAt(this.path)): boolean {
    return atPath?.isRegular === true && this.#isAway(atPath)
  }

  /** An empty one may be there just because somebody rotates logs: the run goes on writing to the open one. */
  #isNext(atPath: FileLook | null): boolean {
    return this.#isFollowing && atPath !== null && atPath.size > 0 && this.#isReplaced(atPath) && this.#isOurs(atPath)
  }

  #isOurs(look: FileLook): boolean {
    return isSameFile(look, this.#atStart) || this.#source.isOwn?.() !== false
  }

  async #read(length: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(length)
    const bytesRead = (await this.#file?.read(buffer, 0, length, this.#offset))?.bytesRead ?? 0
    if (!this.#isClosed) this.#ahead = buffer.subarray(0, bytesRead)
  }
}
