/** Records for tables: of a process just created, and what the test says. */
import { contextOf } from '../../src/machines/process/context.ts'
import { type ProcessRecord, toRecord } from '../../src/machines/process/record.ts'
import { aSpec, EPOCH_MS } from '../machines/fixtures.ts'

/** So many ms after it was created. */
export const later = (ms: number): string => new Date(EPOCH_MS + ms).toISOString()

export function recordOf(overrides: Partial<ProcessRecord> = {}): ProcessRecord {
  return { ...toRecord('pending', contextOf(aSpec({ id: overrides.id ?? 'web' }), EPOCH_MS)), ...overrides }
}

export function upRecord(overrides: Partial<ProcessRecord> = {}): ProcessRecord {
  const times = { started_at: later(1_000), ready_at: later(2_000) }
  return recordOf({ state: 'running', status: 'running', pid: 4711, run: 1, ready: true, ...times, ...overrides })
}
