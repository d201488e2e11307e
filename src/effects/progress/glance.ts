/** A look at output that is there already, at once: what is to be known before a run is over cannot be waited for. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../../files.ts'
import type { LogStream } from '../logs/contract.ts'
import { placePath, readPlace } from '../logs/place.ts'

/** Of a long output the beginning is read, where some tools say how much there is, and the end. */
const HEAD_BYTES = 16 * 1024
const TAIL_BYTES = 64 * 1024

export interface Glance {
  /** In their order; between two of them bytes were left out. */
  readonly pieces: readonly Buffer[]
  /** The logical offset behind the last of them. */
  readonly end: number
}

/** @param from a logical offset */
export function glanceAt(jobDir: string, stream: LogStream, from: number): Glance {
  const path = join(jobDir, `${stream}.log`)
  const place = readPlace(placePath(path))
  const fd = place === undefined ? null : openOrNull(path)
  // While its head is being taken away, nobody knows for a moment where it stands.
  if (place === undefined || fd === null) return { pieces: [], end: from }
  try {
    const stat = fstatSync(fd)
    const { base, head } = place.flux === 0 ? place : { base: place.head, head: place.head }
    const end = base + stat.size
    if (!stat.isFile() || place.flux !== 0 || end <= from) return { pieces: [], end: from }
    const begin = Math.max(from, head)
    const spans =
      end - begin <= HEAD_BYTES + TAIL_BYTES
        ? [[begin, end]]
        : [
            [begin, begin + HEAD_BYTES],
            [end - TAIL_BYTES, end],
          ]
    return { pieces: spans.map(([first = 0, last = 0]) => read(fd, first - base, last - first)), end }
  } finally {
    closeSync(fd)
  }
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ELOOP' || errno === 'ENXIO') return null
    throw error
  }
}

function read(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at))
}
