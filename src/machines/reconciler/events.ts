/** Everything that can be said to the reconciler, and everything it says. Commands are imperative, facts are past tense. */
import type { DeadlineFact } from '../../effects/deadline/contract.ts'
import type { Step, Trouble } from './book.ts'
import type { Actual, Declared } from './facts.ts'
import type { Line } from './plan.ts'

export type ReconcilerCommand =
  /** Bring about what is declared. `startDown`: also start what a user has stopped or what has failed. `replace`: remove what other projects have declared. */
  | { readonly type: 'reconciler.reconcile'; readonly startDown: boolean; readonly replace: boolean }
  /** Everything of this project is to be down: dependents first, and killed from `killAtMs` (ms since 1970) on. `keep`: not removed. */
  | { readonly type: 'reconciler.drain'; readonly keep: boolean; readonly killAtMs: number }
  /** Nothing is done any more. */
  | { readonly type: 'reconciler.close' }

export type ReconcilerFact =
  /** All that is declared, each time. */
  | { readonly type: 'desired.given'; readonly declared: readonly Declared[]; readonly disabled: readonly string[] }
  /** Nobody can tell what is declared now. */
  | ({ readonly type: 'desired.failed' } & Failure)
  /** Null: it is not there any more. */
  | { readonly type: 'processes.changed'; readonly changes: readonly { readonly id: string; readonly actual: Actual | null }[] }
  /** With what there is now. */
  | { readonly type: 'step.done'; readonly step: Step; readonly actual: Actual | null; readonly atMs: number }
  | ({ readonly type: 'step.failed'; readonly step: Step; readonly actual: Actual | null; readonly atMs: number } & Failure)
  | DeadlineFact

export interface Failure {
  readonly code: string
  readonly message: string
}

export type ReconcilerEvent = ReconcilerCommand | ReconcilerFact

/** To the effect that carries steps out. */
export type ExecutorCommand = { readonly type: 'step.do'; readonly step: Step }

export type ReconcilerEmitted =
  /** The provider has told what is declared: so many processes. */
  | { readonly type: 'reconciler.told'; readonly processes: number }
  /** Somebody has asked, or what is declared has changed. */
  | { readonly type: 'reconciler.planned'; readonly lines: readonly Line[] }
  | { readonly type: 'reconciler.step'; readonly id: string; readonly step: Step['kind']; readonly reason: string }
  | ({ readonly type: 'reconciler.failed' } & Trouble)
  /** What is declared cannot be told: what was declared before holds. */
  | ({ readonly type: 'reconciler.desired-failed' } & Failure)
  /** All that could be done now is done. `waiting`: for a dependency; `failed`: could not be done. Ids. */
  | { readonly type: 'reconciler.steady'; readonly waiting: readonly string[]; readonly failed: readonly string[] }
