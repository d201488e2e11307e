/** Executes a command where no guard can run: its tree is looked for through /proc. What the manager has no time to kill when it is killed itself, stays. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { errnoOf } from '../../files.ts'
import { bootId, startTimeOf } from '../run/identity.ts'
import { kill } from '../run/orphan.ts'
import type { End } from '../run/run-files.ts'
import { StrayHunter } from '../run/strays.ts'
import type { CommandLine, Execution } from './execution.ts'

/** For all probes: one pass over /proc looks for whatever is to be killed just now. What fails in a pass, the next one does. */
const hunter = new StrayHunter(() => {}, false)

/** Names one execution of a probe, in the environment of all that descends from it. No run has such a token. */
export function newToken(): string {
  return `probe.${randomBytes(12).toString('hex')}`
}

/** @param line its environment carries a token of its own */
export function executeAlone({ command, args, cwd, env }: CommandLine): Execution {
  const child = spawn(command, [...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const ended = endOf(child)
  return {
    outputs: [child.stdout, child.stderr],
    ended,
    gone: ended,
    kill: () => Promise.all([ended, killTree(child, env.PROCMAN_TOKEN ?? '')]),
  }
}

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ kind: 'launch-failed', step: 'command', errno: errnoOf(error) }))
    child.once('exit', (code, signal) => {
      killGroup(child)
      resolve(signal === null ? { kind: 'code', code: code ?? 0 } : { kind: 'signal', signal, core: false })
    })
  })
}

/**
 * Kills the command, its group and session, all that carries the token, and all that descends from these; again until none is left. Elsewhere than on Linux: the
 * command; its group follows when it has ended.
 */
function killTree({ pid }: ChildProcess, token: string): Promise<void> {
  if (pid === undefined) return Promise.resolve()
  // Nobody else can have the pid: it is a child of ours, alive, or a zombie (then without a start time), or has just been waited for.
  const identity = { pid, start: startTimeOf(pid) ?? '', boot: bootId() }
  return new Promise((done) => hunter.kill({ identity, token, jobDir: null }, done))
}

/**
 * Kills what is left in the group of a command. Only to be called in the turn in which its end is told: while a group has members its number is nobody else's,
 * and if it has none, nobody can have been given the number in so short a time.
 */
function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) kill(-pid, 9)
}
