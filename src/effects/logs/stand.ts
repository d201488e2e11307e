/** Where a live file stands in its log: what its place says, seen together with the file itself. Decisions only. */
import type { Place } from './place.ts'

const BLOCK_BYTES = 4096

export interface Standing {
  /** The logical offset of the live file's first byte. */
  readonly base: number
  /** Bytes from this logical offset on are read from the live file, those before it from segments. */
  readonly head: number
}

interface LiveFacts {
  readonly ino: string
  /** In bytes. */
  readonly size: number
  /** How it stood when it was looked at before. */
  readonly before: Standing | undefined
  /** Only where nobody will end the flux: how many whole blocks of bytes, at most so many bytes, are nothing but NULs at its beginning. */
  readonly emptyBytes: ((atMost: number) => number) | undefined
}

/**
 * - A place that speaks of another file: this one was put in the place of that one, and goes on where that one was rotated last; or that one has followed it,
 *   and then this one stands as it stood.
 * - A file that is smaller than its punched head was emptied by its own program: what it has now comes behind that.
 * - A collapse that nobody ends (its keeper was killed) has taken away those blocks of the punched head that are not there any more: text has no block of NULs.
 *
 * @returns undefined while a collapse is under way
 */
export function standingOf(place: Place, { ino, size, before, emptyBytes }: LiveFacts): Standing | undefined {
  if (place.ino !== '0' && place.ino !== ino) return before ?? { base: place.head, head: place.head }
  const base = baseOf(place, size, emptyBytes)
  if (base === undefined) return undefined
  return size < place.head - base ? { base: place.head, head: place.head } : { base, head: place.head }
}

function baseOf({ base, head, flux, size: sizeBefore }: Place, size: number, emptyBytes: LiveFacts['emptyBytes']): number | undefined {
  switch (flux) {
    case 0:
      return base
    case 1: {
      const punched = toBlocks(head - base)
      return emptyBytes && base + punched - emptyBytes(Math.min(punched, toBlocks(size)))
    }
    case 2:
      return size < sizeBefore ? head : base
    default:
      return flux satisfies never
  }
}

/**
 * How many bytes of whole blocks of NULs a file begins with, by halving: there are none behind the first block that is not empty.
 * @param isEmpty whether the block at an offset is nothing but NULs
 */
export function countEmpty(atMost: number, isEmpty: (offset: number) => boolean): number {
  let low = 0
  let high = atMost / BLOCK_BYTES
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (isEmpty(middle * BLOCK_BYTES)) low = middle + 1
    else high = middle
  }
  return low * BLOCK_BYTES
}

function toBlocks(bytes: number): number {
  return Math.floor(bytes / BLOCK_BYTES) * BLOCK_BYTES
}
