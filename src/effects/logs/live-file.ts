import { closeSync, openSync, readSync, statSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { errnoOf } from '../../files.ts'
import { type FileLook, lookInto, openLog, pathOfOpen, READ, unreadable } from './log-file.ts'
import { NO_PLACE, type Place, placePath, readPlace } from './place.ts'
import { listSegments } from './segments.ts'
import { countEmpty, type Standing, standingOf } from './stand.ts'

/** How a live file stood at one moment. */
export interface Stand extends Standing {
  /** The logical offset behind its last byte. */
  readonly end: number
  readonly look: FileLook
}

const BLOCK_BYTES = 4096
const NULS = Buffer.alloc(BLOCK_BYTES)
/** A place that changes under so many looks changes all the time: look again later. */
const TRIES = 10
/** A collapse takes some ms. So long after it began, whoever was at it is taken for dead. */
const PATIENCE_MS = 200

/** The live file of a stream, held open. It may be rotated, moved away or replaced meanwhile. */
export class LiveFile {
  readonly #path: string
  readonly #file: FileHandle
  #before: Stand | undefined
  #flux: { readonly head: number; readonly sinceMs: number } | undefined

  constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  /** @returns null when there is none. @throws PROCMAN_LOG_UNREADABLE, also for what is no regular file */
  static async open(path: string): Promise<LiveFile | null> {
    const file = await openLog(path)
    return file && new LiveFile(path, file)
  }

  look(): FileLook {
    return lookInto(this.#file.fd)
  }

  /** Where the kernel shows it, wherever it lies by now. */
  get pathOfOpen(): string {
    return pathOfOpen(this.#file)
  }

  /** @returns undefined while a collapse is under way, which takes some ms, or 200 when its keeper was killed: ask again */
  stand(): Stand | undefined {
    const { fd } = this.#file
    const before = this.#before
    const stand = standOf(this.#path, fd, { before }) ?? (this.#isLeft() ? standOf(this.#path, fd, { before, isHasty: true }) : undefined)
    this.#before = stand ?? before
    return stand
  }

  /**
   * @param offset logical; `length` bytes from it on are in the file, as it stood
   * @returns undefined: the file was rotated meanwhile, and what was read may be anything
   */
  async read(stand: Stand, offset: number, length: number): Promise<Buffer | undefined> {
    const buffer = Buffer.allocUnsafe(length)
    const { bytesRead } = await this.#file.read(buffer, 0, length, offset - stand.base)
    const now = this.stand()
    if (now === undefined || now.base !== stand.base || now.head > offset) return undefined
    return buffer.subarray(0, bytesRead)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  /** Nobody ends the collapse that is under way. */
  #isLeft(): boolean {
    const { flux, head } = placeOf(this.#path)
    if (flux !== 1) this.#flux = undefined
    else if (this.#flux?.head !== head) this.#flux = { head, sinceMs: performance.now() }
    return this.#flux !== undefined && Math.max(performance.now() - this.#flux.sinceMs, ageMs(placePath(this.#path))) > PATIENCE_MS
  }
}

/**
 * Synchronously. The end is right at this moment, base and head hold until the place changes.
 * @param options `before`: how it stood at the look before. `isHasty`: a collapse under way is not waited for, what it has done so far is found out
 * @returns undefined while a collapse is under way
 */
function standOf(
  path: string,
  fd: number,
  { before, isHasty = false }: { readonly before?: Standing | undefined; readonly isHasty?: boolean },
): Stand | undefined {
  const emptyBytes = isHasty ? (atMost: number) => countEmpty(atMost, (offset) => isEmpty(fd, offset)) : undefined
  for (let tries = 0; tries < TRIES; tries++) {
    const place = placeOf(path)
    const look = lookInto(fd)
    const standing = standingOf(place, { ino: String(look.ino), size: look.size, before, emptyBytes })
    if (standing === undefined) return undefined
    if (isSamePlace(place, placeOf(path)) && look.size <= lookInto(fd).size) return { ...standing, end: standing.base + look.size, look }
  }
  return undefined
}

function isEmpty(fd: number, offset: number): boolean {
  const block = Buffer.allocUnsafe(BLOCK_BYTES)
  return readSync(fd, block, 0, BLOCK_BYTES, offset) === BLOCK_BYTES && block.equals(NULS)
}

/** Synchronously, and without waiting. @returns the logical offset behind the last byte that is there now */
export function endOfLog(path: string, look: FileLook | null): number {
  const { base, head, flux } = placeOf(path)
  if (look === null) return head
  if ((base === 0 && head === 0 && flux === 0) || !look.isRegular) return look.size
  let fd: number
  try {
    fd = openSync(path, READ)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return head
    throw unreadable(path, error)
  }
  try {
    return standOf(path, fd, { isHasty: true })?.end ?? base + look.size
  } finally {
    closeSync(fd)
  }
}

/** Since it was written; never, when the clock was set back since. */
function ageMs(path: string): number {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY)
}

/** One that is damaged tells nothing: then what is in segments ends where the live file begins. */
export function placeOf(livePath: string): Place {
  return readPlace(placePath(livePath)) ?? afterSegments(livePath)
}

function afterSegments(livePath: string): Place {
  const end = listSegments(livePath).at(-1)?.to ?? 0
  return { ...NO_PLACE, base: end, head: end }
}

function isSamePlace(one: Place, other: Place): boolean {
  return one.ino === other.ino && one.base === other.base && one.head === other.head && one.flux === other.flux && one.size === other.size
}
