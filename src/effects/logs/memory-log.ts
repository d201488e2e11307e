/** Which runs of a process have output in memory, as its run files tell. */
import type { Capture } from '../../output.ts'
import { openHeldOutput } from '../run/held-output.ts'
import { type Child, readChild, recordedRunsIn } from '../run/run-files.ts'
import type { LogStream, MemoryLog } from './contract.ts'

interface MemoryLogOptions {
  /** As it is declared: counts as long as there was no run. Default: `files`. */
  readonly capture?: Capture
  /** That run alone. */
  readonly run?: number
  /** What this manager has open itself: a descriptor to be closed by the caller; null: nothing. */
  readonly held?: (run: number) => number | null
}

/** @returns null: the stream goes to its log, also where a keeper cannot hold memory */
export function memoryLogOf(jobDir: string, stream: LogStream, { capture = 'files', run: only, held }: MemoryLogOptions): MemoryLog | null {
  const children = new Map<number, Child>()
  const childrenNow = (): readonly Child[] =>
    recordedRunsIn(jobDir).flatMap((run) => {
      const child = only === undefined || run === only ? (children.get(run) ?? readChild(jobDir, run)) : null
      if (child === null) return []
      children.set(run, child)
      return child
    })
  const last = childrenNow().at(-1)
  if (last === undefined ? capture !== 'memory' : last[`${stream}Fd`] === null) return null
  return {
    runs: () => (childrenNow().length === 0 ? [] : [...children].filter(([, child]) => child[`${stream}Fd`] !== null).map(([run]) => run)),
    open: (run) => held?.(run) ?? openHeldOutput(jobDir, run, stream),
    place: jobDir,
  }
}
