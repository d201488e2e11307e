/** When a delivery that has failed is tried again. Pure. */

const FIRST_MS = 200
const LONGEST_MS = 30_000
/** A server may ask for more patience than that, but not for more than this. */
const LONGEST_ASKED_MS = 3_600_000

/**
 * @param failures in a row, 1 and up
 * @param chance from 0 to 1: each wait is up to a quarter longer or shorter, so that many do not come at once
 * @param askedMs what the other side asks for at least
 * @returns ms
 */
export function retryDelayMs(failures: number, chance: number, askedMs = 0): number {
  const doubled = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20))
  return Math.round(Math.max(doubled * (0.75 + chance / 2), Math.min(askedMs, LONGEST_ASKED_MS)))
}
