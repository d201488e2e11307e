import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatSpan } from '../../../src/machines/process/span.ts'

describe('a span of time', () => {
  it.each([
    [0, '0ms'],
    [1, '1ms'],
    [0.4, '0ms'],
    [999, '999ms'],
    [999.4, '999ms'],
    [999.5, '1s'],
    [1_000, '1s'],
    [1_049, '1s'],
    [1_500, '1.5s'],
    [5_000, '5s'],
    [59_900, '59.9s'],
    [59_949, '59.9s'],
    [59_950, '1m'],
    [60_000, '1m'],
    [90_000, '1m30s'],
    [600_000, '10m'],
    [3_599_999, '1h'],
    [3_600_000, '1h'],
    [5_400_000, '1h30m'],
    [86_399_999, '1d'],
    [90_061_000, '1d1h'],
    [604_800_000, '7d'],
  ])('of %d ms is %s', (ms, text) => {
    expect(formatSpan(ms)).toBe(text)
  })

  it('is never written with more of a unit than the next one has', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (ms) => {
        for (const [, count = '', unit = ''] of formatSpan(ms).matchAll(/([\d.]+)(ms|s|m|h|d)/g))
          expect(Number(count)).toBeLessThan({ ms: 1_000, s: 60, m: 60, h: 24, d: 1e9 }[unit] ?? 0)
      }),
    )
  })
})
