/**
 * What becomes of all processes, for those who follow it from outside: each change once, numbered, in a ring. Nothing is followed while nobody asks:
 * it begins with the first reader, and ends a while after the last has left, so that one who was cut off can go on where he was.
 */
import { randomBytes } from 'node:crypto'
import type { Subscription } from 'xstate'
import type { ProcessRef, Supervisor } from '../../api.ts'
import { type ActorSnapshot, toRecord } from '../../process.ts'
import type { WireTroubles } from '../wire.ts'
import { Ring } from './ring.ts'
import { toWire, troublesOf } from './wire.ts'

const LINGER_MS = 60_000

/** Where a reader is: the numbers of one epoch are of no use in another. */
export interface Place {
  readonly epoch: string
  readonly seq: number
}

export interface Picture {
  readonly place: Place
  readonly snapshots: readonly ActorSnapshot[]
  readonly troubles: WireTroubles
}

export class Feed {
  readonly #supervisor: Supervisor
  #ring = new Ring()
  #epoch = ''
  #readers = new Set<() => void>()
  #isFollowing = false
  #followed = new Map<string, Subscription>()
  #all: Subscription[] = []
  /** Of the table: how many comings and goings are told. */
  #revision = 0
  #timer: NodeJS.Timeout | undefined
  #problems = ''

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor
  }

  /** Null while nothing is followed. */
  get place(): Place | null {
    return this.#isFollowing ? { epoch: this.#epoch, seq: this.#ring.last } : null
  }

  get readers(): number {
    return this.#readers.size
  }

  /** @param wake called when there is more to read. @returns ends it */
  join(wake: () => void): () => void {
    clearTimeout(this.#timer)
    this.#readers.add(wake)
    if (!this.#isFollowing) this.#begin()
    return () => {
      if (!this.#readers.delete(wake) || this.#readers.size > 0) return
      this.#timer = setTimeout(() => this.#end(), LINGER_MS).unref()
    }
  }

  /** What comes after a place: undefined: nothing yet; null: that is not known any more, a picture is needed. */
  after({ epoch, seq }: Place) {
    return epoch === this.#epoch ? this.#ring.after(seq) : null
  }

  /** How everything is now. */
  picture(): Picture {
    const ids = [...this.#supervisor.table.getSnapshot().context.processes.keys()]
    const snapshots = ids.flatMap((id) => this.#refOf(id)?.getSnapshot() ?? [])
    return { place: { epoch: this.#epoch, seq: this.#ring.last }, snapshots, troubles: troublesOf(this.#supervisor) }
  }

  /** Problems come without an event: they are looked at now and then. */
  lookAtProblems(): void {
    if (!this.#isFollowing) return
    const problems = JSON.stringify(this.#supervisor.problems)
    if (problems === this.#problems) return
    this.#problems = problems
    this.#push('problems', JSON.stringify(troublesOf(this.#supervisor)))
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#end()
  }

  #begin(): void {
    this.#isFollowing = true
    this.#epoch = randomBytes(6).toString('hex')
    this.#ring = new Ring()
    this.#problems = JSON.stringify(this.#supervisor.problems)
    this.#all = [
      this.#supervisor.actor.on('*', (event) => {
        this.#push('event', JSON.stringify(event))
        if (event.type === 'process.damaged') this.lookAtProblems()
      }),
      // Which one came or went is told by an inspector without a look at all of them. It is passed over when a listener of the table throws before it.
      this.#supervisor.table.inspect(({ event }) => this.#comeOrGo(event)),
      this.#supervisor.table.subscribe(() => queueMicrotask(() => this.#lookForMissed())),
    ]
    const { processes, revision } = this.#supervisor.table.getSnapshot().context
    for (const id of processes.keys()) this.#follow(id, true)
    this.#revision = revision
  }

  #end(): void {
    this.#isFollowing = false
    for (const subscription of [...this.#all, ...this.#followed.values()]) subscription.unsubscribe()
    this.#all = []
    this.#followed.clear()
    this.#ring = new Ring()
    this.#epoch = ''
  }

  #comeOrGo(event: { readonly type: string; readonly id?: unknown }): void {
    if (event.type === 'added') this.#follow(String(event.id), false)
    else if (event.type === 'removed') this.#leave(String(event.id))
    else return
    this.#revision++
  }

  #lookForMissed(): void {
    const { processes, revision } = this.#supervisor.table.getSnapshot().context
    if (!this.#isFollowing || revision === this.#revision) return
    this.#revision = revision
    for (const id of this.#followed.keys()) if (!processes.has(id)) this.#leave(id)
    for (const id of processes.keys()) if (!this.#followed.has(id)) this.#follow(id, false)
  }

  #follow(id: string, isKnown: boolean): void {
    const ref = this.#refOf(id)
    if (ref === null) return
    let last = isKnown ? ref.getSnapshot() : undefined
    const tell = (snapshot: ActorSnapshot) => {
      if (snapshot === last) return
      last = snapshot
      const record = JSON.stringify(toRecord(snapshot.value, snapshot.context))
      this.#push('record', record, `{"record":${record},"snapshot":${JSON.stringify(toWire(snapshot))}}`)
    }
    tell(ref.getSnapshot())
    this.#followed.set(id, ref.subscribe({ next: tell, error: () => tell(ref.getSnapshot()), complete: () => {} }))
  }

  #leave(id: string): void {
    this.#followed.get(id)?.unsubscribe()
    this.#followed.delete(id)
    this.#push('removed', JSON.stringify({ id }))
  }

  #push(name: 'record' | 'removed' | 'event' | 'problems', data: string, more: string | null = null): void {
    this.#ring.push(name, data, more)
    for (const wake of this.#readers) wake()
  }

  #refOf(id: string): ProcessRef | null {
    try {
      return this.#supervisor.ref(id)
    } catch {
      // It is being removed.
      return null
    }
  }
}
