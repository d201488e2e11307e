/** What `up` in the foreground works with: a manager of its own, or the one that there is. */
import type { Supervisor } from '../../api.ts'
import { isProcmanError, ProcmanError } from '../../errors.ts'
import type { ApplyReport } from '../../manager/contract.ts'
import type { LogTarget, ManagerLog } from '../../manager/log/log.ts'
import type { Manager } from '../../manager/manager.ts'
import { type Cli, LOCK_TIMEOUT_MS } from '../context.ts'
import { say } from '../io.ts'
import { arePainted } from '../render/colors.ts'
import type { UpAsked } from './asked.ts'

export interface Session {
  readonly source: Pick<Supervisor, 'table' | 'watch' | 'restart'>
  /** Once: brings up what was asked for. */
  apply(): Promise<ApplyReport>
  reload(): void
  /** Stops everything that is declared, dependents first, and keeps it. @param timeoutMs whatever is left then is killed */
  stopAll(timeoutMs?: number): Promise<ApplyReport>
  /** Resolves with the reason when the manager has ended, whoever wanted that. */
  readonly ended: Promise<string>
  /** Lets go; what runs goes on. */
  close(reason: string): Promise<void>
}

export async function openSession(cli: Cli, asked: UpAsked): Promise<Session> {
  const { tryConnect } = await import('../../manager/reach.ts')
  for (;;) {
    const client = await tryConnect(asked.stateDir)
    if (client !== null) return remoteSession(cli, asked, client)
    const manager = await tryOpen(cli, asked)
    if (manager !== null) return ownSession(manager)
  }
}

/** @returns null when another manager can be asked meanwhile */
async function tryOpen(cli: Cli, asked: UpAsked): Promise<Manager | null> {
  const { stateDir, config, isWatched, isReplacing, listen, tokens, logLevel } = asked
  const [{ openManager }, log] = await Promise.all([import('../../manager/manager.ts'), openLog(cli, asked)])
  try {
    return await openManager({
      stateDir,
      kind: 'up',
      config,
      watch: isWatched,
      listen,
      tokens,
      log,
      logLevel,
      startDown: true,
      replace: isReplacing,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    })
  } catch (error) {
    if (isProcmanError(error) && error.details.isServed === true) return null
    throw error
  }
}

/** On stderr: for people on a terminal, else as JSON lines. */
async function openLog({ io }: Cli, { logLevel }: UpAsked): Promise<ManagerLog> {
  const [{ createLog }, targets] = await Promise.all([import('../../manager/log/log.ts'), import('../../manager/log/targets.ts')])
  const target: LogTarget = io.stderr.isTTY === true ? await targets.prettyTarget(arePainted({ env: io.env, stdout: io.stderr })) : targets.stderrTarget()
  return createLog(target, logLevel ?? 'info')
}

function ownSession(manager: Manager): Session {
  return {
    source: manager.supervisor,
    apply: async () => (await manager.bringUp()) ?? { lines: [], warnings: [], failures: [] },
    reload: () => manager.reload(),
    stopAll: (timeoutMs) => manager.down({ keep: true, ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    ended: manager.ended,
    async close(reason) {
      manager.end(reason)
      await manager.ended
    },
  }
}

type Client = NonNullable<Awaited<ReturnType<typeof import('../../manager/reach.ts').tryConnect>>>

async function remoteSession(cli: Cli, { config, isWatched, isReplacing, listen }: UpAsked, client: Client): Promise<Session> {
  const { pid } = await client.manager.status()
  await say(cli.io, `a manager (pid ${pid}) is there already: it does it, and goes on when this command ends`)
  if (listen !== null)
    throw new ProcmanError('PROCMAN_WRONG_STATE', `the manager (pid ${pid}) is there already, and --listen would have no effect: end it first`)
  return {
    source: client,
    apply: () => client.manager.apply({ ...config, startDown: true, replace: isReplacing, ...(isWatched ? { watch: true } : {}) }),
    reload: () => void client.manager.apply({}).catch((error: Error) => say(cli.io, error.message)),
    stopAll: (timeoutMs) => client.manager.down({ keep: true, ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    // It may come back, or another may take its place: then it goes on.
    ended: new Promise(() => {}),
    close: () => client.close(),
  }
}
