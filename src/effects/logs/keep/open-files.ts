/** Who writes to a file. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'

const ACCESS_MODE = 3

/** @returns pids of other processes that have it open for writing, as far as they may be looked at; none where there is no /proc */
export async function writersTo(path: string): Promise<readonly number[]> {
  const writers: number[] = []
  const real = attempt(() => realpathSync(path))
  if (real === null) return []
  for (const pid of namesIn('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    if (writesTo(pid, real)) writers.push(Number(pid))
    await turn()
  }
  return writers
}

function writesTo(pid: string, path: string): boolean {
  return namesIn(`/proc/${pid}/fd`).some((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) === path && isForWriting(pid, fd))
}

function isForWriting(pid: string, fd: string): boolean {
  const flags = /^flags:\s*(\d+)$/m.exec(attempt(() => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1')) ?? '')?.[1]
  return flags !== undefined && (Number.parseInt(flags, 8) & ACCESS_MODE) !== 0
}

function namesIn(path: string): readonly string[] {
  return attempt(() => readdirSync(path)) ?? []
}

/** Processes come and go, and many are not ours to look at. */
function attempt<T>(look: () => T): T | null {
  try {
    return look()
  } catch {
    return null
  }
}
