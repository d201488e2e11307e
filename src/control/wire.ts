/** What goes over the stream of events. */
import type { Problem } from '../api.ts'
import type { ProcessRecord, ProcessState, SupervisorEmitted } from '../process.ts'
import type { ProcessContext } from '../types.ts'
import type { ErrorBody } from './errors.ts'

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

/** `unreadable`: what each process that cannot be managed for now is refused with. */
export interface WireTroubles {
  readonly problems: readonly Problem[]
  readonly unreadable: readonly ErrorBody[]
}

export type StreamEvent =
  | { readonly name: 'snapshot'; readonly data: { readonly processes: readonly WireProcess[] } & WireTroubles }
  | { readonly name: 'record'; readonly data: WireProcess }
  | { readonly name: 'removed'; readonly data: { readonly id: string } }
  | { readonly name: 'event'; readonly data: SupervisorEmitted }
  | { readonly name: 'problems'; readonly data: WireTroubles }
  /** It goes on behind the last event that was seen. */
  | { readonly name: 'resumed'; readonly data: object }
  /** The manager lets go. */
  | { readonly name: 'closing'; readonly data: object }
