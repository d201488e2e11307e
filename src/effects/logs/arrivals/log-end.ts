/** How far the log of a stream has come, in logical offsets. */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import type { LogStream } from '../contract.ts'
import { NO_PLACE, type Place, placePath, readPlace } from '../place.ts'
import { listSegments } from '../segments.ts'

export interface LogEnd {
  /** Of the first byte of the live file. */
  readonly base: number
  /** What is before it is in rotated files. */
  readonly head: number
  readonly end: number
}

/** It is written several times within a few ms when a log is rotated: what is that new may be written again with the same time. */
const SETTLED_MS = 50
const TRIES = 4

/** Looks again and again at one stream. What has not changed is not read again. */
export class LogLook {
  readonly path: string
  readonly #place: string
  #known: Place = NO_PLACE
  #knownAs = ''

  constructor(jobDir: string, stream: LogStream) {
    // Not `join`: there may be thousands.
    this.path = `${jobDir}/${stream}.log`
    this.#place = `${jobDir}/${stream}.place`
  }

  /** @returns null while that cannot be told: there is no file yet, or it is being rotated. @throws what may pass: EACCES, EMFILE */
  end(): LogEnd | null {
    for (let tries = 0; tries < TRIES; tries++) {
      const place = this.#look()
      const live = lstatSync(this.path, { throwIfNoEntry: false })
      if (live === undefined || !live.isFile()) return null
      if (place === null || !isSame(place, this.#look())) continue
      const base = baseOf(place, String(live.ino), live.size)
      return base === null ? null : { base, head: place.head, end: base + live.size }
    }
    return null
  }

  #look(): Place | null {
    const stat = lstatSync(this.#place, { throwIfNoEntry: false })
    const seenAs = stat === undefined ? '' : `${stat.ino}.${stat.mtimeMs}`
    if (seenAs === this.#knownAs) return this.#known
    const place = stat === undefined ? NO_PLACE : readPlace(this.#place)
    if (place === undefined) return null
    this.#known = place
    this.#knownAs = stat !== undefined && Date.now() - stat.mtimeMs < SETTLED_MS ? 'new' : seenAs
    return place
  }
}

/** The offset of the first byte of a stream that is still there. */
export function oldestKept(jobDir: string, stream: LogStream): number {
  const path = join(jobDir, `${stream}.log`)
  return Math.min(readPlace(placePath(path))?.head ?? 0, ...listSegments(path).map(({ from }) => from))
}

function isSame(one: Place, other: Place | null): boolean {
  return one === other || (other !== null && one.base === other.base && one.head === other.head && one.flux === other.flux && one.ino === other.ino)
}

/** @returns null while the head is collapsed */
function baseOf({ ino, base, head, flux, size }: Place, liveIno: string, liveSize: number): number | null {
  if (ino !== '0' && ino !== liveIno) return head
  if (flux === 1) return null
  return flux === 2 && liveSize < size ? head : base
}
