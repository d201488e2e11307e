/** Which rotated logs go. */
import { describe, expect, it } from 'vitest'
import { beyondLimits, nextExpiry, oldestBeyond, type StoredSegment } from '../../../../src/effects/logs/keep/retention.ts'

const NOW = 1_000_000

/** The oldest first, one a second, 100 bytes each. */
const segments = (count: number, name = 's'): StoredSegment[] =>
  Array.from({ length: count }, (_, index) => ({
    path: `${name}${index}`,
    from: index * 1_000,
    to: (index + 1) * 1_000,
    coding: 'plain',
    bytes: 100,
    rotatedAtMs: NOW - (count - index) * 1_000,
  }))

const NO_LIMIT = { maxFiles: 100, maxAgeMs: null, maxTotalBytes: null }
const pathsOf = (gone: readonly StoredSegment[]) => gone.map(({ path }) => path)

describe('rotated logs', () => {
  it('stay within limits', () => {
    expect(beyondLimits([segments(5), segments(2)], 0, NO_LIMIT, NOW)).toEqual([])
  })

  it('go beyond a number, of each stream', () => {
    expect(pathsOf(beyondLimits([segments(3, 'o'), segments(5, 'e')], 0, { ...NO_LIMIT, maxFiles: 2 }, NOW))).toEqual(['o0', 'e0', 'e1', 'e2'])
  })

  it('all go where none is kept', () => {
    expect(beyondLimits([segments(3)], 0, { ...NO_LIMIT, maxFiles: 0 }, NOW)).toHaveLength(3)
  })

  it('go at an age', () => {
    expect(pathsOf(beyondLimits([segments(4)], 0, { ...NO_LIMIT, maxAgeMs: 3_000 }, NOW))).toEqual(['s0', 's1'])
    expect(nextExpiry(segments(4), 10_000)).toBe(NOW + 6_000)
    expect(nextExpiry(segments(4), null)).toBeNull()
    expect(nextExpiry([], 5)).toBeNull()
  })

  it('go beyond a total, the oldest of both streams first, live logs counted', () => {
    expect(pathsOf(beyondLimits([segments(3, 'o'), segments(2, 'e')], 150, { ...NO_LIMIT, maxTotalBytes: 420 }, NOW))).toEqual(['o0', 'e0', 'o1'])
    expect(oldestBeyond(segments(2), 1_000, 500)).toHaveLength(2)
    expect(oldestBeyond(segments(2), 0, 200)).toEqual([])
  })
})
