/** How far a group of processes has come on the way to where it stays. Pure. */
import type { ProcessRecord } from '../index.ts'

export type Progress =
  /** Up, ready, and healthy if it is probed. */
  | { readonly kind: 'well' }
  /** It has ended as it should, or is started by nobody but a user. */
  | { readonly kind: 'done' }
  | { readonly kind: 'under-way'; readonly reason: string }
  /** It stays so until somebody does something. */
  | { readonly kind: 'failed'; readonly reason: string }

const WELL: Progress = { kind: 'well' }
const DONE: Progress = { kind: 'done' }

/** @param records of all that depend on each other */
export function progressOf(records: readonly ProcessRecord[]): ReadonlyMap<string, Progress> {
  const byId = new Map(records.map((record) => [record.id, record]))
  const known = new Map<string, Progress>()
  const look = (record: ProcessRecord): Progress => {
    const before = known.get(record.id)
    if (before !== undefined) return before
    // Who depends on itself, over others, was refused when the config was read.
    known.set(record.id, { kind: 'under-way', reason: 'waits' })
    const progress = isHeld(record) ? heldProgress(record) : ownProgress(record)
    known.set(record.id, progress)
    return progress
  }
  const heldProgress = (record: ProcessRecord): Progress => {
    const reason = record.waiting_for ?? 'it waits'
    const isBlocked = Object.entries(record.depends_on).some(([id, condition]) => {
      const needed = byId.get(id)
      if (needed === undefined) return true
      const progress = look(needed)
      return progress.kind === 'failed' || (progress.kind === 'done' && (needed.status !== 'completed' || condition === 'healthy'))
    })
    return { kind: isBlocked ? 'failed' : 'under-way', reason }
  }
  for (const record of records) look(record)
  return known
}

/** Down, and to be started once its dependencies are there. */
function isHeld({ state, waiting_for }: ProcessRecord): boolean {
  return waiting_for !== null && (state === 'pending' || state === 'exited' || state === 'orphaned')
}

function ownProgress(record: ProcessRecord): Progress {
  const { state, status, health, ready, error, waiting_for } = record
  switch (state) {
    case 'running':
      if (ready && (health === null || health.status === 'healthy')) return WELL
      return { kind: 'under-way', reason: waiting_for ?? 'not all of its probes have passed yet' }
    case 'pending':
      return DONE
    case 'exited':
    case 'orphaned':
      if (status === 'completed') return DONE
      return { kind: 'failed', reason: error ?? (status === 'cancelled' ? 'it was stopped' : 'how it ended is not known') }
    case 'starting':
    case 'unhealthy':
    case 'backoff':
    case 'stopping':
      return { kind: 'under-way', reason: waiting_for ?? `it is ${state}` }
  }
}
