/** `down`: all that was brought up is stopped and removed, dependents first; then nobody is left to manage it. */
import { dirname, resolve } from 'node:path'
import type { RemoteManager } from '../../control/contract.ts'
import { ProcmanError } from '../../errors.ts'
import type { ProcessRecord } from '../../index.ts'
import type { ApplyReport } from '../../manager/contract.ts'
import { type Cli, LOCK_TIMEOUT_MS } from '../context.ts'
import { describeUndone } from '../duties.ts'
import { say } from '../io.ts'
import { parseDuration } from '../parse/duration.ts'
import { reportApply } from '../report-apply.ts'

export interface DownOptions {
  readonly config?: string
  readonly timeout?: string
  readonly json?: boolean
}

export async function down(cli: Cli, options: DownOptions): Promise<number> {
  const limit = options.timeout === undefined ? {} : { timeoutMs: parseDuration(options.timeout, '--timeout') }
  if (options.config !== undefined) await mustBeOf(cli, dirname(resolve(cli.io.cwd, options.config)))
  const { findManager } = await import('../../manager/reach.ts')
  const manager = await findManager(await cli.stateDir())
  if (manager === null) return reportDown(cli, await downDirectly(cli, limit), options)
  const code = await reportDown(cli, await manager.down(limit), options)
  await endManager(cli, manager)
  return code
}

async function reportDown(cli: Cli, report: ApplyReport, { json }: DownOptions): Promise<number> {
  return reportApply(cli, report, { to: 'stdout', isJson: json === true })
}

/** The file need not be there any more: its directory names the project. */
async function mustBeOf(cli: Cli, dir: string): Promise<void> {
  const origins = (await cli.reader()).list().flatMap(({ origin }) => (origin === null ? [] : [origin]))
  const other = origins.find((origin) => origin !== dir)
  if (other === undefined) return
  const message = `the state directory ${await cli.stateDir()} holds the processes of the project in ${other}, not of ${dir}: leave out -c to take them down`
  throw new ProcmanError('PROCMAN_PROJECT_CONFLICT', message, { details: { origin: other } })
}

async function downDirectly(cli: Cli, limit: { readonly timeoutMs?: number }): Promise<ApplyReport> {
  const [{ takeDown }, { openDirectory }] = await Promise.all([import('../../manager/take-down.ts'), import('../../manager/directory.ts')])
  const supervisor = await openDirectory(await cli.stateDir(), LOCK_TIMEOUT_MS)
  try {
    return await takeDown(supervisor, limit)
  } finally {
    await supervisor.close()
  }
}

/** Unless somebody needs it. */
async function endManager(cli: Cli, manager: RemoteManager): Promise<void> {
  const needy = (await cli.reader()).list().filter(needsManager)
  const { pid, kind } = await manager.status()
  if (needy.length > 0) {
    await say(cli.io, `the manager (pid ${pid}) stays for ${needy.map(({ id }) => id).join(', ')}, which it still looks after`)
    return
  }
  await manager.stop()
  if (kind !== 'daemon') return
  const { untilGone } = await import('../../manager/until-gone.ts')
  await untilGone(await cli.stateDir(), pid)
}

function needsManager(record: ProcessRecord): boolean {
  const isUp = record.state !== 'pending' && record.state !== 'exited' && record.state !== 'orphaned'
  return isUp && (record.restart.strategy !== 'never' || describeUndone(record) !== null)
}
