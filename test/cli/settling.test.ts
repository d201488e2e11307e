import { describe, expect, it } from 'vitest'
import { progressOf } from '../../src/cli/settling.ts'
import type { ProcessRecord } from '../../src/index.ts'
import { recordOf, upRecord } from './records.ts'

const kinds = (...records: readonly ProcessRecord[]) => Object.fromEntries([...progressOf(records)].map(([id, { kind }]) => [id, kind]))
const failed = (id: string, more: Partial<ProcessRecord> = {}) =>
  recordOf({ id, state: 'exited', status: 'failed', run: 1, error: 'exited with code 1', ...more })
const completed = (id: string) => recordOf({ id, state: 'exited', status: 'completed', run: 1, exit_code: 0 })
const held = (id: string, depends_on: ProcessRecord['depends_on']) => recordOf({ id, waiting_for: 'waits', depends_on })

describe('how far a group of processes has come', () => {
  it.each([
    ['up and ready', upRecord({ id: 'a' }), 'well'],
    ['up, and its probes have not passed', upRecord({ id: 'a', health: { status: 'unknown' } as ProcessRecord['health'] }), 'under-way'],
    ['starting', upRecord({ id: 'a', state: 'starting', ready: false }), 'under-way'],
    ['about to be started again', recordOf({ id: 'a', state: 'backoff', status: 'running' }), 'under-way'],
    ['completed', completed('a'), 'done'],
    ['started by hand only', recordOf({ id: 'a' }), 'done'],
    ['failed', failed('a'), 'failed'],
    ['stopped', failed('a', { status: 'cancelled', error: null }), 'failed'],
  ] as const)('%s', (_what, record, kind) => {
    expect(kinds(record)).toEqual({ a: kind })
  })

  it('waits for what is on its way, and for what has just made it possible', () => {
    expect(kinds(upRecord({ id: 'db', state: 'starting' }), held('api', { db: 'healthy' }))).toMatchObject({ api: 'under-way' })
    expect(kinds(completed('migrate'), held('api', { migrate: 'completed-successfully' }))).toMatchObject({ api: 'under-way' })
  })

  it('has failed with what it depends on, over any number of steps', () => {
    expect(kinds(failed('db'), held('api', { db: 'healthy' }), held('web', { api: 'started' }))).toEqual({ db: 'failed', api: 'failed', web: 'failed' })
    expect(kinds(completed('db'), held('api', { db: 'healthy' }))).toMatchObject({ api: 'failed' })
    expect(kinds(held('api', { nobody: 'started' }))).toEqual({ api: 'failed' })
  })
})
