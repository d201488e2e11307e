/** What goes over the stream of events. */
import type { Problem } from '../api.ts'
import type { ProcessRecord, ProcessState, SupervisorEmitted } from '../process.ts'
import type { ProcessContext } from '../types.ts'

/** Enough to make a process snapshot of it again. */
export interface WireSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  readonly value: ProcessState
  readonly context: ProcessContext
  /** Why its actor has failed. */
  readonly error?: string
}

export interface WireProcess {
  readonly record: ProcessRecord
  readonly snapshot: WireSnapshot
}

export type StreamEvent =
  | { readonly name: 'snapshot'; readonly data: { readonly processes: readonly WireProcess[]; readonly problems: readonly Problem[] } }
  | { readonly name: 'record'; readonly data: WireProcess }
  | { readonly name: 'removed'; readonly data: { readonly id: string } }
  | { readonly name: 'event'; readonly data: SupervisorEmitted }
  | { readonly name: 'problems'; readonly data: { readonly problems: readonly Problem[] } }
  /** It goes on behind the last event that was seen. */
  | { readonly name: 'resumed'; readonly data: object }
  /** The manager lets go. */
  | { readonly name: 'closing'; readonly data: object }
