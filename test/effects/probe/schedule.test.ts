import { describe, expect, it } from 'vitest'
import { firstProbeInMs, gapBetween, nextProbeAtMs, spreadOf } from '../../../src/effects/probe/schedule.ts'

describe('the place of a probe in its interval', () => {
  it('is always the same for one process and probe, and another one for another probe', () => {
    expect(spreadOf('web', 'liveness')).toBe(spreadOf('web', 'liveness'))
    expect(spreadOf('web', 'liveness')).not.toBe(spreadOf('web', 'readiness'))
  })

  it.each([['web-'], ['']])('is even over the interval for ids "%s1", "%s2" … that differ in a digit', (prefix) => {
    const tenths = new Array(10).fill(0)
    for (let n = 0; n < 500; n++) tenths[Math.floor(spreadOf(`${prefix}${n}`, 'liveness') * 10)] += 1
    expect(Math.min(...tenths)).toBeGreaterThan(25)
    expect(Math.max(...tenths)).toBeLessThan(80)
  })

  it('lies far apart for neighbours', () => {
    const places = Array.from({ length: 10 }, (_, n) => spreadOf(`web-${n}`, 'liveness')).sort()
    expect((places.at(-1) ?? 0) - (places[0] ?? 0)).toBeGreaterThan(0.5)
  })
})

describe('the first probe of a manager', () => {
  const facts = { startedAtMs: 100_000, lastAtMs: undefined, nowMs: 100_000, initialDelayMs: 0, intervalMs: 1_000, spread: 0.25 }
  it.each([
    ['of a new run comes at its place in the interval', {}, 250],
    ['comes after the initial delay', { initialDelayMs: 5_000 }, 5_250],
    ['is counted from the launch', { nowMs: 100_200 }, 50],
    ['goes on from the last one', { lastAtMs: 100_400, nowMs: 100_600 }, 800],
    ['goes on from the last one, whatever the initial delay', { lastAtMs: 100_400, nowMs: 100_600, initialDelayMs: 9_000 }, 800],
    ['that is due now comes now', { lastAtMs: 99_000 }, 0],
    ['that nobody has asked meanwhile is spread over the interval', { lastAtMs: 50_000 }, 250],
    ['of a run that nobody ever asked is spread over the interval', { nowMs: 900_000 }, 250],
    ['is not put off when the clock was set back since the last one', { lastAtMs: 900_000 }, 1_000],
    ['is not put off when the clock was set back since the launch', { startedAtMs: 900_000 }, 250],
  ])('%s', (_name, change, expected) => {
    expect(firstProbeInMs({ ...facts, ...change })).toBe(expected)
  })
})

describe('the next probe', () => {
  const facts = { lastAtMs: 1_000, gapMs: 100, intervalMs: 100, nowMs: 1_001 }
  it.each([
    ['comes an interval after the planned time of the last', {}, 1_100],
    ['comes at its time however long the last one took', { nowMs: 1_099.9 }, 1_100],
    ['comes at once when the last one took exactly the interval', { nowMs: 1_100 }, 1_100],
    ['skips what was missed, and keeps the phase', { nowMs: 1_350 }, 1_400],
    ['comes after another gap when the interval has changed', { gapMs: 30 }, 1_030],
    ['keeps the phase of the new interval when that was missed too', { gapMs: 30, nowMs: 1_131 }, 1_230],
  ])('%s', (_name, change, expected) => {
    expect(nextProbeAtMs({ ...facts, ...change })).toBe(expected)
  })

  it('goes over to a longer interval at its place, never later than that interval', () => {
    expect([0, 0.5, 1].map((spread) => gapBetween(1_000, 30_000, spread))).toEqual([1_000, 15_500, 30_000])
  })
})
