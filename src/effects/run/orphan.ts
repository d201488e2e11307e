/**
 * A command that has no keeper any more: known by its identity, which files name. Files can be forged or out of date, so it is believed only with proof: it
 * carries the run's token, or leads a session of its own and appends to the process's logs, as every command is started. Looked at right before each signal.
 */
import { join } from 'node:path'
import { signalNumber } from '../../signals.ts'
import type { Identity } from '../../types.ts'
import { appendsTo, isAlive, isHidden, readStat, tokenIn } from './identity.ts'

export interface Orphan {
  readonly identity: Identity
  readonly token: string
  /** Null: its identity was taken while it was a child of ours, which is proof enough. */
  readonly jobDir: string | null
}

const LOOK_EVERY_MS = 200

/**
 * True while it lives, and nothing says that it is not what it is said to be. One that forbids to be looked at (setuid, PR_SET_DUMPABLE) is waited for, so that
 * no second one is started beside it, but never signalled.
 */
export function isOrphanAlive(orphan: Orphan): boolean {
  if (isProvenOrphan(orphan)) return true
  const { identity } = orphan
  return isAlive(identity) && isHidden(identity.pid) && readStat(identity.pid)?.session === identity.pid
}

/** True while it lives, and is proven ours. Elsewhere than on Linux nothing more can be seen than the identity. */
export function isProvenOrphan({ identity, token, jobDir }: Orphan): boolean {
  if (!isAlive(identity)) return false
  if (jobDir === null || process.platform !== 'linux') return true
  const { pid } = identity
  return tokenIn(pid) === token || (readStat(pid)?.session === pid && appendsTo(pid, [join(jobDir, 'stdout.log'), join(jobDir, 'stderr.log')]))
}

/** Sends to its group, for which its leader vouches. @returns false when it is gone */
export function signalOrphan(orphan: Orphan, signal: string, target: 'group' | 'command'): boolean {
  const number = signalNumber(signal)
  if (number === null || !isProvenOrphan(orphan)) return false
  return kill(target === 'group' ? -orphan.identity.pid : orphan.identity.pid, number)
}

/** Calls back once it is gone. There is no event to wait for (Node has no pidfd), so this rare case is the only one that polls. @returns a function that ends the watch */
export function onOrphanGone({ identity }: Orphan, gone: () => void, onTrouble: (error: unknown) => void): () => void {
  const timer = setInterval(() => {
    try {
      if (isAlive(identity)) return
    } catch (error) {
      return onTrouble(error)
    }
    clearInterval(timer)
    gone()
  }, LOOK_EVERY_MS)
  return () => clearInterval(timer)
}

/** @returns false when nobody is there, or it is another user's */
export function kill(pid: number, signal: number): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}
