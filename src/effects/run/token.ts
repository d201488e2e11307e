/** The name of a run in the environment of everything that belongs to it. Unique for state directory and run. */
import { createHash } from 'node:crypto'

/** @param stateDir absolute */
export function tokenOf(stateDir: string, id: string, run: number): string {
  return `${nameOf(stateDir)}.${id}.${run}`
}

let last = { stateDir: '', name: '' }

/** There is mostly one state directory, and many runs. */
function nameOf(stateDir: string): string {
  if (last.stateDir !== stateDir) last = { stateDir, name: createHash('sha256').update(stateDir).digest('hex').slice(0, 16) }
  return last.name
}
