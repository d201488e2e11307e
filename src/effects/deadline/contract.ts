/** The effect that waits for an absolute time, which survives managers; XState's `after` does not. Types only. */

export interface DeadlineInput {
  /** Ms since 1970. In the past: passes at once. */
  readonly atMs: number
}

export type DeadlineFact = { readonly type: 'deadline.passed'; readonly atMs: number }
