/** Who holds the directory, whether it can be asked, and what is left undone. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SOCKET_NAME } from '../../control/contract.ts'
import { isProcmanError } from '../../errors.ts'
import type { ProcessRecord } from '../../index.ts'
import type { LockFacts } from '../../state-dir.ts'
import { readVersion } from '../../version.ts'
import type { Cli } from '../context.ts'
import { describeUndone } from '../duties.ts'
import { type Finding, note, ok, problem } from './finding.ts'

/** One that does not answer by then hangs. */
const ANSWER_MS = 3_000

/** What was told by whoever serves the directory. */
export type Served =
  | { readonly kind: 'served'; readonly by: { readonly pid: number; readonly version: string; readonly kind: string } | null }
  | { readonly kind: 'nobody'; readonly isSocketThere: boolean }
  | { readonly kind: 'silent'; readonly why: string }

export async function askManager(cli: Cli, stateDir: string): Promise<Served> {
  const isSocketThere = existsSync(join(stateDir, SOCKET_NAME))
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<Served>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'silent', why: `it has not answered for ${ANSWER_MS / 1_000} s` }), ANSWER_MS)
  })
  try {
    return await Promise.race([ask(cli, isSocketThere), silence])
  } catch (error) {
    return { kind: 'silent', why: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
  }
}

async function ask(cli: Cli, isSocketThere: boolean): Promise<Served> {
  const manager = await cli.connect()
  if (manager === null) return { kind: 'nobody', isSocketThere }
  try {
    const { pid, version, kind } = await manager.manager.status()
    return { kind: 'served', by: { pid, version, kind } }
  } catch (error) {
    // A program that embeds the library tells nothing of itself.
    if (isProcmanError(error) && error.code === 'PROCMAN_NO_MANAGER') return { kind: 'served', by: null }
    throw error
  } finally {
    await manager.close()
  }
}

/** Pure. */
export function judgeManager({ holder, isStale, leftovers }: LockFacts, served: Served, records: readonly ProcessRecord[]): readonly Finding[] {
  return [
    judgeHolder(holder, isStale, served),
    ...(served.kind === 'nobody' && served.isSocketThere
      ? [note('manager', `${SOCKET_NAME} is what a manager has left that was killed: nobody listens there, and the next one takes it away`)]
      : []),
    ...(leftovers.length === 0
      ? []
      : [note('manager', `beside the lock lies ${leftovers.join(', ')}, left by managers that were killed: the next one takes it away`)]),
    ...(holder === null ? judgeUndone(records) : []),
  ]
}

function judgeHolder(holder: LockFacts['holder'], isStale: boolean, served: Served): Finding {
  const version = readVersion()
  if (served.kind === 'silent')
    return problem(
      'manager',
      `the manager${holder === null ? '' : ` (pid ${holder.pid})`} does not answer: ${served.why}`,
      'procman daemon restart, or kill it: every process goes on',
    )
  if (served.kind === 'served') {
    const { by } = served
    if (by === null) return ok('manager', `a program${holder === null ? '' : ` (pid ${holder.pid})`} holds the directory and serves it`)
    if (by.version !== version)
      return note(
        'manager',
        `the manager (${by.kind}, pid ${by.pid}) is of version ${by.version}, this is ${version}`,
        'procman daemon restart: every process goes on',
      )
    return ok('manager', `${by.kind}, pid ${by.pid}, version ${by.version}, answers`)
  }
  if (holder !== null) return note('manager', `process ${holder.pid} holds the directory and serves nobody: other commands wait until it lets go`)
  if (isStale) return note('manager', 'none; the lock of one that was killed is still there, and the next one takes it over')
  return ok('manager', 'none, and none is needed: commands act by themselves')
}

function judgeUndone(records: readonly ProcessRecord[]): readonly Finding[] {
  const left = records.flatMap((record) => {
    const undone = describeUndone(record)
    return undone === null ? [] : [`${record.id} (${undone})`]
  })
  if (left.length === 0) return []
  const more = left.length > 5 ? ` and ${left.length - 5} more` : ''
  return [note('processes', `no manager lives, and something is left to one: ${left.slice(0, 5).join(', ')}${more}`, 'procman daemon start')]
}
