/** The effect that sends the signals of a stop at their times. Types only. */

export interface TerminateInput {
  readonly id: string
  readonly run: number
  /** When the stop was asked for, ms since 1970: a clock that stands before it has been set back meanwhile. */
  readonly askedAtMs: number
  /** Absolute, ms since 1970. Of those that are due when the effect starts, only the last is sent. */
  readonly rungs: readonly { readonly signal: string; readonly atMs: number }[]
  /** When the whole tree is killed. */
  readonly killAtMs: number
}

export type TerminateFact = { readonly type: 'stop.escalated'; readonly run: number; readonly signal: string; readonly atMs: number }
