/** The effect that has a run launched, or adopts it, and watches it: what it takes and obeys. Types only. */

import type { Identity, Outcome } from '../../types.ts'

/**
 * Identifies the run, and nothing more: it is persisted, handed to the effect again after a restore, and shown by inspectors. What to run is asked for by id.
 * `launch`: start it when nobody has claimed it yet.
 */
export interface RunInput {
  readonly id: string
  readonly run: number
  readonly launch?: true
}

export interface PortConflict {
  readonly name: string
  readonly port: number
}

export type RunCommand =
  | { readonly type: 'process.signal'; readonly signal: string; readonly target: 'group' | 'command'; readonly request: string }
  | { readonly type: 'process.refresh' }

/** Times in ms since 1970: `atMs` is when it happened, `nowMs` when it was found out. */
export type RunFact =
  /** The ports that it is launched with; told before it is launched. */
  | { readonly type: 'run.ports-assigned'; readonly run: number; readonly ports: Readonly<Record<string, number>>; readonly atMs: number }
  | { readonly type: 'run.launched'; readonly run: number; readonly identity: Identity; readonly atMs: number }
  /** The command has ended, but something of its tree is still there and is being stopped. */
  | { readonly type: 'run.exited'; readonly run: number; readonly outcome: Outcome; readonly atMs: number; readonly nowMs: number }
  /** The command has ended and the whole tree is gone. */
  | {
      readonly type: 'run.ended'
      readonly run: number
      readonly outcome: Outcome
      readonly atMs: number
      readonly nowMs: number
      /** One of its ports that somebody else was found to hold when it had ended. */
      readonly conflict?: PortConflict
    }
  | { readonly type: 'run.keeper-lost'; readonly run: number; readonly atMs: number }
  | { readonly type: 'signal.sent'; readonly request: string; readonly atMs: number }
  | { readonly type: 'signal.failed'; readonly request: string; readonly reason: string; readonly atMs: number }
