/** Choosing processes: by id or unique prefix, by status, by labels. Pure. */
import type { LabelFilter, ListFilter } from './api.ts'
import { ProcmanError } from './errors.ts'
import type { ProcessRecord } from './machines/process/record.ts'

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

export function selectRecords(records: Iterable<ProcessRecord>, filter: ListFilter = {}): readonly ProcessRecord[] {
  const statuses = filter.status === undefined ? null : [filter.status].flat()
  return [...records].filter((record) => (statuses === null || statuses.includes(record.status)) && matchesLabels(record.labels, filter.labels ?? {}))
}

function matchesLabels(labels: Readonly<Record<string, string>>, filter: LabelFilter): boolean {
  return Object.entries(filter).every(([name, wanted]) => {
    const value = Object.hasOwn(labels, name) ? labels[name] : undefined
    if (wanted === undefined) return true
    if (typeof wanted === 'string') return value === wanted
    if ('in' in wanted) return value !== undefined && wanted.in.includes(value)
    return (value !== undefined) === wanted.exists
  })
}
