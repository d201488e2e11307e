/** Ends the whole tree of a probe's command, and nobody else. */
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { bootId, startTimeOf } from '../run/identity.ts'
import { kill } from '../run/orphan.ts'
import { StrayHunter } from '../run/strays.ts'

/** For all probes: one pass over /proc looks for whatever is to be killed just now. What fails in a pass, the next one does. */
const hunter = new StrayHunter(() => {}, false)

/** Names one execution of a probe, in the environment of all that descends from it. No run has such a token. */
export function newToken(): string {
  return `probe.${randomBytes(12).toString('hex')}`
}

/**
 * Kills the command, its group and session, all that carries the token, and all that descends from these; again until none is left. Elsewhere than on Linux: the
 * command; its group follows when it has ended.
 */
export function killTree({ pid }: ChildProcess, token: string): Promise<void> {
  if (pid === undefined) return Promise.resolve()
  // Nobody else can have the pid: it is a child of ours, alive, or a zombie (then without a start time), or has just been waited for.
  const identity = { pid, start: startTimeOf(pid) ?? '', boot: bootId() }
  return new Promise((done) => hunter.kill({ identity, token, jobDir: null }, done))
}

/**
 * Kills what is left in the group of a command. Only to be called in the turn in which its end is told: while a group has members its number is nobody else's,
 * and if it has none, nobody can have been given the number in so short a time.
 */
export function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) kill(-pid, 9)
}
