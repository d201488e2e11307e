import { describe, expect, it } from 'vitest'
import { intervalInForce } from '../src/probe-interval.ts'

describe('the interval in force', () => {
  it.each([
    ['startup', false, 1_000],
    ['readiness', false, 1_000],
    ['liveness', false, 30_000],
    ['readiness', true, 30_000],
    ['liveness', true, 30_000],
  ] as const)('of %s, of a run that has been ready: %s', (probe, hasBeenReady, expected) => {
    expect(intervalInForce(probe, { intervalMs: 30_000, startIntervalMs: 1_000 }, hasBeenReady)).toBe(expected)
  })
})
