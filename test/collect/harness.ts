/** Collectors on supervisors of their own, and receivers that do as they are told. */
import { onTestFinished } from 'vitest'
import type { Supervisor } from '../../src/api.ts'
import { type CollectOptions, type Collector, collectLogs, type LogRecord } from '../../src/collect.ts'

/** Closed with the test. */
export function collecting(supervisor: Supervisor, options: CollectOptions): Collector {
  const collector = collectLogs(supervisor, options)
  onTestFinished(() => collector.close())
  return collector
}

export interface Sink {
  readonly records: LogRecord[]
  readonly messages: () => readonly string[]
  readonly deliver: (records: readonly LogRecord[]) => unknown
}

/** A function target that remembers. */
export function sink(then: (records: readonly LogRecord[]) => unknown = () => {}): Sink {
  const records: LogRecord[] = []
  return {
    records,
    messages: () => records.map(({ msg }) => msg),
    deliver: async (more) => {
      await then(more)
      records.push(...more)
    },
  }
}
