/** Passes when a command ends with exit code 0. No shell. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ProbeCheck } from '../../types.ts'
import { codeOf, messageOf } from './causes.ts'
import { killGroup, killTree, newToken } from './exec-tree.ts'
import { lastLineOf } from './last-line.ts'
import { type CheckAnswer, type CheckerPorts, failed, PASSED, type Probe } from './probe.ts'

type ExecCheck = Extract<ProbeCheck, { kind: 'exec' }>

export function execProbe(check: ExecCheck, ports: CheckerPorts): Probe {
  /** Until nothing is left of the last command. */
  let gone: Promise<unknown> = Promise.resolve()
  return {
    async ask(signal) {
      await gone
      signal.throwIfAborted()
      const token = newToken()
      const cwd = resolve(ports.cwd, check.cwd ?? '')
      // The token of the run would make a stray of the run out of it.
      const env = { ...ports.env(), ...check.env, PROCMAN_TOKEN: token }
      const child = spawn(check.command, [...check.args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
      const ended = answerOf(child, (error) => launchCause(check.command, cwd, error))
      signal.addEventListener('abort', () => {
        gone = Promise.all([ended, killTree(child, token)])
      })
      return ended
    },
    close() {},
  }
}

function answerOf(child: ChildProcess, causeOf: (error: unknown) => string): Promise<CheckAnswer> {
  return new Promise((settle) => {
    const said = lastLineOf([child.stdout, child.stderr])
    child.once('error', (error) => settle(failed(causeOf(error))))
    child.once('exit', (code, signal) => {
      killGroup(child)
      // Not until the pipes are closed, which leftovers may hold: what it wrote itself is there, and read in one more turn of the loop.
      setImmediate(() => setImmediate(() => settle(judge(code, signal, said()))))
    })
  })
}

function judge(code: number | null, signal: NodeJS.Signals | null, said: string): CheckAnswer {
  if (code === 0) return PASSED
  const end = signal === null ? `exited with code ${code}` : `ended by ${signal}`
  return failed(said === '' ? end : `${end}: ${said}`)
}

/** Node says ENOENT for the command also when it is the directory that is missing. */
function launchCause(command: string, cwd: string, error: unknown): string {
  const code = codeOf(error) || messageOf(error)
  if (!existsSync(cwd)) return `working directory "${cwd}" not found (${code})`
  return code === 'ENOENT' ? `command "${command}" not found (ENOENT)` : `command "${command}" cannot be executed (${code})`
}
