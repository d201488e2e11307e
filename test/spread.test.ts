import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { placeOf } from '../src/spread.ts'

/** How unevenly places fall into bins, as a chi-square: about the number of bins for even ones. */
function unevenness(places: readonly number[], bins: number): number {
  const counts = Array<number>(bins).fill(0)
  for (const place of places) counts[Math.floor(place * bins)] = (counts[Math.floor(place * bins)] ?? 0) + 1
  const expected = places.length / bins
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}

const numbered = (textOf: (n: number) => string, many = 1_000) => Array.from({ length: many }, (_, n) => placeOf(textOf(n)))

describe('the place of a text', () => {
  it('is always the same, and between 0 and 1', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const place = placeOf(text)
        expect(place).toBe(placeOf(text))
        expect(place).toBeGreaterThanOrEqual(0)
        expect(place).toBeLessThan(1)
      }),
    )
  })

  it.each([
    ['a number at the end', (n: number) => `web-${n}`],
    ['a number with zeros', (n: number) => `worker-${String(n).padStart(5, '0')}`],
    ['a number at the beginning', (n: number) => `${n}-web`],
    ['a number in the middle', (n: number) => `api/${n}/1`],
    ['the same id in other runs', (n: number) => `web/1893456000000/${n}`],
    ['a time', (n: number) => `web/${1_893_456_000_000 + n}/1`],
  ])('of texts that differ by %s is spread evenly', (_name, textOf) => {
    // Even places are above 100 once in ten thousand times.
    expect(unevenness(numbered(textOf), 50)).toBeLessThan(100)
  })

  it.each([
    ['web-0', 'web-1'],
    ['web-1', 'web-2'],
    ['a', 'b'],
    ['web/1/1', 'web/1/2'],
  ])('of %s and %s, which differ in one digit, is not close', (one, other) => {
    expect(Math.abs(placeOf(one) - placeOf(other))).toBeGreaterThan(0.01)
  })

  it('of ten instances leaves no more than a few in the same tenth', () => {
    const counts = Array<number>(10).fill(0)
    for (const place of numbered((n) => `servicehost-${n}`, 10)) counts[Math.floor(place * 10)] = (counts[Math.floor(place * 10)] ?? 0) + 1
    expect(Math.max(...counts)).toBeLessThanOrEqual(4)
  })

  it('hardly ever falls together', () => {
    expect(new Set(numbered((n) => `web-${n}`, 10_000)).size).toBeGreaterThan(9_990)
  })
})
