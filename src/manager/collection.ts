/** What the config says of the collection of logs, carried out. */
import type { Supervisor } from '../api.ts'
import { type CollectEvent, type CollectOptions, type Collector, collectLogs, type TargetStatus } from '../collect.ts'
import type { ManagerStatus } from './contract.ts'
import type { ManagerEvent } from './log/events.ts'

export class Collection {
  readonly #supervisor: Supervisor
  readonly #kind: ManagerStatus['kind']
  readonly #write: (event: ManagerEvent) => void
  /** Null: nothing was to be collected yet. */
  #collector: Collector | null = null

  constructor(supervisor: Supervisor, kind: ManagerStatus['kind'], write: (event: ManagerEvent) => void) {
    this.#supervisor = supervisor
    this.#kind = kind
    this.#write = write
  }

  /** From now on. @returns warnings */
  take(options: CollectOptions): readonly string[] {
    try {
      if (this.#collector !== null) this.#collector.update(options)
      else if (options.targets.length > 0)
        this.#collector = collectLogs(this.#supervisor, { ...options, onEvent: (event) => this.#write(toManagerEvent(event)) })
    } catch (error) {
      // What is declared was checked; processes are started in any case.
      return [`log_collection: ${error instanceof Error ? error.message : String(error)}`]
    }
    const isNowhere = this.#kind === 'daemon' && options.targets.some(({ type }) => type === 'stdout' || type === 'process_manager_stdout')
    return isNowhere ? ['log_collection: the stdout of a daemon goes nowhere; what is delivered to stderr is in its log'] : []
  }

  status(): readonly TargetStatus[] {
    return this.#collector?.status() ?? []
  }

  async close(): Promise<void> {
    await this.#collector?.close()
  }
}

function toManagerEvent(event: CollectEvent): ManagerEvent {
  switch (event.type) {
    case 'target.failing':
      return { event: 'target.failing', target: event.target, reason: event.reason }
    case 'target.recovered':
      return { event: 'target.recovered', target: event.target }
    case 'target.refused':
      return { event: 'target.refused', target: event.target, records: event.records, reason: event.reason }
    case 'trouble':
      return { event: 'error', id: null, reason: `collection of logs, target ${event.target}: ${event.reason}` }
  }
}
