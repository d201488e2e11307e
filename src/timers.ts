/** Timers for durations that callers give: longer ones than the 24 days that a timer can wait, also without end. */
import { ProcmanError } from './errors.ts'

/** A timer that is to wait longer than 2^31 - 1 ms fires at once. */
const LONGEST_NAP_MS = 2 ** 31 - 1

/** Calls back once, after so many ms; never with Infinity, and then nothing is kept waiting. @returns a function that ends it */
export function callAfter(ms: number, then: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const nap = (leftMs: number) => {
    if (leftMs === Number.POSITIVE_INFINITY) return
    const nowMs = Math.min(leftMs, LONGEST_NAP_MS)
    timer = setTimeout(() => (leftMs > nowMs ? nap(leftMs - nowMs) : then()), nowMs)
  }
  nap(ms)
  return () => clearTimeout(timer)
}

/** @throws PROCMAN_INVALID_ARGUMENT unless it is left out or a number of ms from 0 on; Infinity is one */
export function mustBeDuration(name: string, ms: number | undefined): void {
  if (ms === undefined || (typeof ms === 'number' && ms >= 0)) return
  throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', `${name} must be 0 ms or more, not ${JSON.stringify(ms) ?? String(ms)}`, { details: { [name]: ms } })
}
