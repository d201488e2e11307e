/** Turns a stop policy into the absolute times at which signals are sent. Pure. */
import type { StopInProgress, StopPolicy, StopPurpose } from '../../types.ts'

/**
 * @param timeoutMs instead of the policy's: from now to SIGKILL of the whole tree. 0: at once.
 * @returns the ladder of this stop; rungs at or behind the kill are left out.
 */
export function planStop(policy: StopPolicy, purpose: StopPurpose, nowMs: number, timeoutMs = policy.timeoutMs): StopInProgress {
  return {
    purpose,
    rungs: policy.ladder.filter((rung) => rung.afterMs < timeoutMs).map((rung) => ({ signal: rung.signal, atMs: nowMs + rung.afterMs })),
    killAtMs: nowMs + timeoutMs,
  }
}

/** A second stop may only make the end come sooner. */
export function hastenStop(current: StopInProgress, next: StopInProgress): StopInProgress {
  return next.killAtMs < current.killAtMs ? next : { ...current, purpose: next.purpose }
}
