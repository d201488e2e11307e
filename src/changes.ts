/** Which processes of a state directory may have changed since somebody looked last. Costs a few µs for each process, and reads no state. */
import { lstatSync } from 'node:fs'
import { type Layout, layoutOf } from './persistence/layout.ts'
import { listIds } from './persistence/state-dir.ts'

export class Changes {
  readonly #layout: Layout
  #seen: ReadonlyMap<string, string> = new Map()

  constructor(stateDir: string) {
    this.#layout = layoutOf(stateDir)
  }

  /** Ids of those that changed, came or went. The first time: of all. A keeper that was killed changes no file. */
  look(): readonly string[] {
    const before = this.#seen
    const now = new Map(listIds(this.#layout).map((id) => [id, this.#signOf(id)]))
    this.#seen = now
    const gone = [...before.keys()].filter((id) => !now.has(id))
    return [...[...now].filter(([id, sign]) => before.get(id) !== sign).map(([id]) => id), ...gone]
  }

  /** A state is saved, and a run's end is told, by a rename, which changes the directory. Output does not. Two within one tick of its clock differ by the state's inode. */
  #signOf(id: string): string {
    const directory = lstatSync(this.#layout.jobDir(id), { throwIfNoEntry: false, bigint: true })
    const state = lstatSync(this.#layout.stateFile(id), { throwIfNoEntry: false, bigint: true })
    return [directory?.mtimeNs, directory?.ino, state?.ino].join(':')
  }
}
