/** A file that is appended to, and moved out of the way when it is large. */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from '../../files.ts'
import type { LogRecord } from '../record/contract.ts'
import { linesOf } from './render.ts'
import type { Target } from './target.ts'
import { writeAll } from './write-all.ts'

/** Without waiting for somebody to read, should it be a FIFO. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK
const READ_AND_APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_NONBLOCK
const FIRST_LOOK_BYTES = 4 * 1024
/** More than a line of 1 MB can become. */
const LONGEST_LINE_BYTES = 16 * 1024 * 1024
const LF = 10

export interface FileOptions {
  readonly path: string
  readonly format: 'json' | 'plain'
  readonly maxSizeBytes: number
  readonly maxFiles: number
}

export function fileTarget(options: FileOptions): Target {
  const file = new RotatingFile(options)
  return {
    destination: options.path,
    deliver: (records: readonly LogRecord[], signal) => file.append(Buffer.from(linesOf(records, options.format)), signal),
    close: () => file.close(),
  }
}

class RotatingFile {
  readonly #options: FileOptions
  #file: FileHandle | null = null
  #ino = 0
  #size = 0
  #isRegular = true
  #isBusy = false
  #isClosed = false

  constructor(options: FileOptions) {
    this.#options = options
  }

  async append(bytes: Buffer, signal: AbortSignal): Promise<void> {
    this.#isBusy = true
    try {
      await this.#append(bytes, signal)
    } finally {
      this.#isBusy = false
      if (this.#isClosed) this.#letGo()
    }
  }

  /** What is being written is written by number: were its file closed before, it would end up in the next one that is opened. */
  close(): void {
    this.#isClosed = true
    if (!this.#isBusy) this.#letGo()
  }

  async #append(bytes: Buffer, signal: AbortSignal): Promise<void> {
    const file = await this.#open(bytes.length)
    const before = this.#size
    try {
      await writeAll(file.fd, bytes, signal)
      this.#size += bytes.length
    } catch (error) {
      // A part of it may be there (the disk was full): it comes again as a whole.
      if (this.#isRegular) await file.truncate(before).catch(() => {})
      this.#letGo()
      throw error
    }
  }

  #letGo(): void {
    void this.#file?.close().catch(() => {})
    this.#file = null
  }

  /** The file at the path, whoever has moved or removed the one before, with room for so many bytes. */
  async #open(bytes: number): Promise<FileHandle> {
    const { path, maxSizeBytes } = this.#options
    if (this.#file !== null && (await inodeOf(path)) !== this.#ino) this.#letGo()
    let file = this.#file ?? (await this.#openAnew())
    if (this.#isRegular && this.#size > 0 && this.#size + bytes > maxSizeBytes) {
      this.#letGo()
      await this.#rotate()
      file = await this.#openAnew()
    }
    return file
  }

  async #openAnew(): Promise<FileHandle> {
    const { path } = this.#options
    await makeDirectory(dirname(path))
    const file = await open(path, APPEND, 0o600)
    const look = await file.stat()
    this.#file = file
    this.#ino = look.ino
    this.#isRegular = look.isFile()
    this.#size = this.#isRegular ? await endLastLine(path, look.size) : 0
    return file
  }

  async #rotate(): Promise<void> {
    const { path, maxFiles } = this.#options
    if (maxFiles === 0) return rm(path, { force: true })
    for (let n = maxFiles - 1; n >= 0; n--) await moveIfThere(n === 0 ? path : `${path}.${n}`, `${path}.${n + 1}`)
  }
}

/** What one of our lines begins with, or as much of that as there is. */
const OUR_LINE = /^(?:\{"time":"|\d{4}-\d\d-\d\dT)/
const OUR_BEGINNING = /^(?:\{"?t?i?m?e?"?:?"?|[\d-]{1,10})$/

/**
 * A manager that was killed while it wrote has left a part of a line: that is taken away, since the whole of it comes again. What is of somebody else is ended.
 * @returns the size
 */
async function endLastLine(path: string, size: number): Promise<number> {
  if (size === 0) return 0
  const file = await open(path, READ_AND_APPEND)
  try {
    const tail = await lastLine(file, size)
    if (tail === '') return size
    if (OUR_LINE.test(tail) || OUR_BEGINNING.test(tail)) {
      const whole = size - Buffer.byteLength(tail, 'latin1')
      await file.truncate(whole)
      return whole
    }
    await file.write('\n')
    return size + 1
  } finally {
    await file.close()
  }
}

/** @returns in latin1: what stands behind the last line end; at most what a record may have */
async function lastLine(file: FileHandle, size: number): Promise<string> {
  for (let length = FIRST_LOOK_BYTES; ; length *= 16) {
    const tail = Buffer.alloc(Math.min(length, size))
    await file.read(tail, 0, tail.length, size - tail.length)
    const end = tail.lastIndexOf(LF)
    if (end >= 0 || tail.length === size || length >= LONGEST_LINE_BYTES) return tail.toString('latin1', end + 1)
  }
}

/** One after the other: Node's own way does not end where a directory cannot be made and says ENOENT, as in /proc. */
async function makeDirectory(path: string, isLastTry = false): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return
    if (errnoOf(error) !== 'ENOENT' || isLastTry || dirname(path) === path) {
      if ((await inodeOf(path)) !== null) return
      throw error
    }
    await makeDirectory(dirname(path))
    await makeDirectory(path, true)
  }
}

async function inodeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).ino
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw error
  }
}

async function moveIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}
