/** What every command gets: the world, the state directory, and the library, loaded only when asked for. The only place of the CLI that imports it. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Reader, Supervisor } from '../api.ts'
import { type RemoteSupervisor, SOCKET_NAME } from '../control/contract.ts'
import { isProcmanError, ProcmanError, type ProcmanErrorCode } from '../errors.ts'
import type { Io } from './io.ts'
import { say } from './io.ts'
import { escapeControls } from './render/text.ts'
import { wasNotAsked } from './report.ts'

/** A command that finds the directory held by another one that serves nobody waits so long for its turn. */
export const LOCK_TIMEOUT_MS = 10_000
/** Meanwhile it looks so often whether that one has begun to serve. Nothing tells of a socket that somebody listens on. */
const LOOK_FOR_SOCKET_MS = 200

export interface Cli {
  readonly io: Io
  /** Absolute. `--state-dir`, else PROCMAN_HOME, else the default. */
  stateDir(): Promise<string>
  /** Looks without the lock. */
  reader(): Promise<Reader>
  /** The manager that serves the directory; null: none does. The caller closes it. @throws PROCMAN_MANAGER_UNREACHABLE */
  connect(): Promise<RemoteSupervisor | null>
  /** Takes the directory and says what was found damaged in it. The caller closes it. @throws PROCMAN_STATE_DIR_LOCKED */
  takeDirectory(lockTimeoutMs: number): Promise<Supervisor>
  /** The manager that serves the directory, or else being it: whichever can be had first. The caller closes it. @throws PROCMAN_STATE_DIR_LOCKED */
  openSupervisor(): Promise<Supervisor | RemoteSupervisor>
  /** Acts through the manager, or takes the directory, acts and lets go of it, also after a failure. */
  withSupervisor<T>(act: (supervisor: Supervisor | RemoteSupervisor) => Promise<T>): Promise<T>
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
      const stateDir = await cli.stateDir()
      // Without one, nothing of the client is loaded.
      if (!existsSync(join(stateDir, SOCKET_NAME))) return null
      const { connect } = await import('../control/connect.ts')
      try {
        return await inTime(connect({ stateDir, env: io.env }), stateDir)
      } catch (error) {
        if (is(error, 'PROCMAN_NO_MANAGER')) return null
        throw error
      }
    },
    async takeDirectory(lockTimeoutMs) {
      const stateDir = await cli.stateDir()
      const { createSupervisor } = await import('../supervisor.ts')
      const supervisor = await createSupervisor({ stateDir, lockTimeoutMs })
      for (const problem of supervisor.problems) await say(io, `warning: ${escapeControls(problem.message)}`)
      return supervisor
    },
    async openSupervisor() {
      const giveUpAtMs = performance.now() + LOCK_TIMEOUT_MS
      for (;;) {
        const opened = await tryToOpen(cli, Math.max(0, Math.min(giveUpAtMs - performance.now(), LOOK_FOR_SOCKET_MS)))
        if (!isProcmanError(opened)) return opened
        if (performance.now() >= giveUpAtMs) throw opened
      }
    },
    async withSupervisor(act) {
      for (;;) {
        const supervisor = await cli.openSupervisor()
        let answer: Awaited<ReturnType<typeof act>>
        try {
          answer = await act(supervisor)
        } catch (error) {
          // Why it failed is what the user wants to know first.
          await supervisor.close().catch((late: Error) => say(io, escapeControls(late.message)))
          if (wasNotAsked(error)) continue
          throw error
        }
        await supervisor.close()
        return answer
      }
    },
  }
  return cli
}

/** @returns why it cannot be had now, where that may be another thing in a moment */
async function tryToOpen(cli: Cli, lockTimeoutMs: number): Promise<Supervisor | RemoteSupervisor | ProcmanError> {
  try {
    const manager = await cli.connect()
    return manager ?? (await cli.takeDirectory(lockTimeoutMs))
  } catch (error) {
    // A manager that is just leaving breaks off, too.
    if (is(error, 'PROCMAN_STATE_DIR_LOCKED') || is(error, 'PROCMAN_MANAGER_UNREACHABLE')) return error
    throw error
  }
}

/** A manager that hangs (it is stopped, say) must not hang everybody else. */
async function inTime(connecting: Promise<RemoteSupervisor>, stateDir: string): Promise<RemoteSupervisor> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), LOCK_TIMEOUT_MS)
  })
  const connected = await Promise.race([connecting, late]).finally(() => clearTimeout(timer))
  if (connected !== null) return connected
  connecting.then((manager) => manager.close()).catch(() => undefined)
  throw new ProcmanError(
    'PROCMAN_MANAGER_UNREACHABLE',
    `the manager of ${stateDir} does not answer: is it stopped? It can be killed, and every process goes on`,
    {
      details: { stateDir },
    },
  )
}

export function isRemote(supervisor: Supervisor | RemoteSupervisor): supervisor is RemoteSupervisor {
  return 'manager' in supervisor
}

function is(error: unknown, code: ProcmanErrorCode): error is ProcmanError {
  return isProcmanError(error) && error.code === code
}
