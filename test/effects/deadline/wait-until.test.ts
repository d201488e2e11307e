import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createActor, createMachine } from 'xstate'
import { waitUntil } from '../../../src/effects/deadline/wait-until.ts'
import { EPOCH_MS } from '../../machines/fixtures.ts'

let passedAtMs: number[]
let skewMs: number
beforeEach(() => {
  vi.useFakeTimers({ now: EPOCH_MS })
  passedAtMs = []
  skewMs = 0
})
afterEach(() => {
  vi.useRealTimers()
})

function waiting(atMs: number, atMostMs?: number) {
  const effect = waitUntil({ live: new Set(), onError: (error) => expect.unreachable(String(error)) }, { nowMs: () => Date.now() + skewMs })
  const machine = createMachine({
    initial: 'waiting',
    states: {
      waiting: {
        invoke: { src: effect, input: { atMs, ...(atMostMs === undefined ? {} : { atMostMs }) } },
        on: { 'deadline.passed': { actions: ({ event }) => void passedAtMs.push(event.atMs - EPOCH_MS) } },
      },
    },
  })
  return createActor(machine).start()
}

describe('a deadline', () => {
  it.each([
    ['in the past passes at once', -1_000, 0],
    ['now passes at once', 0, 0],
    ['in a second passes then', 1_000, 1_000],
    ['in an hour passes then', 3_600_000, 3_600_000],
    ['in a month, longer than a timer can be, passes then', 2_592_000_000, 2_592_000_000],
  ])('%s, once', (_name, afterMs, passesMs) => {
    waiting(EPOCH_MS + afterMs)
    vi.advanceTimersByTime(Math.max(0, passesMs - 1))
    expect(passedAtMs).toEqual(passesMs === 0 ? [0] : [])
    vi.advanceTimersByTime(1_000_000)
    expect(passedAtMs).toEqual([passesMs])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that a clock has jumped over is noticed within half a minute', () => {
    waiting(EPOCH_MS + 3_600_000)
    vi.advanceTimersByTime(1_000)
    skewMs = 7_200_000
    vi.advanceTimersByTime(30_000)
    expect(passedAtMs).toHaveLength(1)
  })

  it('is not put off by a clock that is set back', () => {
    waiting(EPOCH_MS + 10_000)
    vi.advanceTimersByTime(1_000)
    skewMs = -86_400_000
    vi.advanceTimersByTime(9_000)
    expect(passedAtMs).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that an earlier manager set before the clock went back is waited for no longer than was meant', () => {
    waiting(EPOCH_MS + 86_400_000, 5_000)
    vi.advanceTimersByTime(4_999)
    expect(passedAtMs).toEqual([])
    vi.advanceTimersByTime(1)
    expect(passedAtMs).toEqual([5_000])
  })

  it('that is not waited for any more leaves no timer', () => {
    const actor = waiting(EPOCH_MS + 3_600_000)
    expect(vi.getTimerCount()).toBe(1)
    actor.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
