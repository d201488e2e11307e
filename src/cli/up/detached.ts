/** `up -d`: a daemon does it; the command tells what was done, and leaves. */
import type { ProcessRecord } from '../../index.ts'
import type { ApplyReport } from '../../manager/contract.ts'
import { type Cli, LOCK_TIMEOUT_MS } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { say } from '../io.ts'
import { escapeControls } from '../render/text.ts'
import { reportApply } from '../report-apply.ts'
import type { UpAsked } from './asked.ts'

/** Somebody else starts the daemon: on a busy machine that takes longer than a command holds the directory. */
const PATIENCE_MS = 6 * LOCK_TIMEOUT_MS

export async function upDetached(cli: Cli, asked: UpAsked): Promise<number> {
  const report = await bringUp(cli, asked)
  const code = await reportApply(cli, report, { to: 'stdout', isJson: asked.isJson })
  if (!asked.isWaiting) return code
  const late = await waitForAll(cli, asked, report)
  return code === EXIT.done ? late : code
}

async function bringUp(cli: Cli, asked: UpAsked): Promise<ApplyReport> {
  const { stateDir, config, isWatched, isReplacing, listen, tokens, logLevel } = asked
  const { ensureManager } = await import('../../manager/daemon/ensure.ts')
  const options = { stateDir, config, watch: isWatched, listen, tokens, logLevel, startDown: true, replace: isReplacing, isTolerant: false }
  const reached = await ensureManager(options, cli.io.env, { patienceMs: PATIENCE_MS, lockTimeoutMs: LOCK_TIMEOUT_MS })
  if (reached.kind === 'started') return (await reached.applied) ?? { lines: [], warnings: [], failures: [] }
  const { manager } = reached
  if (listen !== null) await say(cli.io, "warning: there is a manager already: --listen takes effect with 'procman daemon stop' and 'procman up -d --listen'")
  if (logLevel !== null) await manager.setLogLevel(logLevel)
  return manager.apply({ ...config, startDown: true, replace: isReplacing, ...(isWatched ? { watch: true } : {}) })
}

/** Until each is well, or has ended as it should. @returns 1 when one cannot be any more, or the time is over, and says why */
async function waitForAll(cli: Cli, { stateDir, timeoutMs }: UpAsked, { lines }: ApplyReport): Promise<number> {
  const [{ connect }, { untilSettled }] = await Promise.all([import('../../control/connect.ts'), import('../until-settled.ts')])
  const ids = new Set(lines.flatMap(({ id, action }) => (action === 'remove' ? [] : [id])))
  const client = await connect({ stateDir })
  try {
    const isDeclared = ({ id }: ProcessRecord) => ids.has(id)
    const progress = await untilSettled(client.table, isDeclared, timeoutMs)
    let code: number = EXIT.done
    for (const [id, each] of progress) {
      if (each.kind !== 'failed' && each.kind !== 'under-way') continue
      const what = each.kind === 'failed' ? 'has not come up' : `has not come up after ${timeoutMs} ms`
      await say(cli.io, `${id} ${what}: ${escapeControls(each.reason)} (${each.kind === 'failed' ? 'PROCMAN_NOT_READY' : 'PROCMAN_TIMEOUT'})`)
      code = EXIT.failed
    }
    return code
  } finally {
    await client.close()
  }
}
