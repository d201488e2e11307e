/** The circuit breaker: when no run is to be begun for a while, and when one is begun as a trial. Pure. */
import type { BreakerPolicy, BreakerState } from '../../types.ts'
import { recentOf } from './recent.ts'

export interface BreakerFacts {
  readonly policy: BreakerPolicy | null
  /** Null: closed, and nothing counted. */
  readonly state: BreakerState | null
  readonly isFailure: boolean
  readonly atMs: number
}

/** What the end of a run makes of it. A trial run that failed opens it again; one that ended well closes it. */
export function breakerAfter({ policy, state, isFailure, atMs }: BreakerFacts): BreakerState | null {
  if (policy === null) return null
  if (!isFailure) return state?.state === 'half-open' ? null : state
  const recent = recentOf(state?.failuresAtMs ?? [], atMs, policy.windowMs)
  const failuresAtMs = [...recent, atMs].slice(-policy.failures)
  const opens = state?.state === 'half-open' || failuresAtMs.length >= policy.failures
  return opens ? { state: 'open', failuresAtMs, openUntilMs: atMs + policy.cooldownMs } : { state: 'closed', failuresAtMs, openUntilMs: null }
}

/** No run may be begun now, unless the user insists. */
export function isOpen(state: BreakerState | null, nowMs: number): boolean {
  return state?.state === 'open' && state.openUntilMs !== null && nowMs < state.openUntilMs
}

/** A run is begun: behind an open breaker it is the trial. */
export function breakerOnStart(state: BreakerState | null): BreakerState | null {
  return state?.state === 'open' ? { ...state, state: 'half-open', openUntilMs: null } : state
}

/** A trial run that was ready for so long, in ms, has passed. */
export function trialMs(policy: BreakerPolicy, resetAfterMs: number): number {
  return Math.min(policy.windowMs, resetAfterMs)
}
