/** What happened to a process, told by two records of it, one before and one after. Pure: so it is the same whether a manager tells or the files do. */
import type { ProcessRecord } from '../../index.ts'
import { renderProgress } from '../render/progress.ts'

export type What =
  | 'created'
  /** Not started yet, for a reason. */
  | 'waiting'
  | 'started'
  | 'ready'
  /** Another tenth, or something else to do. */
  | 'progressed'
  | 'unhealthy'
  | 'stopping'
  | 'backing-off'
  | 'gave-up'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'orphaned'
  | 'removed'
  /** What was decided or found out, and changed no state. */
  | 'noted'

/** Something that happened to a process: a line of `events --json`. */
export interface Happening {
  /** ISO 8601 UTC. */
  readonly at: string
  readonly id: string
  readonly what: What
  readonly why: string | null
  readonly run: number
  readonly pid: number | null
  /** Of the run that has ended by it. */
  readonly exit_code: number | null
  readonly signal: string | null
}

type End = Pick<Happening, 'exit_code' | 'signal'>
const NO_END: End = { exit_code: null, signal: null }

/**
 * @param before null: it is told from its beginning, as far as that is still known
 * @param after null: it was removed
 * @param nowIso when that was found out, where no record says it
 * @returns oldest first
 */
export function eventsBetween(before: ProcessRecord | null, after: ProcessRecord | null, nowIso: string): readonly Happening[] {
  if (after === null) return before === null ? [] : [eventOf({ ...before, pid: null }, 'removed', nowIso, null)]
  if (before !== null && before.created_at !== after.created_at) return [...eventsBetween(before, null, nowIso), ...eventsBetween(null, after, nowIso)]
  const reasons = newReasons(before, after)
  const turn = turnOf(before, after, reasons, nowIso)
  const facts = [...factsOf(before, after), ...(turn === null ? [] : [turn])]
  const notes = reasons
    .filter(({ at, text }) => !facts.some((fact) => fact.at === at && fact.why === text))
    .map(({ at, text }) => eventOf(after, 'noted', at, text))
  // Of what is told at the same instant, the reason comes before what it led to.
  return inOrder([...notes, ...facts])
}

/** Oldest first. */
export function inOrder(happenings: readonly Happening[]): readonly Happening[] {
  return [...happenings].sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0))
}

function factsOf(before: ProcessRecord | null, after: ProcessRecord): readonly Happening[] {
  const { created_at, started_at, ready_at, run, pid, progress } = after
  return [
    ...(before === null ? [eventOf({ ...after, run: 0, pid: null }, 'created', created_at, null)] : []),
    ...(started_at !== null && started_at !== before?.started_at
      ? [eventOf(after, 'started', started_at, `run ${run}${pid === null ? '' : `, pid ${pid}`}`)]
      : []),
    ...(ready_at !== null && ready_at !== before?.ready_at ? [eventOf(after, 'ready', ready_at, null)] : []),
    ...(progress !== null && stepOf(progress) !== (before?.run === run ? stepOf(before.progress) : null)
      ? [eventOf(after, 'progressed', new Date(progress.atMs).toISOString(), renderProgress(progress))]
      : []),
  ]
}

/** Not each of the many that there are. */
function stepOf(progress: ProcessRecord['progress']): string | null {
  if (progress === null) return null
  return progress.percent === null ? (progress.message ?? '') : String(Math.floor(progress.percent / 10))
}

/** Said where no reason is on record. */
const PURPOSES: Readonly<Record<NonNullable<ProcessRecord['stopping']>['purpose'], string>> = {
  stop: 'to stay down',
  restart: 'to be started again',
  leftovers: 'what it has left behind is stopped',
  unhealthy: 'it is not healthy',
  unready: 'it was not ready in time',
}

/** What its state has become, where that says more than the facts do. */
function turnOf(before: ProcessRecord | null, after: ProcessRecord, reasons: ProcessRecord['reasons'], nowIso: string): Happening | null {
  const isSame = before?.state === after.state && before.run === after.run && before.completed_at === after.completed_at
  if (isSame) return after.state === 'pending' && after.waiting_for !== before.waiting_for ? waitOf(after, nowIso) : null
  const last = reasons.at(-1)
  const because = (what: What, end?: End, otherwise = after.waiting_for): Happening => eventOf(after, what, last?.at ?? nowIso, last?.text ?? otherwise, end)
  switch (after.state) {
    case 'unhealthy':
      return because('unhealthy')
    case 'stopping':
      return because('stopping', undefined, after.stopping === null ? null : PURPOSES[after.stopping.purpose])
    case 'backoff':
      return because('backing-off', after)
    case 'exited':
    case 'orphaned': {
      const at = after.completed_at ?? last?.at ?? nowIso
      const reason = reasons.findLast((each) => each.at === at)?.text ?? after.error
      if (after.status === 'pending' || after.status === 'running') return null
      return eventOf(after, after.gave_up ? 'gave-up' : after.status, at, reason, after)
    }
    case 'pending':
      return waitOf(after, nowIso)
    case 'starting':
    case 'running':
      return null
  }
}

function waitOf(after: ProcessRecord, nowIso: string): Happening | null {
  return after.waiting_for === null ? null : eventOf(after, 'waiting', nowIso, after.waiting_for)
}

/** Those that were not there before; only the last ones are kept in a record. */
function newReasons(before: ProcessRecord | null, { reasons }: ProcessRecord): ProcessRecord['reasons'] {
  const last = before?.reasons.at(-1)
  if (last === undefined) return reasons
  const known = reasons.findLastIndex(({ at, text }) => at === last.at && text === last.text)
  return reasons.slice(known + 1)
}

function eventOf({ id, run, pid }: Pick<ProcessRecord, 'id' | 'run' | 'pid'>, what: What, at: string, why: string | null, end = NO_END): Happening {
  return { at, id, what, why, run, pid, exit_code: end.exit_code, signal: end.signal }
}
