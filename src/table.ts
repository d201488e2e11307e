/** The read model: one atom a process, so that a change costs the same with ten processes and ten thousand. */
import { type Atom, createAtom, createStore, type ReadonlyAtom } from '@xstate/store'
import type { ProcessRecord } from './machines/process/record.ts'

export type RecordAtom = ReadonlyAtom<ProcessRecord>

/**
 * An `@xstate/store` store. Its context holds an atom for each process, by id, and the number of processes that came and went: subscribe to the store for
 * arrivals and departures, to an atom for what happens to one process.
 */
export function createProcessTable() {
  return createStore({
    context: { revision: 0, processes: new Map<string, RecordAtom>() as ReadonlyMap<string, RecordAtom> },
    on: {
      added: (context, event: { id: string; atom: RecordAtom }) => {
        ;(context.processes as Map<string, RecordAtom>).set(event.id, event.atom)
        return { ...context, revision: context.revision + 1 }
      },
      removed: (context, event: { id: string }) => {
        ;(context.processes as Map<string, RecordAtom>).delete(event.id)
        return { ...context, revision: context.revision + 1 }
      },
    },
  })
}

/** Records are made when somebody looks: some processes change all the time. */
type Source = () => ProcessRecord

/** Writes to the table. A listener that throws is told of, and harms nobody: neither the writer nor the other listeners. */
export class TableWriter {
  readonly #table: ProcessTable
  readonly #onListenerError: (error: unknown) => void
  readonly #sources = new Map<string, Atom<{ readonly record: Source }>>()
  readonly #pulse = createAtom(0)

  constructor(table: ProcessTable, onListenerError: (error: unknown) => void) {
    this.#table = table
    this.#onListenerError = onListenerError
    this.#pulse.subscribe(() => {})
  }

  add(id: string, record: Source): void {
    const source = createAtom({ record })
    this.#sources.set(id, source)
    this.#write(() => this.#table.send({ type: 'added', id, atom: createAtom(() => source.get().record()) }))
  }

  update(id: string, record: Source): void {
    this.#write(() => this.#sources.get(id)?.set({ record }))
  }

  remove(id: string): void {
    this.#sources.delete(id)
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
