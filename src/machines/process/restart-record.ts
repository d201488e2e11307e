/** What is shown of restarts: what was counted, and the circuit breaker. */
import type { BreakerPolicy, BreakerState, ProcessContext, RestartCause } from '../../types.ts'
import { isoOf } from './iso.ts'

/** By cause; causes of which nothing is counted are left out. */
export type AttemptsRecord = Readonly<
  Partial<
    Record<
      RestartCause,
      {
        /** Drives the waits. */
        readonly in_a_row: number
        /** When those were that the budget was counted by when it was asked last. */
        readonly at: readonly string[]
      }
    >
  >
>

export interface BreakerRecord {
  readonly state: BreakerState['state']
  /** When the failures counted were. */
  readonly failures_at: readonly string[]
  readonly open_until: string | null
  readonly policy: BreakerPolicy
}

const CLOSED: BreakerState = { state: 'closed', failuresAtMs: [], openUntilMs: null }

export function toAttemptsRecord({ counters }: ProcessContext): AttemptsRecord {
  return Object.freeze(Object.fromEntries(Object.entries(counters).map(([cause, { streak, atMs }]) => [cause, { in_a_row: streak, at: atMs.map(isoOf) }])))
}

/** Null: it has none. */
export function toBreakerRecord({ spec, breaker }: ProcessContext): BreakerRecord | null {
  if (spec.breaker === null) return null
  const { state, failuresAtMs, openUntilMs } = breaker ?? CLOSED
  return Object.freeze({ state, failures_at: failuresAtMs.map(isoOf), open_until: openUntilMs === null ? null : isoOf(openUntilMs), policy: spec.breaker })
}
