/** A supervisor here or in another process, asked in the same way. */
import type { Supervisor } from '../../src/api.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { type Manager, pause } from '../e2e/harness.ts'

/** What the tests ask of both. */
export type Remote = Pick<Supervisor, 'stop' | 'restart' | 'wait' | 'signal' | 'remove' | 'shutdown'> & {
  get(id: string): Promise<ProcessRecord>
  list(): Promise<readonly ProcessRecord[]>
  refresh(): Promise<readonly ProcessRecord[]>
}

export function remote(manager: Manager): Remote {
  return {
    get: (id) => manager.call('get', id),
    list: () => manager.call('list'),
    refresh: () => manager.call('refresh'),
    stop: (...args) => manager.call('stop', ...args),
    restart: (...args) => manager.call('restart', ...args),
    wait: (...args) => manager.call('wait', ...args),
    signal: (...args) => manager.call('signal', ...args),
    remove: (...args) => manager.call('remove', ...args),
    shutdown: (...args) => manager.call('shutdown', ...args),
  }
}

export function local(supervisor: Supervisor): Remote {
  return {
    get: async (id) => supervisor.get(id),
    list: async () => supervisor.list(),
    refresh: () => supervisor.refresh(),
    stop: (...args) => supervisor.stop(...args),
    restart: (...args) => supervisor.restart(...args),
    wait: (...args) => supervisor.wait(...args),
    signal: (...args) => supervisor.signal(...args),
    remove: (...args) => supervisor.remove(...args),
    shutdown: (...args) => supervisor.shutdown(...args),
  }
}

/** Waits for a fact of a record, and fails after 15 s with what it waited for. */
export async function seen(supervisor: Remote, id: string, what: string, holds: (record: ProcessRecord) => boolean): Promise<ProcessRecord> {
  for (const giveUpAt = performance.now() + 15_000; ; ) {
    const record = await supervisor.get(id)
    if (holds(record)) return record
    if (performance.now() > giveUpAt) throw new Error(`never came true: ${what}: ${JSON.stringify(record)}`)
    await pause(4)
  }
}
