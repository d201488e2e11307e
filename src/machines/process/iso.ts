/** The furthest that a date can be from 1970, in ms. */
const LAST_MS = 8.64e15

/** @param ms since 1970; what no calendar has, and what is no number, is shown as the last day. @returns ISO 8601 UTC */
export function isoOf(ms: number): string {
  return new Date(Number.isFinite(ms) ? Math.max(-LAST_MS, Math.min(ms, LAST_MS)) : LAST_MS).toISOString()
}
