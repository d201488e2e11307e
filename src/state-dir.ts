/** What can be known of a state directory without opening it, and the right to start its manager. */

import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isAlive, startTimeOf } from './effects/run/identity.ts'
import { ProcmanError } from './errors.ts'
import { errnoOf } from './files.ts'
import { layoutOf } from './persistence/layout.ts'
import { readHolder, releaseLock, sweepLockLeftovers, takeLock } from './persistence/lock.ts'
import { prepareStateDir } from './persistence/state-dir.ts'
import { lockPorts } from './supervisor/tenancy.ts'

export { defaultStateDir } from './persistence/layout.ts'

/** @returns the pid of the manager that holds the directory; null when none does. The lock of a dead manager holds nobody up. */
export function holderOf(stateDir: string): { readonly pid: number } | null {
  const holder = readHolder(layoutOf(stateDir).lock)
  return holder !== null && isAlive(holder.identity) ? { pid: holder.identity.pid } : null
}

/** Whether a program with this pid lives. One that has ended, and that its parent has not asked for yet, does not: in a container often nobody ever asks. */
export function isProgram(pid: number): boolean {
  return startTimeOf(pid) !== null
}

/**
 * Takes the right to start a daemon for the directory, which is made where there is none. It is a lock like that of a manager: it ends with its holder, however that dies.
 * @returns gives it back; null: another living program has it
 * @throws PROCMAN_STATE_DIR_UNUSABLE
 */
export function takeStartRight(stateDir: string): (() => void) | null {
  prepareStateDir(layoutOf(stateDir))
  const path = join(stateDir, 'daemon.lock')
  try {
    const taken = takeLock(path, lockPorts)
    if (taken.kind === 'refused') return null
    sweepLockLeftovers(path, lockPorts)
    return () => releaseLock(path, taken.nonce)
  } catch (error) {
    throw new ProcmanError('PROCMAN_STATE_DIR_UNUSABLE', `the lock ${path} cannot be taken (${errnoOf(error)})`, {
      details: { path, errno: errnoOf(error) },
      cause: error,
    })
  }
}

/** The lock, whoever has it. */
export interface LockFacts {
  /** Who holds the directory and lives; null: nobody. */
  readonly holder: { readonly pid: number } | null
  /** It is that of a dead manager. */
  readonly isStale: boolean
  /** Names of what lies beside it. */
  readonly leftovers: readonly string[]
}

/** @throws what the operating system refuses */
export function lockOf(stateDir: string): LockFacts {
  const { lock, root } = layoutOf(stateDir)
  const found = readHolder(lock)
  const holder = holderOf(stateDir)
  // Somebody who takes it just now has them, too.
  const leftovers = holder === null ? readdirSync(root).filter((name) => name.startsWith(`${basename(lock)}.`)) : []
  return { holder, isStale: found !== null && holder === null, leftovers }
}
