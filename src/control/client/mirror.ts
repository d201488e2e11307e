/** All processes of a manager as its stream of events tells them: records in a table, stand-ins for the actors. */
import type { Problem, ProcessRef } from '../../api.ts'
import type { ProcessCommand } from '../../process.ts'
import { resolveId } from '../../select.ts'
import { createProcessTable, TableWriter } from '../../table.ts'
import { type ErrorBody, fromErrorBody } from '../errors.ts'
import type { StreamEvent, WireProcess, WireTroubles } from '../wire.ts'
import { freeze } from './freeze.ts'
import { type RemoteProcess, type RemoteRoot, standInForProcess, standInForRoot } from './remote-actor.ts'

interface Known {
  readonly createdAt: string
  readonly process: RemoteProcess
}

export class Mirror {
  readonly table = createProcessTable()
  readonly root: RemoteRoot
  problems: readonly Problem[] = []
  readonly #writer: TableWriter
  readonly #known = new Map<string, Known>()
  /** Why the manager cannot manage them now. */
  #unreadable = new Map<string, ErrorBody>()
  readonly #send: (id: string, command: ProcessCommand) => void
  #epoch = ''
  #seq = 0
  readonly #waiting = new Set<{ readonly epoch: string; readonly seq: number; readonly done: () => void }>()

  constructor(stateDir: string, send: (id: string, command: ProcessCommand) => void, onListenerError: (error: unknown) => void) {
    this.root = standInForRoot(stateDir)
    this.#send = send
    this.#writer = new TableWriter(this.table, onListenerError)
  }

  /** @param id an id or a unique beginning of one. @throws PROCMAN_PROCESS_UNKNOWN, PROCMAN_PROCESS_AMBIGUOUS, PROCMAN_PROCESS_UNREADABLE */
  ref(id: string): ProcessRef {
    const known = resolveId(
      id,
      (each) => this.#known.has(each) || this.#unreadable.has(each),
      () => [...this.#known.keys(), ...this.#unreadable.keys()],
    )
    const process = this.#known.get(known)?.process
    if (process !== undefined) return process.ref
    throw fromErrorBody(this.#unreadable.get(known), 200)
  }

  /** @param id of the event, as `3f2a…-17` */
  apply(event: StreamEvent, id: string | undefined): void {
    this.#take(event)
    const [epoch, seq] = id?.split('-') ?? []
    if (epoch === undefined) return
    this.#epoch = epoch
    this.#seq = Number(seq)
    for (const each of this.#waiting) if (this.#hasSeen(each)) each.done()
    // Of another epoch: whatever was waited for is in the picture.
    if (event.name === 'snapshot') this.forgetWaits()
  }

  /** Settles once what an answer speaks of is shown here too. */
  seen(id: string | null): Promise<void> {
    const [epoch, seq] = id?.split('-') ?? []
    const place = { epoch: epoch ?? '', seq: Number(seq) }
    if (epoch === undefined || this.#hasSeen(place)) return Promise.resolve()
    return new Promise((resolve) => {
      const waiting = {
        ...place,
        done: () => {
          this.#waiting.delete(waiting)
          resolve()
        },
      }
      this.#waiting.add(waiting)
    })
  }

  /** The stream will not tell any more. */
  forgetWaits(): void {
    for (const each of this.#waiting) each.done()
  }

  close(): void {
    this.forgetWaits()
    for (const { process } of this.#known.values()) process.stop()
    this.root.stop()
  }

  #hasSeen({ epoch, seq }: { readonly epoch: string; readonly seq: number }): boolean {
    return epoch === this.#epoch && this.#seq >= seq
  }

  #take(event: StreamEvent): void {
    switch (event.name) {
      case 'snapshot':
        return this.#replace(event.data)
      case 'record':
        return this.#set(event.data)
      case 'removed':
        return this.#remove(event.data.id)
      case 'event':
        if ('id' in event.data && event.data.id !== null) this.#known.get(event.data.id)?.process.emit(event.data)
        return this.root.emit(event.data)
      case 'problems':
        return this.#isTroubled(event.data)
      case 'resumed':
      case 'closing':
        return
    }
  }

  #replace({ processes, ...troubles }: { readonly processes: readonly WireProcess[] } & WireTroubles): void {
    const ids = new Set(processes.map(({ record }) => record.id))
    for (const id of [...this.#known.keys()]) if (!ids.has(id)) this.#remove(id)
    for (const each of processes) this.#set(each)
    this.#isTroubled(troubles)
  }

  #isTroubled({ problems, unreadable }: WireTroubles): void {
    this.problems = problems
    this.#unreadable = new Map(unreadable.map((error) => [String(error.details.id), error]))
  }

  #set({ record, snapshot }: WireProcess): void {
    freeze(record)
    this.#unreadable.delete(record.id)
    const known = this.#known.get(record.id)
    const isRevived = snapshot.status === 'active' && known?.process.ref.getSnapshot().status === 'error'
    // Another one with the same id, or one whose actor had failed and that a later manager has taken in again.
    if (known !== undefined && (known.createdAt !== record.created_at || isRevived)) this.#remove(record.id)
    const current = this.#known.get(record.id)
    if (current !== undefined) {
      current.process.is(snapshot)
      return this.#writer.update(record.id, () => record)
    }
    const process = standInForProcess(record.id, snapshot, (command) => this.#send(record.id, command))
    this.#known.set(record.id, { createdAt: record.created_at, process })
    this.#writer.add(record.id, () => record)
  }

  #remove(id: string): void {
    const known = this.#known.get(id)
    if (known === undefined) return
    this.#known.delete(id)
    known.process.stop()
    this.#writer.remove(id)
  }
}
