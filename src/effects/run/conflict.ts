/** Whether a run may have failed because somebody else holds one of its ports. */
import type { Outcome } from '../../types.ts'
import type { PortConflict } from './contract.ts'
import type { RunPorts } from './ports.ts'

/** A command that was executed, and did not end well. */
export function mayBeOfConflict(outcome: Outcome): boolean {
  return outcome.kind === 'signal' || (outcome.kind === 'code' && outcome.code !== 0)
}

/** Asks who has the ports of an ended run now; when that cannot be known, nobody. @returns a function that ends it */
export function onConflictKnown(ports: RunPorts, id: string, known: (conflict: PortConflict | null) => void): () => void {
  let isOver = false
  const unknown = (error: unknown) => {
    ports.onTrouble(id, error)
    return null
  }
  ports
    .conflictOf(id)
    .catch(unknown)
    .then((conflict) => {
      if (!isOver) known(conflict)
    })
  return () => {
    isOver = true
  }
}
