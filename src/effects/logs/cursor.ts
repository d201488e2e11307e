import type { LogChunk } from '../../log-api.ts'
import type { Cursor, CursorOptions } from './any-cursor.ts'
import { findBegin } from './begin.ts'
import type { ArrivalSpan, LogRange, LogSource, LogStream, RunMark } from './contract.ts'
import { endOfLog, LiveFile, placeOf, type Stand } from './live-file.ts'
import { type FileLook, isSameFile, lookAt, unreadable } from './log-file.ts'
import { Past } from './past.ts'
import type { LogPlace } from './position.ts'
import { findRun, marksOfReplaced, type RunSpan } from './runs.ts'

const CHUNK_BYTES = 64 * 1024
const NOTHING = Buffer.alloc(0)
/** How long a collapse under way is waited for before it is looked at again. */
const FLUX_MS = 2

/**
 * Reads the log of one stream forwards, at most 64 KB at a time and never ahead of that, by its logical offsets: what was rotated from its segments, the rest
 * from the live file, while that is rotated and segments are compressed or removed. What is not kept any more is passed over, and the next chunk tells how
 * much that was. Where it begins (and, without `follow`, ends) is settled by the size at construction; nothing is opened before the first `fill`.
 *
 * A log that shrank was emptied by its own program: the cursor goes on at the beginning of the new content. (Emptied and grown beyond the old
 * place between two looks it cannot be told from one that only grew.)
 *
 * A log that was removed or moved away is read on, since its run goes on writing to it, until something was written to another file
 * in its place: then what it had until that moment is read to its end, and the other one from its beginning.
 */
export class LogCursor implements Cursor {
  readonly stream: LogStream
  readonly path: string
  readonly #source: LogSource
  readonly #options: CursorOptions
  readonly #atStart: FileLook | null
  readonly #at: LogPlace | undefined
  readonly #limit: number
  readonly #past: Past
  readonly #range: LogRange
  /** Up to here the log was there when the cursor was made. */
  #historyEnd: number
  #opening: Promise<LiveFile | null> | undefined
  #live: LiveFile | null = null
  /** The inode of the live file that is read, or was read last. `0`: there is none, only segments. */
  #inode: string | undefined
  #offset = 0
  /** At the last look; bytes before its end are read without looking again. */
  #stand: Stand | undefined
  /** Read but not yet taken; its first byte stands at `#offset`. */
  #ahead: Buffer = NOTHING
  /** Of the next byte of `#ahead`. */
  #spanAhead: RunSpan | undefined
  /** Passed over before `#ahead`. */
  #gapBytes = 0
  /** Whoever begins at the beginning begins with what is kept: that is no gap. */
  #isUnderWay = false
  #runFloor = 1
  #wasAway = false
  #isClosed = false
  /** With which the next byte came; null: not known yet. */
  #arrival: { readonly offset: number; readonly span: ArrivalSpan | null } | undefined

  constructor(source: LogSource, stream: LogStream, options: CursorOptions) {
    this.stream = stream
    this.path = source.path(stream)
    this.#source = source
    this.#options = options
    this.#offset = options.from ?? 0
    this.#at = options.at
    this.#atStart = lookAt(this.path)
    this.#historyEnd = endOfLog(this.path, this.#atStart)
    this.#limit = options.follow ? Number.POSITIVE_INFINITY : this.#historyEnd
    this.#range = options.range ?? {}
    this.#past = new Past(this.path, () => source.isOwn?.() !== false)
  }

  get hasData(): boolean {
    return this.#ahead.length > 0
  }

  get run(): number {
    return this.#span().run
  }

  get arrival(): ArrivalSpan | null {
    if (this.#arrival?.offset !== this.#offset || this.#arrival.span === null) {
      this.#arrival = { offset: this.#offset, span: this.#source.arrivals?.at(this.stream, this.#offset) ?? null }
    }
    return this.#arrival.span
  }

