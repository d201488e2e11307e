/** Takes in the processes of a state directory: from their states, from their run files where these are missing or damaged; and puts aside what can be neither. */
import { lstatSync, readdirSync } from 'node:fs'
import { hasKeeper } from '../effects/run/keeper-link.ts'
import { readClaim, runsWith } from '../effects/run/run-files.ts'
import { errnoOf } from '../files.ts'
import type { DirectoryFact } from '../machines/supervisor/machine.ts'
import { toRestorable } from '../persistence/codec.ts'
import { type Found, readState, removeEmpty, removeUnpromised } from '../persistence/state-dir.ts'
import { catchUp, rebuild } from './rebuild.ts'
import type { World } from './world.ts'

type Damage = Extract<Found, { kind: 'damaged' }>

/** Why a process cannot be taken in for now. */
interface Obstacle {
  readonly path: string
  readonly message: string
}

export class Restoration {
  readonly #world: World
  readonly #send: (fact: DirectoryFact) => void
  readonly #isOver: () => boolean
  /** Directories without anything in them: they may be many, and nobody has to wait for their removal. */
  readonly #empty: string[] = []

  constructor(world: World, send: (fact: DirectoryFact) => void, isOver: () => boolean) {
    this.#world = world
    this.#send = send
    this.#isOver = isOver
  }

  /** @returns the ids of those that cannot be read for now */
  async restoreAll(ids: readonly string[]): Promise<readonly string[]> {
    const { slices, unreadable } = this.#world
    const left: string[] = []
    for (const id of ids) {
      await slices.turn()
      if (this.#isOver()) return []
      const obstacle = this.#tryRestore(id)
      if (obstacle === null) unreadable.delete(id)
      else {
        left.push(id)
        unreadable.set(id, obstacle)
        this.#send({ type: 'directory.damaged', id, path: obstacle.path, message: `${obstacle.message}; tried again` })
      }
    }
    return left
  }

  async removeEmpty(): Promise<void> {
    const { slices, refs, layout } = this.#world
    for (const id of this.#empty) {
      await slices.turn()
      if (this.#isOver()) return
      // A process may have been given the name meanwhile.
      if (!refs.has(id)) removeEmpty(layout.jobDir(id))
    }
  }

  #tryRestore(id: string): Obstacle | null {
    const { layout } = this.#world
    try {
      return this.#restore(readState(layout, id))
    } catch (error) {
      const path = layout.jobDir(id)
      return { path, message: `${path} cannot be read (${errnoOf(error)})` }
    }
  }

  #restore(found: Found): Obstacle | null {
    if (found.kind === 'unreadable') return { path: found.path, message: `${found.path}: ${found.reason}` }
    if (found.kind !== 'ok') return this.#rescue(found)
    const { layout } = this.#world
    const snapshot = catchUp(layout.root, layout.jobDir(found.id), found.snapshot)
    this.#send({ type: 'directory.found', id: found.id, snapshot: toRestorable(snapshot) })
    return null
  }

  /**
   * A process without a readable state is rebuilt from its run files: what runs is not lost with the file that said so. One that has no state at all was cut off
   * in its first start, whose intent stands in for it; one that has not even that, and of which nothing was ever executed, was promised to nobody.
   * Something that runs there, and of which nobody knows any more what it is, is left alone until it has ended.
   */
  #rescue(found: Extract<Found, { kind: 'empty' | 'damaged' }>): Obstacle | null {
    const { id } = found
    const { layout } = this.#world
    const jobDir = layout.jobDir(id)
    const rebuilt = rebuild(layout.root, jobDir, found)
    if (rebuilt !== null) {
      if (found.kind === 'damaged') this.#setAside(found, true)
      this.#send({ type: 'directory.found', id, snapshot: toRestorable(rebuilt) })
      return null
    }
    const { files, runs, living } = tracesIn(jobDir)
    if (living !== null)
      return {
        path: jobDir,
        message: `${jobDir}: something runs there (run ${living}), but its state and its intents are missing or damaged, so it cannot be managed`,
      }
    if (found.kind === 'damaged') this.#setAside(found, false)
    else if (runs > 0) this.#setAside({ id, kind: 'damaged', path: jobDir, reason: 'its state and its intents are missing or damaged' }, false)
    else if (files === 0) this.#empty.push(id)
    else removeUnpromised(jobDir)
    return null
  }

  #setAside({ id, path, reason }: Damage, isRebuilt: boolean): void {
    const { store, layout } = this.#world
    const then = isRebuilt ? 'the process was rebuilt from its run files' : 'nothing was left to rebuild the process from'
    const tell = (what: string) => this.#send({ type: 'directory.damaged', id, path, message: `${path} is damaged: ${reason}; ${what}; ${then}` })
    try {
      tell(`moved to ${isRebuilt ? store.quarantine(path, `${id}.state.json`) : store.quarantine(layout.jobDir(id), id)}`)
    } catch (error) {
      tell(`it cannot be moved aside (${errnoOf(error)})`)
    }
  }
}

interface Traces {
  readonly files: number
  /** How many have left files. */
  readonly runs: number
  /** The one that a keeper still holds. */
  readonly living: number | null
}

function tracesIn(jobDir: string): Traces {
  if (!lstatSync(jobDir, { throwIfNoEntry: false })?.isDirectory()) return { files: 1, runs: 0, living: null }
  const files = readdirSync(jobDir).length
  if (files === 0) return { files, runs: 0, living: null }
  // A void claim says that nothing was executed.
  const claimed = runsWith(jobDir, 'claim').filter((run) => readClaim(jobDir, run)?.kind !== 'void')
  return {
    files,
    runs: claimed.length + runsWith(jobDir, 'child').length,
    living: claimed.findLast((run) => hasKeeper(jobDir, run)) ?? null,
  }
}
