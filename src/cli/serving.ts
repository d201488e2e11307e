/** A command that holds the directory for long serves it: other commands act through it instead of waiting for it. */
import type { Supervisor } from '../api.ts'
import { ProcmanError } from '../errors.ts'
import type { ManagerControl } from '../manager/contract.ts'
import { readVersion } from '../version.ts'
import type { Cli } from './context.ts'
import { say } from './io.ts'
import { escapeControls } from './render/text.ts'

/** That it cannot be served is said, and others wait. @returns ends it, when what is under way has been answered */
export async function serveMeanwhile(cli: Cli, supervisor: Supervisor): Promise<() => Promise<void>> {
  try {
    const { serveControl } = await import('../control/serve.ts')
    const server = await serveControl({ supervisor, manager: commandControl(cli, supervisor) })
    return () => server.close()
  } catch (error) {
    await say(cli.io, `warning: other commands wait until this one has left: ${escapeControls(error instanceof Error ? error.message : String(error))}`)
    return async () => undefined
  }
}

/** Nothing is declared here, and it ends when it has what it is there for. */
function commandControl(cli: Cli, supervisor: Supervisor): ManagerControl {
  const startedAt = new Date(cli.io.nowMs()).toISOString()
  const refuse = (): never => {
    throw new ProcmanError(
      'PROCMAN_NO_MANAGER',
      `process ${process.pid} is a procman run or wait, which manages ${supervisor.stateDir} only until it is done`,
      {
        details: { pid: process.pid, stateDir: supervisor.stateDir },
      },
    )
  }
  return {
    status: () => ({
      pid: process.pid,
      version: readVersion(),
      kind: 'command',
      started_at: startedAt,
      state_dir: supervisor.stateDir,
      config: null,
      is_watching: false,
      config_error: null,
      listen: null,
      log_level: 'silent',
      log_file: null,
      rss_bytes: process.memoryUsage.rss(),
      processes: supervisor.list().length,
      problems: supervisor.problems.map(({ message }) => message),
      collection: [],
    }),
    apply: async () => refuse(),
    down: async () => refuse(),
    stop: async () => refuse(),
    setLogLevel: refuse,
  }
}
