/** Rotating and clearing a log that no run writes to, and no keeper keeps, as a keeper would: keeper/README.md has the contract. */
import { constants, fstatSync, ftruncateSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { errnoOf } from '../../../files.ts'
import { placeOf } from '../live-file.ts'
import { placePath, writePlace } from '../place.ts'
import { listSegments, segmentPath } from '../segments.ts'
import { countEmpty, standingOf } from '../stand.ts'
import { removeSegment } from './stock.ts'

const LIVE = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK
const TEMP = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const PIECE_BYTES = 1024 * 1024
const BLOCK_BYTES = 4096
const NULS = Buffer.alloc(BLOCK_BYTES)

/** Where a live file stands, whatever was under way when whoever kept it was killed. */
interface Settled {
  readonly ino: string
  readonly base: number
  readonly head: number
  readonly size: number
  readonly lost: number
}

/**
 * All that is in the live file goes into a segment; then the live file is emptied.
 * @param isIdle asked, and then acted upon, within one turn of the loop: nobody writes, and nobody has begun to
 * @returns false when somebody has: nothing has changed
 * @throws what `open`, `write` and `rename` throw; nothing is lost
 */
export function rotateIdle(livePath: string, isIdle: () => boolean): Promise<boolean> {
  return withLive(livePath, async (file) => {
    const { head, base, size } = settledOf(livePath, file.fd)
    if (base + size <= head) return emptied(livePath, file.fd, isIdle)
    const temp = livePath.replace(/\.log$/, `.${String(head).padStart(15, '0')}.log.tmp`)
    await rm(temp, { recursive: true, force: true })
    const copy = await open(temp, TEMP, 0o600)
    try {
      for (let at = head - base; at < size; ) at += await copyPiece(file, copy, at, Math.min(PIECE_BYTES, size - at))
      if (!isIdle()) return false
      const now = settledOf(livePath, file.fd)
      if (now.base !== base || now.head !== head || now.size < size) return false
      copyRest(file.fd, copy.fd, size, now.size)
      renameSync(temp, segmentPath(livePath, { from: head, to: base + now.size, coding: 'plain' }))
      empty(livePath, file.fd, now)
      return true
    } finally {
      await copy.close()
      rmSync(temp, { force: true })
    }
  })
}

/** All that is there goes, also what was rotated. As `rotateIdle` otherwise. */
export async function clearIdle(livePath: string, isIdle: () => boolean): Promise<boolean> {
  const isDone = await withLive(livePath, async (file) => emptied(livePath, file.fd, isIdle))
  if (isDone) for (const segment of listSegments(livePath)) removeSegment(livePath, segment)
  return isDone
}

async function withLive(livePath: string, work: (file: FileHandle) => Promise<boolean>): Promise<boolean> {
  let file: FileHandle
  try {
    file = await open(livePath, LIVE)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true
    throw error
  }
  try {
    if (!fstatSync(file.fd).isFile()) throw Object.assign(new Error(`${livePath} is not a regular file`), { code: 'EINVAL', syscall: 'open' })
    return await work(file)
  } finally {
    await file.close()
  }
}

function emptied(livePath: string, fd: number, isIdle: () => boolean): boolean {
  if (!isIdle()) return false
  empty(livePath, fd, settledOf(livePath, fd))
  return true
}

/** What is in it is kept elsewhere, or is not to be. Of one that is killed over it, the place tells how far it has come. */
function empty(livePath: string, fd: number, { ino, base, size, lost }: Settled): void {
  if (size === 0) return
  const path = placePath(livePath)
  const end = base + size
  writePlace(path, { ino, base, head: end, flux: 2, size, lost })
  ftruncateSync(fd, 0)
  writePlace(path, { ino, base: end, head: end, flux: 0, size: 0, lost })
}

function settledOf(livePath: string, fd: number): Settled {
  const place = placeOf(livePath)
  const stat = fstatSync(fd, { bigint: true })
  const [ino, size] = [String(stat.ino), Number(stat.size)]
  const emptyBytes = (atMost: number) => countEmpty(atMost, (offset) => isEmpty(fd, offset))
  const standing = standingOf(place, { ino, size, before: undefined, emptyBytes }) ?? place
  // A segment that was named by one who was killed before saying so.
  const head = Math.max(standing.head, listSegments(livePath).at(-1)?.to ?? 0)
  return { ino, base: standing.base + size < head ? head : standing.base, head, size, lost: place.lost }
}

function isEmpty(fd: number, offset: number): boolean {
  const block = Buffer.allocUnsafe(BLOCK_BYTES)
  return readSync(fd, block, 0, BLOCK_BYTES, offset) === BLOCK_BYTES && block.equals(NULS)
}

async function copyPiece(from: FileHandle, to: FileHandle, at: number, length: number): Promise<number> {
  const piece = Buffer.allocUnsafe(length)
  const { bytesRead } = await from.read(piece, 0, length, at)
  if (bytesRead === 0) throw Object.assign(new Error('the log was emptied while it was rotated'), { code: 'EAGAIN', syscall: 'read' })
  const { bytesWritten } = await to.write(piece, 0, bytesRead)
  if (bytesWritten < bytesRead) throw full()
  return bytesRead
}

function copyRest(from: number, to: number, begin: number, end: number): void {
  if (end === begin) return
  const rest = Buffer.allocUnsafe(end - begin)
  const length = readSync(from, rest, 0, rest.length, begin)
  if (length < rest.length || writeSync(to, rest) < rest.length) throw full()
}

function full(): Error {
  return Object.assign(new Error('the disk is full'), { code: 'ENOSPC', syscall: 'write' })
}
