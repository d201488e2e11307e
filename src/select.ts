/** Choosing processes: by id or unique prefix, by status, by labels. Pure. */
import type { LabelFilter, ListFilter } from './api.ts'
import { ProcmanError } from './errors.ts'
import type { ProcessRecord } from './machines/process/record.ts'
import type { ProcessStatus } from './machines/process/states.ts'

/** @returns the one id that is meant. @throws PROCMAN_PROCESS_UNKNOWN, PROCMAN_PROCESS_AMBIGUOUS */
export function resolveId(given: string, has: (id: string) => boolean, all: () => Iterable<string>): string {
  if (has(given)) return given
  const fitting = given === '' ? [] : [...all()].filter((id) => id.startsWith(given))
  if (fitting.length === 1 && fitting[0] !== undefined) return fitting[0]
  if (fitting.length === 0) throw new ProcmanError('PROCMAN_PROCESS_UNKNOWN', `there is no process ${JSON.stringify(given)}`, { details: { id: given } })
  const shown = `${fitting.slice(0, 5).join(', ')}${fitting.length > 5 ? ', …' : ''}`
  throw new ProcmanError('PROCMAN_PROCESS_AMBIGUOUS', `${JSON.stringify(given)} fits ${fitting.length} processes (${shown}): give more of the id`, {
    details: { id: given, fitting },
  })
}

export const STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled', 'orphaned'] as const satisfies readonly ProcessStatus[]

/** @throws PROCMAN_INVALID_ARGUMENT for a filter that nothing could ever pass: a status that there is not, labels that are none */
export function selectRecords(records: Iterable<ProcessRecord>, filter: ListFilter = {}): readonly ProcessRecord[] {
  const statuses = filter.status === undefined ? null : [filter.status].flat()
  for (const status of statuses ?? [])
    if (!STATUSES.includes(status)) throw invalid(`there is no status ${JSON.stringify(status)}; known are ${STATUSES.join(', ')}`)
  for (const [name, wanted] of Object.entries(checkedLabels(filter.labels)))
    if (!isWanted(wanted)) throw invalid(`label ${name}: a string, { in: [strings] } or { exists: boolean } can be looked for, not ${JSON.stringify(wanted)}`)
  return [...records].filter((record) => (statuses === null || statuses.includes(record.status)) && matchesLabels(record.labels, filter.labels ?? {}))
}

function checkedLabels(labels: unknown): object {
  if (labels === undefined) return {}
  if (typeof labels === 'object' && labels !== null && !Array.isArray(labels)) return labels
  throw invalid(`labels must be an object, as { tier: 'web' }, not ${JSON.stringify(labels)}`)
}

function isWanted(wanted: unknown): boolean {
  if (wanted === undefined || typeof wanted === 'string') return true
  if (typeof wanted !== 'object' || wanted === null) return false
  if ('in' in wanted) return Array.isArray(wanted.in) && wanted.in.every((each) => typeof each === 'string')
  return 'exists' in wanted && typeof wanted.exists === 'boolean'
}

function invalid(message: string): ProcmanError {
  return new ProcmanError('PROCMAN_INVALID_ARGUMENT', message)
}

/** All of them. */
export function matchesLabels(labels: Readonly<Record<string, string>>, filter: LabelFilter): boolean {
  return Object.entries(filter).every(([name, wanted]) => {
    const value = Object.hasOwn(labels, name) ? labels[name] : undefined
    if (wanted === undefined) return true
    if (typeof wanted === 'string') return value === wanted
    if ('in' in wanted) return value !== undefined && wanted.in.includes(value)
    return (value !== undefined) === wanted.exists
  })
}
