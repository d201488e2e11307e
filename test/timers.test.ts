import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { callAfter, mustBeDuration } from '../src/timers.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a timer', () => {
  it.each([0, 1, 5_000, 2 ** 31 - 1, 2 ** 31, 3 * 2 ** 31 + 7])('of %d ms fires then, once, and not before', (ms) => {
    const fired = vi.fn()
    callAfter(ms, fired)
    if (ms > 0) vi.advanceTimersByTime(ms - 1)
    expect(fired).toHaveBeenCalledTimes(0)
    vi.advanceTimersByTime(1)
    expect(fired).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(2 ** 32)
    expect(fired).toHaveBeenCalledTimes(1)
  })

  it('without end never fires, and keeps nothing waiting', () => {
    callAfter(Number.POSITIVE_INFINITY, () => expect.unreachable())
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that is ended does not fire, also in its second nap', () => {
    const fired = vi.fn()
    const stop = callAfter(2 ** 31 + 10, fired)
    vi.advanceTimersByTime(2 ** 31)
    stop()
    vi.advanceTimersByTime(2 ** 31)
    expect([fired.mock.calls.length, vi.getTimerCount()]).toEqual([0, 0])
  })
})

describe('a duration that is given', () => {
  it.each([undefined, 0, 0.5, 1e12, Number.POSITIVE_INFINITY])('may be %s', (ms) => expect(() => mustBeDuration('timeoutMs', ms)).not.toThrow())

  it.each([[-1], [Number.NaN], ['5s'], [null]])('may not be %s', (ms) => {
    expect(() => mustBeDuration('timeoutMs', ms as number)).toThrow(
      expect.objectContaining({ code: 'PROCMAN_INVALID_ARGUMENT', message: expect.stringContaining('timeoutMs') }),
    )
  })
})
