/** When a probe is asked next. Pure: same facts, same times. */
import { placeOf } from '../../spread.ts'
import type { ProbeName } from '../../types.ts'

/** Where in an interval a probe has its place: 0 up to, but not, 1; always the same for the same process and probe. */
export function spreadOf(id: string, probe: ProbeName): number {
  return placeOf(`${id}/${probe}`)
}

/**
 * How long a manager that begins to attend a run waits for its first probe, in ms. It goes on with the schedule that it finds. A time that has passed, since
 * nobody asked meanwhile, is spread over an interval: five hundred processes that are adopted at once are no herd.
 *
 * @param facts `lastAtMs`: when the run was asked last, by whomever; undefined: never. Times in ms since 1970
 * @returns 0 and up; not more than was meant at first, however the clock was set meanwhile
 */
export function firstProbeInMs(facts: {
  readonly startedAtMs: number
  readonly lastAtMs: number | undefined
  readonly nowMs: number
  readonly initialDelayMs: number
  readonly intervalMs: number
  readonly spread: number
}): number {
  const { startedAtMs, lastAtMs, nowMs, initialDelayMs, intervalMs, spread } = facts
  const placeMs = spread * intervalMs
  const sinceMs = lastAtMs ?? startedAtMs
  const afterMs = lastAtMs === undefined ? initialDelayMs + placeMs : intervalMs
  const waitMs = sinceMs + afterMs - nowMs
  return waitMs < 0 ? placeMs : Math.min(waitMs, afterMs)
}

/**
 * The next time after `lastAtMs`, the planned one of the last probe: `gapMs` later, without drift. Times that were missed, since a probe took longer or nothing
 * could run, are skipped; the phase is kept.
 */
export function nextProbeAtMs(facts: { readonly lastAtMs: number; readonly gapMs: number; readonly intervalMs: number; readonly nowMs: number }): number {
  const { lastAtMs, gapMs, intervalMs, nowMs } = facts
  const nextAtMs = lastAtMs + gapMs
  return nextAtMs >= nowMs ? nextAtMs : nextAtMs + Math.ceil((nowMs - nextAtMs) / intervalMs) * intervalMs
}

/**
 * From the last probe at one interval to the first at the next one, in ms: between the two, each process at its place. Services that became ready within a
 * second would else be asked within the same second for ever.
 */
export function gapBetween(oldIntervalMs: number, newIntervalMs: number, spread: number): number {
  return oldIntervalMs + spread * (newIntervalMs - oldIntervalMs)
}
