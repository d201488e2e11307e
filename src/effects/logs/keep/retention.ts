/** Which rotated output goes. Decisions only. */
import type { Segment } from '../segments.ts'

/** A segment as it lies on the disk. */
export interface StoredSegment extends Segment {
  /** What it takes, compressed or not. */
  readonly bytes: number
  readonly rotatedAtMs: number
}

export interface Limits {
  /** So many are kept of each stream. */
  readonly maxFiles: number
  /** Null: whatever their age. */
  readonly maxAgeMs: number | null
  /** Of both streams together, in bytes, live files included. Null: no limit. */
  readonly maxTotalBytes: number | null
}

/** @param streams the segments of each, oldest first. @param liveBytes of the live files. @returns those that are to go, in this order */
export function beyondLimits(
  streams: readonly (readonly StoredSegment[])[],
  liveBytes: number,
  { maxFiles, maxAgeMs, maxTotalBytes }: Limits,
  nowMs: number,
): readonly StoredSegment[] {
  const isOver = (segment: StoredSegment, index: number, all: readonly StoredSegment[]) =>
    index < all.length - maxFiles || (maxAgeMs !== null && segment.rotatedAtMs + maxAgeMs <= nowMs)
  const over = streams.flatMap((all) => all.filter(isOver))
  const goes = new Set(over)
  const left = streams.flat().filter((segment) => !goes.has(segment))
  return maxTotalBytes === null ? over : [...over, ...oldestBeyond(left, liveBytes, maxTotalBytes)]
}

/** @returns the oldest of all, until the rest fits in */
export function oldestBeyond(segments: readonly StoredSegment[], liveBytes: number, maxBytes: number): readonly StoredSegment[] {
  let left = segments.reduce((sum, { bytes }) => sum + bytes, liveBytes)
  const goes: StoredSegment[] = []
  // Of a whole state directory there may be many.
  if (left <= maxBytes) return goes
  for (const segment of [...segments].sort((a, b) => a.rotatedAtMs - b.rotatedAtMs || a.from - b.from)) {
    if (left <= maxBytes) break
    left -= segment.bytes
    goes.push(segment)
  }
  return goes
}

/** When the next one comes of age, in ms since 1970; null: none ever does. */
export function nextExpiry(segments: readonly StoredSegment[], maxAgeMs: number | null): number | null {
  if (maxAgeMs === null || segments.length === 0) return null
  return Math.min(...segments.map(({ rotatedAtMs }) => rotatedAtMs)) + maxAgeMs
}
