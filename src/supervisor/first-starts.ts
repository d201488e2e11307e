/** Beginning processes for the first time. Until it was up, a start may fail, and then nothing of the process is left. */
import type { ProcessRef } from '../api.ts'
import { launchRun } from './launch.ts'
import { type ActorSnapshot, until } from './wait.ts'
import type { World } from './world.ts'

export class FirstStarts {
  readonly #world: World
  readonly #remove: (ref: ProcessRef) => Promise<void>
  /** As long as they may fail. */
  readonly #beginning = new Set<ProcessRef>()

  /** @param remove takes away one that has settled, with its files */
  constructor(world: World, remove: (ref: ProcessRef) => Promise<void>) {
    this.#world = world
    this.#remove = remove
  }

  /** @param isLaunched false: it is kept as it is, until somebody launches it. @throws why it could not be begun: it is gone then */
  async begin(ref: ProcessRef, isLaunched: boolean): Promise<void> {
    try {
      if (isLaunched) await this.#launch(ref)
      else await this.#keepPending(ref)
    } catch (error) {
      if (ref.getSnapshot().status === 'active') await this.#takeBack(ref)
      throw error
    } finally {
      this.#beginning.delete(ref)
    }
  }

  /** It is about to be taken back. */
  hasFailed(ref: ProcessRef): boolean {
    return this.#beginning.has(ref) && isStartFailed(ref.getSnapshot())
  }

  /** Once it was up without having been stopped before, the start has not failed, whatever comes before it is answered. */
  async #launch(ref: ProcessRef): Promise<void> {
    this.#beginning.add(ref)
    const subscription = ref.subscribe({
      next: ({ context }) => {
        if (context.identity !== null && !context.cancelled) this.#beginning.delete(ref)
      },
      error: () => {},
    })
    try {
      await launchRun(this.#world, ref, { type: 'process.start', atMs: Date.now() })
    } finally {
      subscription.unsubscribe()
    }
  }

  #keepPending(ref: ProcessRef): Promise<void> {
    this.#world.keep(ref)
    return this.#world.store.saved(ref.id)
  }

  async #takeBack(ref: ProcessRef): Promise<void> {
    const snapshot = ref.getSnapshot()
    // A stop by the user that is under way keeps its grace.
    if (!snapshot.hasTag('settled') && !snapshot.context.cancelled) ref.send({ type: 'process.stop', atMs: Date.now(), timeoutMs: 0 })
    await until(ref, (snapshot) => snapshot.hasTag('settled'))
    if (this.#world.refs.get(ref.id) === ref) await this.#remove(ref)
  }
}

/** What a failed start leaves is not begun again: it is about to be removed. */
function isStartFailed(snapshot: ActorSnapshot): boolean {
  return snapshot.hasTag('settled') && (snapshot.context.cancelled || snapshot.context.identity === null)
}
