/**
 * The name of a run in the environment of everything that belongs to it. Unique for state directory, process and run; a process that has the id of one that was
 * removed is another process, told apart by when it was created.
 */
import { createHash } from 'node:crypto'

/** What a Date can hold. */
const LATEST_MS = 8.64e15

/** @param stateDir absolute */
export function tokenOf(stateDir: string, id: string, run: number, createdAtMs: number): string {
  return `${nameOf(stateDir)}.${id}.${run}.${createdAtMs.toString(36)}`
}

/** @returns when the process was created that the token names; null when it is no token */
export function createdAtIn(token: string): number | null {
  const atMs = Number.parseInt(/\.([0-9a-z]+)$/.exec(token)?.[1] ?? '', 36)
  return atMs >= 0 && atMs <= LATEST_MS ? atMs : null
}

let last = { stateDir: '', name: '' }

/** There is mostly one state directory, and many runs. */
function nameOf(stateDir: string): string {
  if (last.stateDir !== stateDir) last = { stateDir, name: createHash('sha256').update(stateDir).digest('hex').slice(0, 16) }
  return last.name
}
