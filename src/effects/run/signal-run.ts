/** Signalling a run: through its keeper while that lives, else by the identity of its command, which is looked at right before. */
import { errnoOf } from '../../files.ts'
import { signalNumber } from '../../signals.ts'
import type { Identity } from '../../types.ts'
import { isAlive, readStat, worksIn } from './identity.ts'
import { tellKeeper } from './keeper-link.ts'
import { kill, type Orphan, signalOrphan } from './orphan.ts'
import { readClaim, readExit } from './run-files.ts'
import type { StrayHunter } from './strays.ts'

export interface RunAddress {
  readonly jobDir: string
  readonly run: number
  /** Names the run in the environment of everything that belongs to it. */
  readonly token: string
  /** Null until the command is known. */
  readonly identity: Identity | null
  readonly strays: StrayHunter
}

/** @returns null when the signal is on its way, else why not */
export function signalRun(address: RunAddress, signal: string, target: 'group' | 'command'): string | null {
  const number = signalNumber(signal)
  if (number === null) return `there is no signal ${JSON.stringify(signal)} on this machine`
  try {
    if (tellKeeper(address.jobDir, address.run, [`${target === 'group' ? 's' : 'p'}${number}`])) return null
    const orphan = orphanOf(address)
    if (orphan !== null && signalOrphan(orphan, signal, target)) return null
  } catch (error) {
    return `it cannot be told (${errnoOf(error)})`
  }
  return 'the command is not there any more'
}

/** Asks the whole group to end with a signal that may be handled; a stopped one is woken up for it. */
export function askToEnd(address: RunAddress, signal: string): void {
  // Also of a run whose leftovers are to be left: that is for an end by itself.
  if (tellKeeper(address.jobDir, address.run, ['t', `s${signalNumber(signal) ?? 15}`, `s${signalNumber('SIGCONT')}`])) return
  const orphan = orphanOf(address)
  if (orphan === null) return
  // Who belongs to it can be seen only as long as it is there.
  address.strays.track(orphan, () => {
    signalOrphan(orphan, signal, 'group')
    signalOrphan(orphan, 'SIGCONT', 'group')
  })
}

/** Kills the whole tree. */
export function killTree(address: RunAddress): void {
  const { jobDir, run, strays } = address
  try {
    if (tellKeeper(jobDir, run, ['k'])) return
  } finally {
    // Also when its FIFO is full, since it obeys nothing.
    wakeKeeper(jobDir, run)
  }
  // A keeper that wrote down the end leaves when the tree is gone: looking for strays of each of a thousand such runs would hold up the loop.
  if (readExit(jobDir, run) !== null) return
  const orphan = orphanOf(address)
  if (orphan !== null) strays.kill(orphan)
}

/** One that somebody has stopped (SIGSTOP cannot be ignored) obeys nothing. Only what can be seen to be a keeper of this process is woken up. */
function wakeKeeper(jobDir: string, run: number): void {
  const claim = process.platform === 'linux' ? readClaim(jobDir, run) : null
  if (claim?.kind !== 'keeper' || !isAlive(claim.keeper) || !worksIn(claim.keeper.pid, jobDir)) return
  if (readStat(claim.keeper.pid)?.isStopped) kill(claim.keeper.pid, signalNumber('SIGCONT') ?? 18)
}

export function orphanOf({ identity, token, jobDir }: RunAddress): Orphan | null {
  return identity === null ? null : { identity, token, jobDir }
}
