/** `daemon`: the manager in the background. */
import type { RemoteManager } from '../../control/contract.ts'
import { ProcmanError } from '../../errors.ts'
import type { ManagerStatus } from '../../manager/contract.ts'
import type { DaemonOptions } from '../../manager/daemon/protocol.ts'
import { type Cli, LOCK_TIMEOUT_MS } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { say, write } from '../io.ts'
import { type ManagerVerbOptions, parseLogLevel, parseManagerOptions } from '../manager-options.ts'
import { type ConfigOption, projectSource } from '../project.ts'
import { renderJson } from '../render/json.ts'
import { renderManager } from '../render/manager.ts'
import { escapeControls } from '../render/text.ts'
import { reportApply } from '../report-apply.ts'

export { logs } from './daemon-logs.ts'

export interface StartOptions extends ConfigOption, ManagerVerbOptions {
  readonly watch?: boolean
}

const PATIENCE = { patienceMs: 6 * LOCK_TIMEOUT_MS, lockTimeoutMs: LOCK_TIMEOUT_MS }

/** There is one: nothing to do. What is asked for counts more than how the last one was brought up. */
export async function start(cli: Cli, options: StartOptions): Promise<number> {
  const stateDir = await cli.stateDir()
  const asked = await parseManagerOptions(cli, options)
  const { recall } = await import('../../manager/remembered.ts')
  const last = recall(stateDir)
  const config = options.config === undefined ? (last?.config ?? null) : await projectSource(cli, options)
  return startWith(cli, {
    stateDir,
    config,
    isTolerant: options.config === undefined,
    watch: options.watch ?? last?.watch ?? false,
    listen: asked.listen ?? last?.listen ?? null,
    logLevel: asked.logLevel ?? last?.log_level ?? null,
    tokens: { file: asked.tokens.file ?? last?.tokens.file ?? null, readFile: asked.tokens.readFile ?? last?.tokens.readFile ?? null },
    startDown: false,
    replace: false,
  })
}

/** The processes that it starts have the environment of who brought it up. */
async function startWith(cli: Cli, options: Omit<DaemonOptions, 'lockTimeoutMs'>): Promise<number> {
  const { ensureManager } = await import('../../manager/daemon/ensure.ts')
  const reached = await ensureManager(options, options.config?.env ?? cli.io.env, PATIENCE)
  if (reached.kind === 'found') {
    const { pid, kind } = await reached.manager.status()
    await say(cli.io, `there is a manager already: pid ${pid}${kind === 'daemon' ? '' : `, in the foreground`}; nothing to start`)
    return EXIT.done
  }
  const report = await reached.applied
  const { mustFindManager } = await import('../../manager/reach.ts')
  const status = await (await mustFindManager(options.stateDir)).status()
  await say(cli.io, `the daemon runs: pid ${status.pid}`)
  if (status.config_error !== null) await say(cli.io, `warning: ${escapeControls(status.config_error)}; what is there is managed all the same`)
  return report === null ? EXIT.done : reportApply(cli, report, { to: 'stderr' })
}

/** There is none: nothing to do. */
export async function stop(cli: Cli): Promise<number> {
  const { findManager } = await import('../../manager/reach.ts')
  const stateDir = await cli.stateDir()
  const manager = await findManager(stateDir)
  if (manager === null) {
    await say(cli.io, await describeNone(cli))
    return EXIT.done
  }
  const status = await stopManager(manager, stateDir)
  await say(cli.io, `the manager (pid ${status.pid}) has ended; what runs goes on, and is not looked after until another one is there`)
  return EXIT.done
}

/** @throws PROCMAN_TIMEOUT */
async function stopManager(manager: RemoteManager, stateDir: string): Promise<ManagerStatus> {
  const status = await manager.status()
  await manager.stop()
  const { untilGone } = await import('../../manager/until-gone.ts')
  if (await untilGone(stateDir, status.pid)) return status
  throw new ProcmanError('PROCMAN_TIMEOUT', `the manager (pid ${status.pid}) was told to end, and has not ended yet`, { details: { pid: status.pid } })
}

/** With the same config, environment, addresses and level as the one before. There is none: it is started. */
export async function restart(cli: Cli): Promise<number> {
  const stateDir = await cli.stateDir()
  const [{ findManager }, { recall }] = await Promise.all([import('../../manager/reach.ts'), import('../../manager/remembered.ts')])
  const manager = await findManager(stateDir)
  const last = recall(stateDir)
  if (manager !== null) await stopDaemon(manager, stateDir)
  return startWith(cli, {
    stateDir,
    config: last?.config ?? null,
    isTolerant: true,
    watch: last?.watch ?? false,
    listen: last?.listen ?? null,
    logLevel: last?.log_level ?? null,
    tokens: last?.tokens ?? { file: null, readFile: null },
    startDown: false,
    replace: false,
  })
}

async function stopDaemon(manager: RemoteManager, stateDir: string): Promise<void> {
  const { kind, pid } = await manager.status()
  if (kind !== 'daemon')
    throw new ProcmanError('PROCMAN_WRONG_STATE', `the manager (pid ${pid}) is no daemon, but runs in the foreground: end it there`, { details: { pid, kind } })
  await stopManager(manager, stateDir)
}

export async function status(cli: Cli, { json }: { readonly json?: boolean }): Promise<number> {
  const { findManager } = await import('../../manager/reach.ts')
  const manager = await findManager(await cli.stateDir())
  if (manager === null) {
    const sentence = await describeNone(cli)
    if (json === true) await write(cli.io.stdout, renderJson({ running: false, reason: sentence }))
    else await write(cli.io.stdout, `${sentence}\n`)
    return EXIT.wrongState
  }
  const found = await manager.status()
  await write(cli.io.stdout, json === true ? renderJson({ running: true, ...found }) : renderManager(found, cli.io))
  return EXIT.done
}

export async function logLevel(cli: Cli, text: string): Promise<number> {
  const level = parseLogLevel(text, 'log-level')
  const { mustFindManager } = await import('../../manager/reach.ts')
  await (await mustFindManager(await cli.stateDir())).setLogLevel(level)
  return EXIT.done
}

async function describeNone(cli: Cli): Promise<string> {
  const stateDir = await cli.stateDir()
  const { holderOf } = await import('../../state-dir.ts')
  const pid = holderOf(stateDir)?.pid
  return pid === undefined ? `no manager runs in ${stateDir}` : `process ${pid} holds ${stateDir} for now, and is no manager that can be asked`
}
