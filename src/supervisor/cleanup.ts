/** Removing what has settled long ago. */
import type { ProcessRef } from '../api.ts'
import type { World } from './world.ts'

/**
 * One after the other, with their files.
 * @param endedBeforeMs ms since 1970
 * @returns the ids of those that were removed
 * @throws what `remove` throws for one that is still there and settled
 */
export async function removeSettled(world: World, endedBeforeMs: number, remove: (ref: ProcessRef) => Promise<void>): Promise<readonly string[]> {
  const old = [...world.refs.values()].filter((ref) => {
    const snapshot = ref.getSnapshot()
    return snapshot.hasTag('settled') && (snapshot.context.endedAtMs ?? snapshot.context.createdAtMs) <= endedBeforeMs
  })
  // Removed or started again meanwhile; its id may be another's prefix now.
  const isStillThere = (ref: ProcessRef) => world.refs.get(ref.id) === ref && ref.getSnapshot().hasTag('settled')
  const removed: string[] = []
  for (const ref of old) {
    if (!isStillThere(ref)) continue
    try {
      await remove(ref)
      removed.push(ref.id)
    } catch (error) {
      if (isStillThere(ref)) throw error
    }
  }
  return removed
}
