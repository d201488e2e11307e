/** Passes when a command ends with exit code 0. No shell. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ProbeCheck } from '../../types.ts'
import type { End } from '../run/run-files.ts'
import { executeAlone, newToken } from './exec-alone.ts'
import { executeGuarded } from './exec-guarded.ts'
import type { CommandLine } from './execution.ts'
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
      const line = commandLine(check, ports)
      const guard = ports.guard()
      const execution = guard === null ? executeAlone(line) : executeGuarded(line, guard)
      gone = execution.gone
      signal.addEventListener('abort', () => {
        gone = execution.kill()
      })
      const said = lastLineOf(execution.outputs)
      const end = await execution.ended
      // Not until the pipes are closed, which leftovers may hold: what it wrote itself is there, and read in one more turn of the loop.
      await nextTurn()
      await nextTurn()
      return judge(causeOf(end, line), said())
    },
    close() {},
  }
}

function commandLine({ command, args, cwd, env }: ExecCheck, ports: CheckerPorts): CommandLine {
  // The token of the run would make a stray of the run out of it.
  return { command, args, cwd: resolve(ports.cwd, cwd ?? ''), env: { ...ports.env(), ...env, PROCMAN_TOKEN: newToken() } }
}

function judge(cause: string | null, said: string): CheckAnswer {
  if (cause === null) return PASSED
  return failed(said === '' ? cause : `${cause}: ${said}`)
}

/** @returns null: it ended well */
function causeOf(end: End, { command, cwd }: CommandLine): string | null {
  switch (end.kind) {
    case 'code':
      return end.code === 0 ? null : `exited with code ${end.code}`
    case 'signal':
      return `ended by ${end.signal}`
    case 'unknown':
      return end.reason
    case 'launch-failed': {
      // The system says ENOENT for the command also when it is the directory that is missing.
      if (!existsSync(cwd)) return `working directory "${cwd}" not found (${end.errno})`
      if (end.step === 'keeper') return `the keeper cannot be executed (${end.errno})`
      return end.errno === 'ENOENT' ? `command "${command}" not found (ENOENT)` : `command "${command}" cannot be executed (${end.errno})`
    }
  }
}
