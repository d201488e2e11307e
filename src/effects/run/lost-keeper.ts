/**
 * What can still be done for a command whose keeper was killed: it is watched and signalled by its identity, which is looked at right before each signal.
 * There is no event to wait for (Node has no pidfd), so this rare case is the only one that polls.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { signalNumber } from '../../signals.ts'
import type { Identity } from '../../types.ts'
import { bootId, isAlive, startTimeOf } from './identity.ts'

const LOOK_EVERY_MS = 200

/** Calls back once neither the command nor anything with its token is left. @returns a function that ends the watch */
export function onStrayGone(command: Identity, gone: () => void): () => void {
  const timer = setInterval(() => {
    if (isAlive(command)) return
    clearInterval(timer)
    gone()
  }, LOOK_EVERY_MS)
  return () => clearInterval(timer)
}

/** Sends to the group of the command, which its leader's identity vouches for. @returns false when the leader is gone */
export function signalStray(command: Identity, signal: string, target: 'group' | 'command'): boolean {
  const number = signalNumber(signal)
  if (number === null || !isAlive(command)) return false
  return kill(target === 'group' ? -command.pid : command.pid, number)
}

/** Kills the command, its group, and every process that carries the run's token in its environment; again until none is left. */
export function killStrayTree(command: Identity, token: string): void {
  signalStray(command, 'SIGKILL', 'group')
  for (let round = 0; round < 10; round++) {
    const strays = findByToken(token)
    for (const stray of strays) if (isAlive(stray)) kill(stray.pid, 9)
    if (strays.length === 0) return
  }
}

/** Processes of this user whose environment names the run. Linux only; elsewhere none. */
export function findByToken(token: string): readonly Identity[] {
  if (process.platform !== 'linux') return []
  const needle = `PROCMAN_TOKEN=${token}\0`
  const found: Identity[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const start = startTimeOf(Number(name))
    if (start !== null && environmentOf(name).includes(needle)) found.push({ pid: Number(name), start, boot: bootId() })
  }
  return found
}

function environmentOf(pid: string): string {
  try {
    return `${readFileSync(`/proc/${pid}/environ`, 'latin1')}\0`
  } catch {
    return ''
  }
}

function kill(pid: number, signal: number): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}
