/** Signalling a run: through its keeper while that lives, else by the identity of its command, which is looked at right before. */
import { errnoOf } from '../../files.ts'
import { signalNumber } from '../../signals.ts'
import type { Identity } from '../../types.ts'
import { isAlive } from './identity.ts'
import { tellKeeper } from './keeper-link.ts'
import { readClaim, readExit } from './run-files.ts'
import { type StrayHunter, signalStray } from './strays.ts'

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
export function signalRun({ jobDir, run, identity }: RunAddress, signal: string, target: 'group' | 'command'): string | null {
  const number = signalNumber(signal)
  if (number === null) return `there is no signal ${JSON.stringify(signal)} on this machine`
  try {
    if (tellKeeper(jobDir, run, [`${target === 'group' ? 's' : 'p'}${number}`])) return null
    if (identity !== null && signalStray(identity, signal, target)) return null
  } catch (error) {
    return `it cannot be told (${errnoOf(error)})`
  }
  return 'the command is not there any more'
}

/** Asks the whole group to end with a signal that may be handled; a stopped one is woken up for it. */
export function askToEnd({ jobDir, run, identity, token, strays }: RunAddress, signal: string): void {
  if (tellKeeper(jobDir, run, [`s${signalNumber(signal) ?? 15}`, `s${signalNumber('SIGCONT')}`])) return
  if (identity === null) return
  // Who belongs to it can be seen only as long as it is there.
  strays.track(identity, token, () => {
    signalStray(identity, signal, 'group')
    signalStray(identity, 'SIGCONT', 'group')
  })
}

/** Kills the whole tree. */
export function killTree({ jobDir, run, identity, token, strays }: RunAddress): void {
  if (tellKeeper(jobDir, run, ['k'])) return wakeKeeper(jobDir, run)
  // A keeper that wrote down the end leaves when the tree is gone: looking for strays of each of a thousand such runs would hold up the loop.
  if (readExit(jobDir, run) !== null) return
  if (identity !== null) strays.kill(identity, token)
}

/** One that somebody has stopped (SIGSTOP cannot be ignored) obeys nothing. */
function wakeKeeper(jobDir: string, run: number): void {
  const claim = readClaim(jobDir, run)
  if (claim?.kind === 'keeper' && isAlive(claim.keeper)) process.kill(claim.keeper.pid, 'SIGCONT')
}
