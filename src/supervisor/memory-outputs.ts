/** What this manager has open of the output that keepers hold in memory: so it is still there when they have left. */
import { closeSync, constants, openSync } from 'node:fs'
import type { LogStream } from '../effects/logs/contract.ts'
import { openHeldOutput } from '../effects/run/held-output.ts'
import type { ActorSnapshot } from './wait.ts'

interface Held {
  readonly run: number
  readonly fds: Readonly<Record<LogStream, number | null>>
}

/** That of the last run, and of the one before: so much is kept of each process. */
const KEPT_RUNS = 2
const STREAMS = ['stdout', 'stderr'] as const

export class MemoryOutputs {
  readonly #jobDirOf: (id: string) => string
  readonly #held = new Map<string, readonly Held[]>()

  constructor(jobDirOf: (id: string) => string) {
    this.#jobDirOf = jobDirOf
  }

  /** @returns to be told each state of the process */
  follow(id: string): (snapshot: ActorSnapshot) => void {
    let seen = 0
    return ({ context: { run, identity, spec } }) => {
      if (identity === null || run === seen) return
      seen = run
      if (STREAMS.some((stream) => spec.logs[stream] === 'memory')) this.#hold(id, run)
    }
  }

  /** @returns a descriptor to be closed by the caller; null: it is not held here */
  open(id: string, run: number, stream: LogStream): number | null {
    const fd = this.#held.get(id)?.find((held) => held.run === run)?.fds[stream] ?? null
    // Another open file, with a life of its own.
    return fd === null ? null : openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY)
  }

  forget(id: string): void {
    for (const held of this.#held.get(id) ?? []) letGo(held)
    this.#held.delete(id)
  }

  close(): void {
    for (const id of [...this.#held.keys()]) this.forget(id)
  }

  #hold(id: string, run: number): void {
    const jobDir = this.#jobDirOf(id)
    const fds = { stdout: tryToOpen(jobDir, run, 'stdout'), stderr: tryToOpen(jobDir, run, 'stderr') }
    const all = [...(this.#held.get(id) ?? []), { run, fds }]
    for (const held of all.slice(0, -KEPT_RUNS)) letGo(held)
    this.#held.set(id, all.slice(-KEPT_RUNS))
  }
}

/** Without it (no descriptors left, say) there is less to read afterwards, and nothing else is wrong. */
function tryToOpen(jobDir: string, run: number, stream: LogStream): number | null {
  try {
    return openHeldOutput(jobDir, run, stream)
  } catch {
    return null
  }
}

function letGo({ fds }: Held): void {
  for (const fd of [fds.stdout, fds.stderr]) if (fd !== null) closeSync(fd)
}
