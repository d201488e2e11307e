/** What `createReconciler` takes and gives. */
import type { ActorRefFrom } from 'xstate'
import type { Supervisor } from '../api.ts'
import type { DesiredProcess, DesiredStateProvider } from '../desired.ts'
import type { Facts } from '../machines/reconciler/facts.ts'
import type { ReconcilerMachine } from '../machines/reconciler/machine.ts'
import type { ApplyReport, PlanLine } from '../manager/contract.ts'
import type { ProcessSpec } from '../types.ts'

export interface ReconcilerOptions {
  /** Of this process, or a client of one elsewhere. */
  readonly supervisor: Supervisor
  readonly provider: DesiredStateProvider
  /** Names the project: the absolute path of its directory, where relative working directories start. Only processes of this origin are changed or removed. Default: the working directory. */
  readonly origin?: string
  /** Closes the reconciler. */
  readonly signal?: AbortSignal
}

export interface ReconcileOptions {
  /** Also starts what a user has stopped, what has failed, what is orphaned. Default false. */
  readonly startDown?: boolean
  /** Also removes what other projects have declared; what has no origin stays in any case. Default false. */
  readonly replace?: boolean
  readonly signal?: AbortSignal
}

export interface DrainOptions {
  /** They are stopped, and not removed. Default false. */
  readonly keep?: boolean
  /** What still runs so long after the beginning is killed, in no order. In ms, 0 and up. Default 10 000. */
  readonly timeoutMs?: number
}

/** Brings about what is declared: once it is asked to, and from then on whenever that changes. */
export interface Reconciler {
  readonly actor: ActorRefFrom<ReconcilerMachine>
  /** What `apply` would do now. Does nothing. @throws what the provider tells instead of a list, PROCMAN_CLOSED */
  plan(options?: ReconcileOptions): Promise<readonly PlanLine[]>
  /**
   * Settles when all that can be done now is done: what waits for a dependency is told in `warnings`, and is started by itself as soon as that is there.
   * @throws what the provider tells instead of a list, PROCMAN_CLOSED, PROCMAN_ABORTED
   */
  apply(options?: ReconcileOptions): Promise<ApplyReport>
  /** Has the provider tell anew, and resolves once it has. @throws what it tells instead: what was declared before holds; PROCMAN_CLOSED, PROCMAN_ABORTED */
  refresh(options?: { readonly signal?: AbortSignal }): Promise<void>
  /** Stops everything of this origin, dependents first, and removes it. Nothing is started from here on, until the next `apply`. @throws PROCMAN_CLOSED */
  drain(options?: DrainOptions): Promise<ApplyReport>
  /** Lets go: nothing is changed any more, everything runs on. */
  close(): void
}

export interface PlanOptions {
  readonly processes: readonly DesiredProcess[]
  /** What there is, as `Reader.specs()` tells. */
  readonly actual: readonly { readonly spec: ProcessSpec; readonly record: Facts }[]
  /** As of `createReconciler`. */
  readonly origin?: string
  /** Ids of what is declared and not wanted. */
  readonly disabled?: readonly string[]
  readonly startDown?: boolean
  readonly replace?: boolean
}
