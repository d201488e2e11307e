/** The read model: one atom a process, so that a change costs the same with ten processes and ten thousand. */
import { type Atom, createAtom, createStore } from '@xstate/store'
import type { ProcessRecord } from './machines/process/record.ts'

export type RecordAtom = Atom<ProcessRecord>

/**
 * An `@xstate/store` store. Its context holds an atom for each process, by id, and the number of processes that came and went: subscribe to the store for
 * arrivals and departures, to an atom for what happens to one process.
 */
export function createProcessTable() {
  return createStore({
    context: { revision: 0, processes: new Map<string, RecordAtom>() as ReadonlyMap<string, RecordAtom> },
    on: {
      added: (context, event: { record: ProcessRecord }) => {
        ;(context.processes as Map<string, RecordAtom>).set(event.record.id, createAtom(event.record))
        return { ...context, revision: context.revision + 1 }
      },
      removed: (context, event: { id: string }) => {
        ;(context.processes as Map<string, RecordAtom>).delete(event.id)
        return { ...context, revision: context.revision + 1 }
      },
    },
  })
}

/** Writes to the table. A listener that throws is told of, and harms nobody: neither the writer nor the other listeners. */
export class TableWriter {
  readonly #table: ProcessTable
  readonly #onListenerError: (error: unknown) => void
  readonly #pulse = createAtom(0)

  constructor(table: ProcessTable, onListenerError: (error: unknown) => void) {
    this.#table = table
    this.#onListenerError = onListenerError
    this.#pulse.subscribe(() => {})
  }

  add(record: ProcessRecord): void {
    this.#write(() => this.#table.send({ type: 'added', record }))
  }

  update(record: ProcessRecord): void {
    this.#write(() => this.#table.getSnapshot().context.processes.get(record.id)?.set(record))
  }

  remove(id: string): void {
    this.#write(() => this.#table.send({ type: 'removed', id }))
  }

  /** Those that were to hear of it after the one that threw are still waiting: the next update of any atom reaches them. */
  #write(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#onListenerError(error)
      this.#write(() => this.#pulse.set((count) => count + 1))
    }
  }
}

export type ProcessTable = ReturnType<typeof createProcessTable>
