/** What a command takes of the machine: its main process alone, as Linux tells it. Elsewhere nothing is told. */
import { readFileSync } from 'node:fs'

export interface Usage {
  /** Of one processor, in percent, since the last look; null: this is the first. */
  readonly cpuPercent: number | null
  /** Resident memory, in bytes. */
  readonly memoryBytes: number
}

/** Linux tells times in these everywhere. */
const TICKS_PER_SECOND = 100

interface Seen {
  readonly start: string
  readonly ticks: number
  readonly atMs: number
}

export class Usages {
  #seen: ReadonlyMap<number, Seen> = new Map()

  /** Costs two small files for each. Who is gone is left out. */
  look(pids: readonly number[], nowMs: number): ReadonlyMap<number, Usage> {
    const seen = new Map<number, Seen>()
    const usages = new Map<number, Usage>()
    for (const pid of process.platform === 'linux' ? pids : []) {
      const stat = readOrNull(`/proc/${pid}/stat`)
      const status = readOrNull(`/proc/${pid}/status`)
      if (stat === null || status === null) continue
      // Behind the name in brackets, which may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const now: Seen = { ticks: Number(fields[11]) + Number(fields[12]), start: fields[19] ?? '', atMs: nowMs }
      seen.set(pid, now)
      usages.set(pid, { cpuPercent: cpuBetween(this.#seen.get(pid), now), memoryBytes: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1_024 })
    }
    this.#seen = seen
    return usages
  }
}

function cpuBetween(before: Seen | undefined, { start, ticks, atMs }: Seen): number | null {
  if (before === undefined || before.start !== start || atMs <= before.atMs) return null
  return (((ticks - before.ticks) / TICKS_PER_SECOND) * 100_000) / (atMs - before.atMs)
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}
