import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hastenStop, planStop } from '../../../src/machines/process/stop.ts'
import type { StopInProgress, StopPolicy } from '../../../src/types.ts'
import { EPOCH_MS } from '../fixtures.ts'

const polite: StopPolicy = { ladder: [{ signal: 'SIGTERM', afterMs: 0 }], timeoutMs: 5_000 }
const threeRungs: StopPolicy = {
  ladder: [
    { signal: 'SIGINT', afterMs: 0 },
    { signal: 'SIGTERM', afterMs: 1_000 },
    { signal: 'SIGQUIT', afterMs: 3_000 },
  ],
  timeoutMs: 4_000,
}

describe('the plan of a stop', () => {
  it.each([
    { name: 'SIGTERM now, the kill after the grace', policy: polite, timeoutMs: undefined, rungs: [['SIGTERM', 0]], killAfterMs: 5_000 },
    {
      name: 'every rung at its time',
      policy: threeRungs,
      timeoutMs: undefined,
      rungs: [
        ['SIGINT', 0],
        ['SIGTERM', 1_000],
        ['SIGQUIT', 3_000],
      ],
      killAfterMs: 4_000,
    },
    {
      name: 'a shorter grace by command leaves out the rungs behind the kill',
      policy: threeRungs,
      timeoutMs: 1_000,
      rungs: [['SIGINT', 0]],
      killAfterMs: 1_000,
    },
    { name: 'a longer grace by command', policy: polite, timeoutMs: 60_000, rungs: [['SIGTERM', 0]], killAfterMs: 60_000 },
    { name: 'no grace: only the kill', policy: threeRungs, timeoutMs: 0, rungs: [], killAfterMs: 0 },
    { name: 'no ladder: only the kill, in its time', policy: { ladder: [], timeoutMs: 50 }, timeoutMs: undefined, rungs: [], killAfterMs: 50 },
    {
      name: 'grace without end is a week: Infinity could not be saved',
      policy: polite,
      timeoutMs: Number.POSITIVE_INFINITY,
      rungs: [['SIGTERM', 0]],
      killAfterMs: 604_800_000,
    },
  ])('$name', ({ policy, timeoutMs, rungs, killAfterMs }) => {
    const plan = planStop(policy, 'stop', EPOCH_MS, timeoutMs)
    expect(plan).toEqual({
      purpose: 'stop',
      askedAtMs: EPOCH_MS,
      rungs: rungs.map(([signal, afterMs]) => ({ signal, atMs: EPOCH_MS + Number(afterMs) })),
      killAtMs: EPOCH_MS + killAfterMs,
    })
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })
})

describe('a second stop', () => {
  const current = planStop(polite, 'restart', EPOCH_MS)

  it('makes the kill come sooner', () => {
    const sooner = planStop(polite, 'stop', EPOCH_MS + 100, 200)
    expect(hastenStop(current, sooner)).toBe(sooner)
  })

  it('with more time changes nothing but what the stop is for', () => {
    expect(hastenStop(current, planStop(polite, 'stop', EPOCH_MS + 100))).toEqual({ ...current, purpose: 'stop' })
  })

  it('never makes the kill come later, whatever was asked in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(10_000), fc.nat(20_000)), { minLength: 1 }), (stops) => {
        let nowMs = EPOCH_MS
        let plan: StopInProgress = planStop(polite, 'leftovers', nowMs)
        for (const [laterMs, timeoutMs] of stops) {
          nowMs += laterMs
          const next = hastenStop(plan, planStop(polite, 'stop', nowMs, timeoutMs))
          expect(next.killAtMs).toBe(Math.min(plan.killAtMs, nowMs + timeoutMs))
          expect(next.purpose).toBe('stop')
          plan = next
        }
      }),
    )
  })
})
