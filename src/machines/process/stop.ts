/** Turns a stop policy into the absolute times at which signals are sent. Pure. */
import type { StopInProgress, StopPolicy, StopPurpose } from '../../types.ts'

/** No stop takes longer. Infinity would be null in JSON, and a timer cannot wait longer than 24 days. */
export const LONGEST_STOP_MS = 7 * 24 * 3_600_000

/**
 * @param askedMs instead of the policy's: from now to SIGKILL of the whole tree. 0: at once. At most a week.
 * @returns the ladder of this stop; rungs at or behind the kill are left out.
 */
export function planStop(policy: StopPolicy, purpose: StopPurpose, nowMs: number, askedMs = policy.timeoutMs): StopInProgress {
  const timeoutMs = Math.min(askedMs, LONGEST_STOP_MS)
  return {
    purpose,
    askedAtMs: nowMs,
    rungs: policy.ladder.filter((rung) => rung.afterMs < timeoutMs).map((rung) => ({ signal: rung.signal, atMs: nowMs + rung.afterMs })),
    killAtMs: nowMs + timeoutMs,
  }
}

/** A second stop may only make the end come sooner. */
export function hastenStop(current: StopInProgress, next: StopInProgress): StopInProgress {
  return next.killAtMs < current.killAtMs ? next : { ...current, purpose: next.purpose }
}
