/** The effect that waits for an absolute time, which survives managers; XState's `after` does not. Types only. */

export interface DeadlineInput {
  /** Ms since 1970. In the past: passes at once. */
  readonly atMs: number
  /** Never waited longer than this, in ms, however the wall clock is set. */
  readonly atMostMs?: number
}

export type DeadlineFact = { readonly type: 'deadline.passed'; readonly atMs: number }
