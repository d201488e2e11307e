/** What every command gets: the world, the state directory, and the library, loaded only when asked for. The only place of the CLI that imports it. */
import { resolve } from 'node:path'
import type { Reader, Supervisor } from '../api.ts'
import { ProcmanError } from '../errors.ts'
import type { Io } from './io.ts'
import { say } from './io.ts'
import { escapeControls } from './render/text.ts'

/** A command that finds the directory held by another one waits so long for its turn. */
export const LOCK_TIMEOUT_MS = 10_000

export interface Cli {
  readonly io: Io
  /** Absolute. `--state-dir`, else PROCMAN_HOME, else the default. */
  stateDir(): Promise<string>
  /** Looks without the lock. */
  reader(): Promise<Reader>
  /** @returns null when no manager serves there */
  connect(): Promise<(Supervisor & { readonly isConnected: boolean }) | null>
  /** Takes the directory and says what was found damaged in it. The caller closes it. @param lockTimeoutMs default LOCK_TIMEOUT_MS */
  openSupervisor(lockTimeoutMs?: number): Promise<Supervisor>
  /** Takes the directory, acts, lets go of it, also after a failure. */
  withSupervisor<T>(act: (supervisor: Supervisor) => Promise<T>): Promise<T>
}

export function createCli(io: Io, stateDirOption: string | undefined): Cli {
  const cli: Cli = {
    io,
    async stateDir() {
      if (stateDirOption === '') throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', '--state-dir needs the path of a directory, not an empty string')
      if (stateDirOption !== undefined) return resolve(io.cwd, stateDirOption)
      const { defaultStateDir } = await import('../state-dir.ts')
      return resolve(io.cwd, defaultStateDir(io.env))
    },
    async reader() {
      const stateDir = await cli.stateDir()
      const { createReader } = await import('../reader.ts')
      return createReader({ stateDir })
    },
    async connect() {
      return null
    },
    async openSupervisor(lockTimeoutMs = LOCK_TIMEOUT_MS) {
      const stateDir = await cli.stateDir()
      const { createSupervisor } = await import('../supervisor.ts')
      const supervisor = await createSupervisor({ stateDir, lockTimeoutMs })
      for (const problem of supervisor.problems) await say(io, `warning: ${escapeControls(problem.message)}`)
      return supervisor
    },
    async withSupervisor(act) {
      const supervisor = await cli.openSupervisor()
      let answer: Awaited<ReturnType<typeof act>>
      try {
        answer = await act(supervisor)
      } catch (error) {
        // Why it failed is what the user wants to know first.
        await supervisor.close().catch((late: Error) => say(io, escapeControls(late.message)))
        throw error
      }
      await supervisor.close()
      return answer
    },
  }
  return cli
}
