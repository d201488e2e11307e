import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { breakerAfter, breakerOnStart, isOpen, trialMs } from '../../../src/machines/process/breaker.ts'
import type { BreakerState } from '../../../src/types.ts'
import { aBreaker, EPOCH_MS } from '../fixtures.ts'

const policy = aBreaker({ failures: 3, windowMs: 60_000, cooldownMs: 300_000 })
const closed = (...failuresAtMs: number[]): BreakerState => ({ state: 'closed', failuresAtMs, openUntilMs: null })
const halfOpen: BreakerState = { state: 'half-open', failuresAtMs: [EPOCH_MS - 300_000], openUntilMs: null }
const open: BreakerState = { state: 'open', failuresAtMs: [EPOCH_MS], openUntilMs: EPOCH_MS + 300_000 }

const afterEnd = (state: BreakerState | null, isFailure: boolean, atMs = EPOCH_MS) => breakerAfter({ policy, state, isFailure, atMs })

describe('what the end of a run makes of the breaker', () => {
  it.each([
    { name: 'the first failure', state: null, isFailure: true, to: closed(EPOCH_MS) },
    { name: 'one below the limit', state: closed(EPOCH_MS - 1), isFailure: true, to: closed(EPOCH_MS - 1, EPOCH_MS) },
    {
      name: 'the last one within the window opens it',
      state: closed(EPOCH_MS - 59_999, EPOCH_MS - 1),
      isFailure: true,
      to: { state: 'open', failuresAtMs: [EPOCH_MS - 59_999, EPOCH_MS - 1, EPOCH_MS], openUntilMs: EPOCH_MS + 300_000 },
    },
    { name: 'those before the window are forgotten', state: closed(EPOCH_MS - 60_000, EPOCH_MS - 1), isFailure: true, to: closed(EPOCH_MS - 1, EPOCH_MS) },
    { name: 'an end that was no failure forgets nothing', state: closed(EPOCH_MS - 1), isFailure: false, to: closed(EPOCH_MS - 1) },
    { name: 'nothing counted, and no failure', state: null, isFailure: false, to: null },
    {
      name: 'the trial run failed: open again, at once',
      state: halfOpen,
      isFailure: true,
      to: { state: 'open', failuresAtMs: [EPOCH_MS], openUntilMs: EPOCH_MS + 300_000 },
    },
    { name: 'the trial run ended well: closed, and nothing counted', state: halfOpen, isFailure: false, to: null },
  ])('$name', ({ state, isFailure, to }) => {
    expect(afterEnd(state, isFailure)).toEqual(to)
  })

  it('without one there is none', () => {
    expect(breakerAfter({ policy: null, state: halfOpen, isFailure: true, atMs: EPOCH_MS })).toBeNull()
  })

  it('of one failure opens at the first', () => {
    expect(breakerAfter({ policy: aBreaker({ failures: 1 }), state: null, isFailure: true, atMs: EPOCH_MS })?.state).toBe('open')
  })

  it('failures from before the clock was set back count as of now, and are forgotten in their turn', () => {
    const ahead = EPOCH_MS + 365 * 24 * 3_600_000
    expect(afterEnd(closed(ahead), true)).toEqual(closed(EPOCH_MS, EPOCH_MS))
    expect(afterEnd(closed(EPOCH_MS, EPOCH_MS), true, EPOCH_MS + 60_000)).toEqual(closed(EPOCH_MS + 60_000))
  })

  it('keeps no more failures than open it, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(100_000))), (ends) => {
        let state: BreakerState | null = null
        let atMs = EPOCH_MS
        for (const [isFailure, laterMs] of ends) {
          atMs += laterMs
          state = afterEnd(breakerOnStart(state), isFailure, atMs)
          expect(state?.failuresAtMs.length ?? 0).toBeLessThanOrEqual(policy.failures)
          expect(state?.openUntilMs ?? null).toBe(state?.state === 'open' ? atMs + policy.cooldownMs : null)
        }
      }),
    )
  })
})

describe('whether a run may be begun', () => {
  it.each([
    ['nothing counted', null, 0, false],
    ['closed', closed(EPOCH_MS), 0, false],
    ['half-open', halfOpen, 0, false],
    ['open, a ms before the cooldown is over', open, 299_999, true],
    ['open, and the cooldown is over', open, 300_000, false],
  ] as const)('%s', (_name, state, laterMs, isShut) => {
    expect(isOpen(state, EPOCH_MS + laterMs)).toBe(isShut)
  })

  it('a run behind an open breaker is the trial; behind others it changes nothing', () => {
    expect(breakerOnStart(open)).toEqual({ state: 'half-open', failuresAtMs: [EPOCH_MS], openUntilMs: null })
    for (const state of [null, closed(EPOCH_MS), halfOpen]) expect(breakerOnStart(state)).toBe(state)
  })

  it.each([
    [60_000, 10_000, 10_000],
    [60_000, 600_000, 60_000],
  ])('a trial has passed after the shorter of window %i and resetAfterMs %i', (windowMs, resetAfterMs, ms) => {
    expect(trialMs(aBreaker({ windowMs }), resetAfterMs)).toBe(ms)
  })
})
