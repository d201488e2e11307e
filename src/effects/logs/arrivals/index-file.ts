/** The file `arrivals` of a process: appended to by the manager that holds the directory, read by everybody. */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { errnoOf } from '../../../files.ts'
import { type ArrivalRecord, decodeRecords, encodeRecords, RECORD_BYTES } from './record.ts'
import { ArrivalTable } from './table.ts'

const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Enough for whoever writes all the time; a thousand that do cost an open and a close each time. */
const OPEN_AT_ONCE = 64
/** One that was not written to for so long is closed: nobody is to find the disk in use without need. */
const IDLE_MS = 1_000

/** What the end of an index says, without reading all of it. */
export interface IndexTail {
  /** 0: there is none. */
  readonly size: number
  readonly records: readonly ArrivalRecord[]
}

/** Of 4 KB: whoever appends sees to it that what was said last of each stream is never further away. */
const TAIL_RECORDS = 170
export const TAIL_PERIOD = TAIL_RECORDS / 2

/** @returns nothing for what cannot be read: then nothing is known */
export function readTail(path: string): IndexTail {
  return readFrom(path, (size) => Math.max(0, wholeRecords(size) - TAIL_RECORDS * RECORD_BYTES))
}

export function readIndex(path: string): IndexTail {
  return readFrom(path, () => 0)
}

function readFrom(path: string, startOf: (size: number) => number): IndexTail {
  try {
    const fd = openSync(path, READ)
    try {
      const stat = fstatSync(fd)
      if (!stat.isFile()) return { size: 0, records: [] }
      const start = startOf(stat.size)
      return { size: stat.size, records: [...decodeRecords(readBetween(fd, start, wholeRecords(stat.size)))] }
    } finally {
      closeSync(fd)
    }
  } catch {
    return { size: 0, records: [] }
  }
}

/** Keeps a few of them open. */
export class IndexWriter {
  /** The one that was used last is the last. */
  readonly #open = new Map<string, OpenIndex>()
  #timer: NodeJS.Timeout | undefined

  /** In bytes; 0 also for one that is made now. @throws what `open` throws */
  sizeOf(path: string): number {
    return this.#have(path).size
  }

  /**
   * @returns the size of the file
   * @throws what `open` and `write` throw: on a full disk the records are lost, and what is left of one is made up for
   */
  append(path: string, records: readonly ArrivalRecord[]): number {
    const { fd, size } = this.#have(path)
    const torn = size % RECORD_BYTES
    const bytes = Buffer.concat([Buffer.alloc(torn === 0 ? 0 : RECORD_BYTES - torn), encodeRecords(records)])
    const written = writeSync(fd, bytes)
    if (written < bytes.length) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
    return size + written
  }

  /** It is about to be replaced, or taken away. */
  forget(path: string): void {
    const known = this.#open.get(path)
    this.#open.delete(path)
    if (known !== undefined) closeSync(known.fd)
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const path of [...this.#open.keys()]) this.forget(path)
  }

  #have(path: string): { readonly fd: number; readonly size: number } {
    const known = this.#open.get(path)
    if (known !== undefined) {
      const { nlink, size } = fstatSync(known.fd)
      if (nlink > 0) return this.#use(path, known.fd, size)
      this.forget(path) // somebody has deleted it
    }
    const fd = openSync(path, APPEND, 0o600)
    const stat = fstatSync(fd)
    if (stat.isFile()) return this.#use(path, fd, stat.size)
    closeSync(fd)
    throw Object.assign(new Error('it is not a regular file'), { code: 'EINVAL' })
  }

  #use(path: string, fd: number, size: number): { readonly fd: number; readonly size: number } {
    this.#open.delete(path)
    this.#open.set(path, { fd, usedAtMs: performance.now() })
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= OPEN_AT_ONCE) break
      this.forget(oldest)
    }
    this.#timer ??= setTimeout(() => this.#closeIdle(), IDLE_MS).unref()
    return { fd, size }
  }

  #closeIdle(): void {
    const idleSinceMs = performance.now() - IDLE_MS
    for (const [path, { usedAtMs }] of this.#open) {
      if (usedAtMs > idleSinceMs) break
      this.forget(path)
    }
    this.#timer = this.#open.size === 0 ? undefined : setTimeout(() => this.#closeIdle(), IDLE_MS).unref()
  }
}

interface OpenIndex {
  readonly fd: number
  readonly usedAtMs: number
}

/** Follows an index: what was read stays read. */
export class IndexReader {
  readonly #path: string
  #table = new ArrivalTable()
  #file = ''
  #read = 0

  constructor(path: string) {
    this.#path = path
  }

  /** As of the last `refresh`. */
  get table(): ArrivalTable {
    return this.#table
  }

  /** Reads what has been appended. What cannot be read says nothing. @returns whether there was anything new */
  refresh(): boolean {
    let fd: number
    try {
      fd = openSync(this.#path, READ)
    } catch (error) {
      return errnoOf(error) === 'ENOENT' ? this.#begin('') : false
    }
    try {
      return this.#readOn(fd)
    } catch {
      return false
    } finally {
      closeSync(fd)
    }
  }

  #readOn(fd: number): boolean {
    const { dev, ino, birthtimeMs, size } = fstatSync(fd)
    const file = `${dev}.${ino}.${birthtimeMs}`
    const isAnother = (file !== this.#file || size < this.#read) && this.#begin(file)
    const end = wholeRecords(size)
    if (end <= this.#read) return isAnother
    for (const record of decodeRecords(readBetween(fd, this.#read, end))) this.#table.add(record)
    this.#read = end
    return true
  }

  #begin(file: string): boolean {
    const isNew = this.#file !== file
    this.#table = new ArrivalTable()
    this.#file = file
    this.#read = 0
    return isNew
  }
}

function wholeRecords(size: number): number {
  return size - (size % RECORD_BYTES)
}

function readBetween(fd: number, from: number, to: number): Buffer {
  const bytes = Buffer.allocUnsafe(to - from)
  return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, from))
}
