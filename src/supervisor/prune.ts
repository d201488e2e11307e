/** Removing the run files that nobody needs any more, a few in each slice of work: there may be a hundred thousand of them. */
import { rmSync } from 'node:fs'
import { staleRunFiles } from '../effects/run/run-files.ts'
import { errnoOf } from '../files.ts'
import type { Slices } from '../persistence/slices.ts'

const KEPT_RUNS = 20
const AT_ONCE = 50

export interface Pruning {
  readonly jobDir: string
  readonly currentRun: number
  readonly slices: Slices
  /** Asked again before each slice. */
  isOurs(): boolean
  /** Some could not be removed; the next run tries again. */
  onTrouble(message: string): void
}

export function pruneRunFiles({ jobDir, currentRun, slices, isOurs, onTrouble }: Pruning): void {
  const guarded = (work: () => void) => () => {
    if (!isOurs()) return
    try {
      work()
    } catch (error) {
      // Without the directory all that was to be removed is gone.
      if (errnoOf(error) !== 'ENOENT') onTrouble(`old run files cannot be removed (${errnoOf(error)})`)
    }
  }
  const removeSome = (paths: string[]) => {
    for (const path of paths.splice(-AT_ONCE)) rmSync(path, { recursive: true, force: true })
    if (paths.length > 0) slices.run(guarded(() => removeSome(paths)))
  }
  slices.run(
    guarded(() => {
      const stale = staleRunFiles(jobDir, currentRun, KEPT_RUNS)
      // Intents first, and taken from the end: a keeper that comes late must not find an intent without the claim that was made on it.
      const isIntent = (path: string) => path.endsWith('.intent')
      removeSome([...stale.filter((path) => !isIntent(path)), ...stale.filter(isIntent)])
    }),
  )
}
