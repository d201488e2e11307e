/** What can be done with a process, as its actor is now. */
import type { ProcessRef } from '../api.ts'
import { type ProcessRecord, toRecord } from '../machines/process/record.ts'
import { type ActorSnapshot, damaged } from './wait.ts'

export function recordOf(ref: ProcessRef): ProcessRecord {
  const { value, context } = ref.getSnapshot()
  return toRecord(value, context)
}

/** @throws PROCMAN_PROCESS_DAMAGED when its actor has failed */
export function mustBeSound(ref: ProcessRef): ActorSnapshot {
  const snapshot = ref.getSnapshot()
  if (snapshot.status === 'error') throw damaged(ref.id, snapshot.error)
  return snapshot
}

/** A run is up, or about to be, and nobody stops it. */
export function isRunUp(snapshot: ActorSnapshot): boolean {
  return snapshot.hasTag('alive') && !snapshot.matches('stopping')
}

export function isRemovable(snapshot: ActorSnapshot): boolean {
  return snapshot.hasTag('settled') || snapshot.matches('pending')
}
