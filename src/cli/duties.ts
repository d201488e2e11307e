/** What of a process is done by a manager, and so not at all while none lives. */
import type { Supervisor } from '../api.ts'
import type { ProcessRecord } from '../index.ts'
import { type Cli, isRemote } from './context.ts'
import { say } from './io.ts'

type Asked = Pick<ProcessRecord, 'id' | 'state' | 'pid' | 'restart' | 'health' | 'ready_when'>

/** As "restarted (always) and probed". Null: nothing. */
export function describeDuties({ restart, health, ready_when }: Asked): string | null {
  const duties = [
    ...(restart.strategy === 'never' ? [] : [`restarted (${restart.strategy})`]),
    ...(health === null ? [] : ['probed']),
    ...(ready_when === null ? [] : ['found ready']),
  ]
  const last = duties.pop()
  if (last === undefined) return null
  return duties.length === 0 ? last : `${duties.join(', ')} and ${last}`
}

/** What would be done for it just now, in the words of what is left undone. Null: nothing is due. */
export function describeUndone({ state, pid, health }: Asked): string | null {
  switch (state) {
    case 'starting':
      return pid === null ? 'it is not launched' : 'nobody looks whether it is ready'
    case 'running':
    case 'unhealthy':
      return health === null ? null : 'its probes are not asked'
    case 'backoff':
      return 'it is not started again'
    case 'stopping':
      return 'its stop does not go on'
    case 'pending':
    case 'exited':
    case 'orphaned':
      return null
  }
}

/** What is left undone unless a manager lives, and its pid; null: none does. */
export interface Due {
  readonly undone: string
  readonly managerPid: number | null
}

/** Looks for a manager only where something is due. @returns null where nothing is */
export async function findDue(cli: Cli, record: Asked): Promise<Due | null> {
  const undone = describeUndone(record)
  if (undone === null) return null
  const { holderOf } = await import('../state-dir.ts')
  return { undone, managerPid: holderOf(await cli.stateDir())?.pid ?? null }
}

/** What is to be said about a process that is left alone; null: nothing. Policy and probes act only while a manager lives. @param supervisor through which it was started */
export async function findNeglect(supervisor: Supervisor, record: Asked): Promise<string | null> {
  const duties = describeDuties(record)
  if (duties === null || (await goesOn(supervisor))) return null
  const sentence = `${record.id} runs, but is ${duties} only while a manager lives, and none does now`
  return `${sentence}; 'procman daemon start' keeps one, 'procman run' stays as one, 'procman wait --for ready' is one while it waits`
}

/** Whether it manages on when the command has left. */
async function goesOn(supervisor: Supervisor): Promise<boolean> {
  if (!isRemote(supervisor)) return false
  // A program that embeds the library tells nothing of itself.
  const kind = await supervisor.manager.status().then(
    (status) => status.kind,
    () => 'library' as const,
  )
  return kind !== 'command'
}

export async function sayNeglect(cli: Cli, neglect: string | null): Promise<void> {
  if (neglect !== null) await say(cli.io, neglect)
}
