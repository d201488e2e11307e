/** Where the live file of a stream stands in its log: `stdout.place` beside `stdout.log`, kept by whoever rotates. keeper/README.md has the contract. */
import { closeSync, constants, existsSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { errnoOf, replaceFile } from '../../files.ts'

/** So long, always: one write replaces all of it. */
export const PLACE_BYTES = 128

export interface Place {
  /** Of the live file that this speaks of, decimal; `0`: not known. */
  readonly ino: string
  /** The logical offset of the live file's first byte. */
  readonly base: number
  /** Bytes before this logical offset are not to be read from the live file any more. */
  readonly head: number
  /** 1: a collapse of the head is under way. 2: a truncation of all of it is. */
  readonly flux: 0 | 1 | 2
  /** Of the live file when flux 2 began, in bytes. */
  readonly size: number
  /** Bytes that could not be kept, since the log began. */
  readonly lost: number
}

/** Of a log that was never rotated. */
export const NO_PLACE: Place = { ino: '0', base: 0, head: 0, flux: 0, size: 0, lost: 0 }

export function placePath(livePath: string): string {
  return livePath.replace(/\.log$/, '.place')
}

const FORM = /^(\{"v":1,"ino":(\d+),"base":(\d+),"head":(\d+),"flux":([012]),"size":(\d+),"lost":(\d+)),"sum":"([0-9a-f]{8})"\} *\n$/

/** @returns undefined for what is damaged, or was read while it was written */
export function parsePlace(text: string): Place | undefined {
  const [, spoken = '', ino = '', base, head, flux, size, lost, sum] = FORM.exec(text) ?? []
  if (sum === undefined || sum !== checksum(spoken)) return undefined
  return { ino, base: Number(base), head: Number(head), flux: Number(flux) as Place['flux'], size: Number(size), lost: Number(lost) }
}

export function formatPlace({ ino, base, head, flux, size, lost }: Place): string {
  const spoken = `{"v":1,"ino":${ino},"base":${base},"head":${head},"flux":${flux},"size":${size},"lost":${lost}`
  const text = `${spoken},"sum":"${checksum(spoken)}"}`
  if (text.length >= PLACE_BYTES) throw new RangeError(`a place has ${PLACE_BYTES} bytes: ${text} is too long`)
  return `${text.padEnd(PLACE_BYTES - 1)}\n`
}

/** A write under way is over in microseconds. */
const TRIES = 20

/**
 * @param path of the place file
 * @returns `NO_PLACE` when there is none; undefined when it is damaged, or no file of ours
 */
export function readPlace(path: string): Place | undefined {
  if (!existsSync(path)) return NO_PLACE // most have none, and an exception is dear
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT') return NO_PLACE
    if (errno === 'ELOOP' || errno === 'ENXIO') return undefined
    throw error
  }
  try {
    if (!fstatSync(fd).isFile()) return undefined
    const bytes = Buffer.allocUnsafe(PLACE_BYTES)
    for (let tries = 0; tries < TRIES; tries++) {
      const place = parsePlace(bytes.toString('latin1', 0, readSync(fd, bytes, 0, PLACE_BYTES, 0)))
      if (place !== undefined) return place
    }
    return undefined
  } finally {
    closeSync(fd)
  }
}

/** For a log that no keeper keeps: two writers at a time are not meant. */
export function writePlace(path: string, place: Place): void {
  const text = formatPlace(place)
  if (!existsSync(path)) return replaceFile(path, text)
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  try {
    writeSync(fd, text, 0, 'latin1')
  } finally {
    closeSync(fd)
  }
}

/** FNV-1a, 32 bits. */
function checksum(text: string): string {
  let sum = 0x811c9dc5
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193)
  return (sum >>> 0).toString(16).padStart(8, '0')
}
