/** Waiting for a manager that was told to end. */
import { setTimeout as pause } from 'node:timers/promises'
import { changeIn } from '../files.ts'
import { holderOf, isProgram } from '../state-dir.ts'

const LOOK_MS = 100
/** From letting go of the directory to the end of the program. */
const LAST_MS = 10

/** Resolves once it has let go of the directory and its program has ended. @returns false when that takes too long */
export async function untilGone(stateDir: string, pid: number, patienceMs = 30_000): Promise<boolean> {
  const giveUpAtMs = performance.now() + patienceMs
  while (holderOf(stateDir)?.pid === pid) {
    if (performance.now() > giveUpAtMs) return false
    await changeIn(stateDir, LOOK_MS)
  }
  // Nothing tells when a program that is not a child of ours ends.
  while (isProgram(pid) && performance.now() < giveUpAtMs) await pause(LAST_MS)
  return !isProgram(pid)
}
