/** All processes as they are and as they become: told by the manager where one serves, else by the files. One that comes later, or leaves, is noticed. */
import { setTimeout as pause } from 'node:timers/promises'
import type { RemoteSupervisor } from '../control/contract.ts'
import type { ProcessRecord } from '../index.ts'
import type { Cli } from './context.ts'

/** Files are looked at so often at most, and their processes when nothing tells of a change. */
const LOOK_MS = 500
const LOOKS_BETWEEN_CHECKS = 4
/** A manager that does not answer by then is not waited for any longer; the files tell until it does. */
const FIRST_ANSWER_MS = 1_000
/** Looking takes at most one part in so many of our time. */
const REST_FACTOR = 10

/** @param before null: it is new @param after null: it was removed */
export type Changed = (before: ProcessRecord | null, after: ProcessRecord | null) => void

export class Live {
  readonly #cli: Cli
  readonly #changed: Changed
  readonly #records = new Map<string, ProcessRecord>()
  #client: RemoteSupervisor | null = null
  #unfollow = (): void => undefined
  #timer: NodeJS.Timeout | undefined
  #looks = 0
  #isClosed = false
  #isConnecting = false

  private constructor(cli: Cli, changed: Changed) {
    this.#cli = cli
    this.#changed = changed
  }

  /** `changed` is called for each process that there is, then for each change. */
  static async open(cli: Cli, changed: Changed): Promise<Live> {
    const live = new Live(cli, changed)
    await live.#begin()
    return live
  }

  /** In the order of their creation. */
  get records(): readonly ProcessRecord[] {
    return [...this.#records.values()].sort((one, other) => one.created_at.localeCompare(other.created_at) || one.id.localeCompare(other.id))
  }

  get hasManager(): boolean {
    return this.#client?.isConnected === true
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#unfollow()
    await this.#client?.close().catch(() => undefined)
  }

  async #begin(): Promise<void> {
    const [reader, { Changes }] = await Promise.all([this.#cli.reader(), import('../changes.ts')])
    const changes = new Changes(reader.stateDir)
    const look = (): void => {
      const changed = changes.look()
      const isCheck = this.#looks++ % LOOKS_BETWEEN_CHECKS === 0
      // That a keeper was killed is written down by nobody.
      const live = isCheck ? [...this.#records.values()].filter(({ pid }) => pid !== null).map(({ id }) => id) : []
      for (const id of new Set([...changed, ...live]))
        this.#take(
          id,
          readOrNull(() => reader.get(id)),
        )
    }
    const tick = (): void => {
      if (this.#isClosed) return
      if (this.#client === null) void this.#connect()
      const beginMs = performance.now()
      if (!this.hasManager) look()
      this.#timer = setTimeout(tick, Math.max(LOOK_MS, (performance.now() - beginMs) * REST_FACTOR))
    }
    await Promise.race([this.#connect(), pause(FIRST_ANSWER_MS, undefined, { ref: false })])
    tick()
  }

  /** A client that has lost its manager goes on with the next one by itself. */
  async #connect(): Promise<void> {
    if (this.#isConnecting) return
    this.#isConnecting = true
    const client = await this.#cli.connect().catch(() => null)
    this.#isConnecting = false
    if (client === null) return
    if (this.#isClosed) return client.close()
    this.#client = client
    this.#follow(client)
  }

  #follow({ table }: RemoteSupervisor): void {
    const followed = new Map<string, () => void>()
    const compare = (): void => {
      const { processes } = table.getSnapshot().context
      for (const [id, atom] of processes) {
        if (followed.has(id)) continue
        const subscription = atom.subscribe((record) => this.#take(id, record))
        followed.set(id, () => subscription.unsubscribe())
        this.#take(id, atom.get())
      }
      for (const [id, unfollow] of followed) {
        if (processes.has(id)) continue
        unfollow()
        followed.delete(id)
      }
      for (const id of [...this.#records.keys()]) if (!processes.has(id)) this.#take(id, null)
    }
    const subscription = table.subscribe(compare)
    this.#unfollow = () => {
      subscription.unsubscribe()
      for (const unfollow of followed.values()) unfollow()
    }
    compare()
  }

  #take(id: string, record: ProcessRecord | null): void {
    const before = this.#records.get(id) ?? null
    if (this.#isClosed || before === record) return
    if (record === null) this.#records.delete(id)
    else this.#records.set(id, record)
    this.#changed(before, record)
  }
}

/** Removed meanwhile, or its state cannot be read: then there is nothing to show. */
function readOrNull(get: () => ProcessRecord): ProcessRecord | null {
  try {
    return get()
  } catch {
    return null
  }
}