  get isOver(): boolean {
    const { run, until } = this.#range
    if (run !== undefined && this.#inode !== undefined && this.run > run) return true
    return until !== undefined && this.hasData && (this.arrival?.seq ?? Date.now() * 1000) > until
  }

  get place(): LogPlace | undefined {
    return this.#inode === undefined ? this.#at : { file: this.#inode, offset: this.#offset, run: this.#runFloor }
  }

  get isInHistory(): boolean {
    return this.#offset < this.#historyEnd
  }

  places(): readonly string[] {
    this.#wasAway = this.#isAway(lookAt(this.path))
    return this.#live && this.#wasAway ? [this.path, this.#live.pathOfOpen] : [this.path]
  }

  hasChanged(): boolean {
    if (this.#isClosed) return true
    const atPath = lookAt(this.path)
    if (!this.#live) return atPath !== null && (atPath.size > 0 || !atPath.isRegular) && this.#isOurs(atPath)
    const look = this.#live.look()
    const seen = this.#stand?.look
    return look.size !== seen?.size || look.mtimeNs !== seen.mtimeNs || this.#isAway(atPath) !== this.#wasAway || this.#isNext(atPath)
  }

  async fill(): Promise<void> {
    try {
      await this.#fill()
    } catch (error) {
      throw unreadable(this.path, error)
    }
  }

  async #fill(): Promise<void> {
    if (this.hasData) return
    if (!(await this.#open())) return this.#isClosed ? undefined : this.#fillWithoutLive()
    if (this.#stand !== undefined && this.#offset >= this.#stand.end && !this.hasChanged()) return
    while (!this.#isClosed && !this.hasData && this.#offset < this.#limit) {
      if (this.#stand === undefined || this.#offset >= this.#stand.end) await this.#look()
      if (this.#isClosed || this.#stand === undefined) return
      if (this.#offset < this.#stand.head) await this.#readPast(this.#stand.head)
      else if (this.#offset >= this.#stand.end) return
      else await this.#readLive(this.#stand)
    }
  }

  take(): LogChunk {
    const { run, end } = this.#span()
    const { arrival } = this
    const data = this.#ahead.subarray(0, Math.min(this.#ahead.length, end - this.#offset, (arrival?.end ?? end) - this.#offset))
    const gapBytes = this.#gapBytes
    this.#ahead = this.#ahead.subarray(data.length)
    this.#offset += data.length
    this.#gapBytes = 0
    this.#runFloor = run
    return { stream: this.stream, run, data, ...this.#toldOf(arrival), ...(gapBytes > 0 && { gapBytes }) }
  }

  /** What nobody has written down while no manager lives came without one. */
  #toldOf(arrival: ArrivalSpan | null): Pick<LogChunk, 'at' | 'seq' | 'unattended'> {
    if (arrival !== null) return toldOf(arrival)
    return this.#source.isAttended?.() === false ? { unattended: true } : {}
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#ahead = NOTHING
    const live = await this.#opening?.catch(() => null)
    await Promise.all([live?.close(), this.#live?.close(), this.#past.close()]) // two while it goes over to another one
  }

  /** Marks are asked for after the bytes were read, and once for them: a run's mark is known before its first byte is written. */
  #span(): RunSpan {
    if (this.hasData && this.#spanAhead !== undefined && this.#offset < this.#spanAhead.end) return this.#spanAhead
    const span = findRun(this.#marks(), this.stream, this.#offset, this.#runFloor, this.#stand?.base)
    this.#spanAhead = this.hasData ? span : undefined
    return span
  }

  /** Of the runs that wrote to the file that is read, and before. */
  #marks(): readonly RunMark[] {
    try {
      const marks = this.#source.marks()
      return marks.length > 1 && this.#isReplaced() ? marksOfReplaced(marks, this.stream, this.#baseAtPath()) : marks
    } catch (error) {
      throw unreadable(this.path, error)
    }
  }

  /** Of the file that lies at the path now. */
  #baseAtPath(): number {
    const { ino, base, head } = placeOf(this.path)
    return ino === '0' || ino === String(lookAt(this.path)?.ino) ? base : head
  }

  async #open(): Promise<boolean> {
    if (this.#isClosed) return false
    if (this.#live) return true
    this.#opening = LiveFile.open(this.path)
    const live = await this.#opening
    if (!live || this.#isClosed) return false
    if (!this.#isOurs(live.look())) {
      await live.close()
      return false
    }
    this.#live = live
    const stand = await this.#settled(live)
    if (!stand) return false
    await this.#seek(live, stand)
    this.#inode = String(stand.look.ino)
    return true
  }

  async #seek(live: LiveFile, stand: Stand): Promise<void> {
    if (this.#atStart && !isSameFile(this.#atStart, stand.look)) this.#historyEnd = Math.min(this.#historyEnd, stand.head)
    if (this.#inode !== undefined) return // it came to segments that were read already
    if (this.#at !== undefined) this.#goOnAt(this.#at, stand)
    else await this.#begin(Math.min(this.#historyEnd, stand.end), live)
  }

  /** @param end behind what there is now */
  async #begin(end: number, live: LiveFile | null): Promise<void> {
    const { stream, path } = this
    const { arrivals } = this.#source
    const pieces = (from: number, to: number) => this.#between(from, to)
    this.#offset = await findBegin({ ...this.#options, log: { path, live }, stream, marks: this.#marks(), arrivals, end, pieces })
  }

  /** Another file, or one that was emptied, is read from its beginning; what was rotated before it stays where it is. */
  #goOnAt(at: LogPlace, { look, head, end }: Stand): void {
    this.#isUnderWay = true
    const isThere = at.offset < head || (String(look.ino) === at.file && at.offset <= end)
    this.#offset = isThere ? at.offset : head
    if (isThere) this.#runFloor = at.run
  }

  async #look(): Promise<void> {
    const live = this.#live
    if (!live) return
    const atPath = lookAt(this.path) // before the size: the run that has written to another file began after this one was written to its end
    const lastMark = this.#marks().at(-1) // before the size: a mark beyond the size then tells that the log was emptied
    const stand = await this.#settled(live)
    if (!stand || this.#isClosed) return
    if (stand.end < this.#offset) this.#offset = stand.head
    if (lastMark && lastMark[this.stream] > stand.end) this.#runFloor = Math.max(this.#runFloor, lastMark.run)
    this.#stand = stand
    if (this.#offset >= stand.end && this.#isNext(atPath)) await this.#goOver(live)
  }

  /** @returns undefined when it was closed */
  async #settled(live: LiveFile): Promise<Stand | undefined> {
    while (!this.#isClosed) {
      const stand = live.stand()
      if (stand) return stand
      await new Promise<void>((resolve) => setTimeout(resolve, FLUX_MS))
    }
    return undefined
  }

  async #goOver(old: LiveFile): Promise<void> {
    this.#opening = LiveFile.open(this.path)
    const next = await this.#opening
    if (!next || this.#isClosed) return
    await old.close()
    if (this.#isClosed) return
    this.#live = next
    this.#stand = await this.#settled(next)
    if (!this.#stand) return
    this.#inode = String(this.#stand.look.ino)
    this.#historyEnd = 0
    this.#offset = Math.min(this.#offset, this.#stand.head)
  }

  async #readPast(head: number): Promise<void> {
    const { offset, data } = await this.#past.read(this.#offset, head, Math.min(CHUNK_BYTES, this.#limit - this.#offset))
    if (this.#isClosed) return
    if (this.#isUnderWay) this.#gapBytes += offset - this.#offset
    this.#offset = offset
    this.#hold(data.subarray(0, Math.max(0, this.#limit - offset)))
  }

  async #readLive(stand: Stand): Promise<void> {
    const data = await this.#live?.read(stand, this.#offset, Math.min(CHUNK_BYTES, stand.end - this.#offset, this.#limit - this.#offset))
    if (data === undefined || data.length === 0)
      this.#stand = undefined // it was rotated, or shrank, under the read: look again
    else this.#hold(data)
  }

  #hold(data: Buffer): void {
    if (this.#isClosed || data.length === 0) return
    this.#isUnderWay = true
    this.#ahead = data
    this.#spanAhead = undefined
  }

  /** Somebody has taken the live file away: what was rotated is there all the same. */
  async #fillWithoutLive(): Promise<void> {
    const { head } = placeOf(this.path)
    if (this.#source.isOwn?.() === false) return
    if (this.#inode === undefined && head > 0) await this.#seekWithoutLive(head)
    while (!this.#isClosed && !this.hasData && this.#offset < Math.min(head, this.#limit)) await this.#readPast(head)
  }

  async #seekWithoutLive(head: number): Promise<void> {
    if (this.#at !== undefined) {
      this.#isUnderWay = true
      this.#offset = Math.min(this.#at.offset, head)
      this.#runFloor = this.#at.run
    } else await this.#begin(Math.min(this.#historyEnd, head), null)
    this.#inode = '0'
  }

  async *#between(from: number, end: number): AsyncGenerator<LogChunk> {
    const cursor = new LogCursor(this.#source, this.stream, { follow: false, tail: Number.POSITIVE_INFINITY, from })
    try {
      for (await cursor.fill(); cursor.hasData && cursor.#offset < end && !this.#isClosed; await cursor.fill()) {
        const length = end - cursor.#offset
        const chunk = cursor.take()
        yield { ...chunk, data: chunk.data.subarray(0, length) }
      }
    } finally {
      await cursor.close()
    }
  }

  /** The open file does not lie at its path any more. */
  #isAway(atPath: FileLook | null): boolean {
    return this.#live !== null && !isSameFile(atPath, this.#live.look())
  }

  /** It is away, and another file has taken its place. A link or a FIFO there is not the log: the open one is. */
  #isReplaced(atPath: FileLook | null = lookAt(this.path)): boolean {
    return atPath?.isRegular === true && this.#isAway(atPath)
  }

  /** An empty one may be there just because somebody rotates logs: the run goes on writing to the open one. */
  #isNext(atPath: FileLook | null): boolean {
    return this.#options.follow && atPath !== null && atPath.size > 0 && this.#isReplaced(atPath) && this.#isOurs(atPath)
  }

  #isOurs(look: FileLook): boolean {
    return isSameFile(look, this.#atStart) || this.#source.isOwn?.() !== false
  }
}

function toldOf({ seq, isUnattended }: ArrivalSpan): Pick<LogChunk, 'at' | 'seq' | 'unattended'> {
  return { at: Math.floor(seq / 1000), seq, ...(isUnattended && { unattended: true }) }
}
