/** One process for people: what was asked for, how it is, how it went. */
import type { LogStats, ProcessRecord } from '../../index.ts'
import type { StopPolicy } from '../../types.ts'
import type { Due } from '../duties.ts'
import type { Io } from '../io.ts'
import { type Colors, paintStatus } from './colors.ts'
import { healthRows } from './health.ts'
import { logRows } from './logs.ts'
import { renderNext } from './next.ts'
import { renderProgress } from './progress.ts'
import { policyRows, restartRows } from './restart.ts'
import type { Row } from './row.ts'
import { renderStatus } from './status.ts'
import { escapeControls, orDash, renderCommand, renderPairs } from './text.ts'
import { renderSpan, renderTime } from './time.ts'

/** @param due what is left to a manager just now; null: nothing @param stats of its logs; null: not looked at */
export function renderRecord(record: ProcessRecord, due: Due | null, io: Pick<Io, 'nowMs'>, colors: Colors, stats: LogStats | null = null): string {
  const nowMs = io.nowMs()
  const rows = [
    ...stateRows(record, due, nowMs),
    ...healthRows(record, nowMs),
    ...restartRows(record, nowMs),
    ...specRows(record, stats),
    ...reasonRows(record, nowMs),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows
    .map(([name, value]) => {
      const safe = escapeControls(value)
      const painted = name === 'status' ? paintStatus(colors, record, safe) : safe
      return `${colors.bold(name.padEnd(width))}  ${painted}\n`
    })
    .join('')
}

function stateRows(record: ProcessRecord, due: Due | null, nowMs: number): readonly Row[] {
  return [
    ['id', record.id],
    ['status', renderStatus(record)],
    ['state', record.state],
    ...rowIf('progress', record.progress === null ? '' : renderProgress(record.progress)),
    ['run', String(record.run)],
    [
      'pid',
      record.pid === null
        ? '-'
        : `${record.pid}${record.keeper_lost ? ' (its keeper was killed: how it ends will not be known, and its logs are not rotated until its next run)' : ''}`,
    ],
    ['created', renderTime(record.created_at, nowMs)],
    ['started', renderTime(record.started_at, nowMs)],
    ['completed', renderTime(record.completed_at, nowMs)],
    ['took', renderTook(record)],
    ['outcome', renderOutcome(record)],
    ['error', record.error ?? '-'],
    ['restarts', String(record.restarts)],
    ['next', renderNext(record, nowMs)],
    ...(due === null ? [] : [['manager', renderManager(due)] as const]),
  ]
}

function specRows(record: ProcessRecord, stats: LogStats | null): readonly Row[] {
  return [
    ['command', renderCommand(record.command, record.args)],
    ['work dir', record.work_dir],
    ['labels', orDash(renderPairs(record.labels))],
    ['meta', orDash(renderPairs(record.meta))],
    ['env', orDash(renderPairs(record.env))],
    ['inherits env', record.inherit_env ? 'yes' : 'no'],
    ['stdin', record.stdin],
    ...policyRows(record.restart),
    ['stop', renderStop(record.stop)],
    ['leftovers', record.leftovers],
    ...logRows(record, stats),
    ...rowIf('depends on', renderPairs(record.depends_on)),
    ...rowIf('project', record.origin ?? ''),
  ]
}

function rowIf(name: string, value: string): readonly Row[] {
  return value === '' ? [] : [[name, value]]
}

function reasonRows(record: ProcessRecord, nowMs: number): readonly Row[] {
  return record.reasons.map(({ at, text }, index): Row => [index === 0 ? 'reasons' : '', `${renderTime(at, nowMs)}: ${text}`])
}

function renderManager({ managerPid, undone }: Due): string {
  return managerPid === null ? `none lives now: until one does, ${undone}` : `pid ${managerPid}`
}

function renderTook({ started_at, completed_at }: ProcessRecord): string {
  return started_at === null || completed_at === null ? '-' : renderSpan(Date.parse(completed_at) - Date.parse(started_at))
}

function renderOutcome({ outcome }: ProcessRecord): string {
  if (outcome === null) return '-'
  switch (outcome.kind) {
    case 'code':
      return `exited with code ${outcome.code}`
    case 'signal':
      return `ended by ${outcome.signal}${outcome.core ? ', core dumped' : ''}`
    case 'launch-failed':
      return `not launched: ${outcome.errno} (${outcome.step})`
    case 'not-started':
      return 'stopped before it was executed'
    case 'unknown':
      return `unknown: ${outcome.reason}`
  }
}

function renderStop({ ladder, timeoutMs }: StopPolicy): string {
  const rungs = ladder.map(({ signal, afterMs }) => (afterMs === 0 ? signal : `${signal} after ${renderSpan(afterMs)}`))
  return [...rungs, `SIGKILL to the whole tree after ${renderSpan(timeoutMs)}`].join(', ')
}
