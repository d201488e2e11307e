/** Brings output to one target, at the pace of that target: reads what is new, delivers it, and writes down how far that was acknowledged. */
import type { Supervisor } from '../api.ts'
import { bytesBehind } from '../logs.ts'
import { Checkpoint, type Progress } from './checkpoint.ts'
import type { CollectEvent, CollectRules, TargetStatus } from './contract.ts'
import { Delivery } from './delivery.ts'
import { type Batch, Intake } from './intake.ts'
import { messageOf } from './message-of.ts'
import type { TargetPlan } from './plan.ts'
import { type Collected, lookAt } from './processes.ts'
import type { LogRecord } from './record/contract.ts'
import type { Target } from './targets/target.ts'
import { Wakeups } from './wakeups.ts'

/** What is known to be there when all ends has so long to be delivered. */
const LAST_WORDS_MS = 2_000
/** A process that is removed waits so long for its last output to be delivered. */
const REMOVAL_MS = 2_000
/** What could not be read is looked at again after so long, when there is no news of it before. */
const REREAD_MS = 10_000
/** A timer that is to wait longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export interface WorkerPorts {
  readonly supervisor: Supervisor
  rulesOf(id: string): CollectRules
  tell(event: CollectEvent): void
}

/** The target was declared otherwise before. */
export interface Predecessor {
  readonly checkpoint: Checkpoint
  readonly gone: Promise<void>
}

export class Worker {
  readonly plan: TargetPlan
  readonly checkpoint: Checkpoint
  readonly #ports: WorkerPorts
  readonly #target: Target
  readonly #delivery: Delivery
  readonly #intake: Intake
  readonly #wakeups = new Wakeups()
  /** Those that may have something new, in the order in which they have their turn. */
  readonly #dirty = new Set<string>()
  /** What was read: the first is being delivered, while the next one is read. */
  readonly #batches: Batch[] = []
  #newsSinceMs: number | null = null
  #removedBytes = 0
  /** Somebody waits: what there is is not kept back for a larger batch. */
  #isHurried = false
  /** The last one who waited for it did so in vain. */
  #isSlow = false
  #isClosed = false
  #onCommit: (() => void)[] = []
  readonly #done: Promise<void>

  constructor(plan: TargetPlan, ports: WorkerPorts, before: Predecessor | null) {
    this.plan = plan
    this.#ports = ports
    const { supervisor, tell } = ports
    const target = plan.name
    this.checkpoint =
      before?.checkpoint ??
      new Checkpoint(supervisor.stateDir, target, (error) => tell({ type: 'trouble', target, reason: `its checkpoint cannot be written: ${messageOf(error)}` }))
    this.#target = plan.open()
    this.#delivery = new Delivery(this.#target, (event) => tell({ ...event, target }))
    this.#intake = new Intake(plan, { supervisor, rulesOf: (id) => ports.rulesOf(id), progressOf: (id) => this.#progressOf(id) })
    const there = this.#ids()
    for (const id of this.checkpoint.ids()) if (!there.includes(id)) this.checkpoint.delete(id)
    this.revise()
    for (const id of there) this.news(id)
    this.#done = this.#live(before?.gone ?? Promise.resolve())
  }

  /** Whether it is to be told of the process. What it does not want now, and wants later, it gets from then on. */
  wants(found: Collected): boolean {
    const isWanted = this.plan.select(found) !== null && this.#ports.rulesOf(found.id).collect !== false
    const known = this.checkpoint.get(found.id)
    if (!isWanted && (known?.born !== found.born || known.position !== null)) this.checkpoint.set(found.id, { born: found.born, position: null })
    return isWanted
  }

  /** Rules may have changed: what it gets and did not get before begins here. So does all that a new target gets. */
  revise(): void {
    const { isNew } = this.checkpoint
    for (const id of this.#ids()) {
      const found = lookAt(this.#ports.supervisor, id)
      if (found === null || !this.wants(found)) continue
      const known = this.checkpoint.get(id)
      const wasUnwanted = known?.born === found.born && known.position === null
      if (wasUnwanted || (isNew && this.plan.from === 'now')) this.checkpoint.set(id, this.#intake.atEnd(found))
      // What was removed before is nothing that it has missed.
      else if (isNew) this.checkpoint.set(id, { born: found.born, position: '' })
    }
    this.checkpoint.begun()
  }

  /** There may be more of its output. */
  news(id: string): void {
    this.#newsSinceMs ??= Date.now()
    this.#dirty.add(id)
    this.#wakeups.ring()
  }

  /** The process is about to be removed: resolves once its output is delivered, or cannot be for now. */
  async removing(id: string): Promise<void> {
    this.news(id)
    if (!this.#delivery.isFailing && !this.#isSlow) this.#isSlow = !(await this.#until(() => !this.#isBehind(id), REMOVAL_MS))
    if (this.#isBehind(id)) this.#removedBytes += this.#lagOf(id)
  }

  removed(id: string): void {
    this.#dirty.delete(id)
    this.checkpoint.delete(id)
    this.#intake.forget(id)
    this.checkpoint.saveSoon()
  }

  /** Resolves with true once all that there is now is delivered; with false when the time is over. */
  async flush(timeoutMs: number): Promise<boolean> {
    for (const id of this.#ids()) this.news(id)
    const isDone = await this.#until(() => this.#isIdle, timeoutMs)
    this.checkpoint.save()
    return isDone
  }

  status(): TargetStatus {
    const { delivered, refused, error, retryAtMs, isFailing } = this.#delivery
    const { unreadable } = this.#intake
    const behind = new Set([...this.#dirty, ...unreadable.keys(), ...this.#batches.flatMap(({ moves }) => [...moves.keys()])])
    let lag = 0
    for (const id of behind) lag += this.#lagOf(id)
    const [trouble] = unreadable.values()
    const sinceMs = trouble?.sinceMs ?? this.#batches[0]?.sinceMs ?? this.#newsSinceMs
    return {
      name: this.plan.name,
      type: this.plan.type,
      destination: this.#target.destination,
      state: isFailing ? 'retrying' : 'ok',
      lag_bytes: lag,
      behind_since: lag === 0 || sinceMs === null ? null : new Date(sinceMs).toISOString(),
      delivered,
      refused,
      lost_bytes: this.#intake.lostBytes + this.#removedBytes,
      error: error ?? trouble?.reason ?? null,
      retry_at: retryAtMs === null ? null : new Date(retryAtMs).toISOString(),
    }
  }

  async close(): Promise<void> {
    if (!this.#delivery.isFailing) await this.#until(() => this.#isIdle, LAST_WORDS_MS)
    this.#isClosed = true
    this.#intake.close()
    this.#delivery.end()
    this.#wakeups.ring()
    await this.#done
    this.checkpoint.save()
    this.#tellCommit()
  }

  /** With all that is known of how far it is. */
  async forget(): Promise<void> {
    await this.close()
    this.checkpoint.forget()
  }

  get #isIdle(): boolean {
    return this.#dirty.size === 0 && this.#batches.length === 0
  }

  #isBehind(id: string): boolean {
    return this.#dirty.has(id) || this.#batches.some(({ moves }) => moves.has(id))
  }

  #lagOf(id: string): number {
    const found = this.checkpoint.get(id)
    return found?.position === null ? 0 : bytesBehind(this.#ports.supervisor.stateDir, id, found?.position ?? '')
  }

  #progressOf(id: string): Progress | undefined {
    return this.#batches.findLast(({ moves }) => moves.has(id))?.moves.get(id) ?? this.checkpoint.get(id)
  }

  async #live(gone: Promise<void>): Promise<void> {
    await gone
    while (!this.#isClosed) {
      if (this.#batches.length === 0 && this.#dirty.size === 0) {
        await this.#rest()
        continue
      }
      if (this.#batches.length === 0) {
        await this.#pause()
        await this.#gather()
      }
      const [batch] = this.#batches
      if (batch === undefined) continue
      const next = batch.hasMore && !this.#isClosed ? this.#gather() : null
      const isDelivered = await this.#deliver(batch.records)
      await next
      if (isDelivered) this.#commit(batch)
    }
  }

  async #rest(): Promise<void> {
    const { unreadable } = this.#intake
    await this.#wakeups.wait(unreadable.size === 0 ? Number.POSITIVE_INFINITY : REREAD_MS)
    if (this.#dirty.size === 0) for (const id of unreadable.keys()) this.#dirty.add(id)
  }

  /** Output that is there for itself waits for more. */
  async #pause(): Promise<void> {
    const untilMs = performance.now() + this.plan.batchWaitMs
    while (!this.#isClosed && !this.#isHurried && performance.now() < untilMs) await this.#wakeups.wait(untilMs - performance.now())
  }

  async #gather(): Promise<void> {
    const before = this.#batches.at(-1)
    const sinceMs = (before?.hasMore === true ? before.sinceMs : null) ?? this.#newsSinceMs ?? Date.now()
    this.#newsSinceMs = null
    const batch: Batch = { records: [], moves: new Map(), sinceMs, hasMore: false }
    this.#batches.push(batch)
    await this.#intake.fill(batch, this.#dirty)
  }

  /** @returns false: it was ended before */
  async #deliver(records: readonly LogRecord[]): Promise<boolean> {
    const { batchRecords } = this.plan
    for (let from = 0; from < records.length; from += batchRecords) if (!(await this.#delivery.all(records.slice(from, from + batchRecords)))) return false
    return true
  }

  #commit({ moves }: Batch): void {
    for (const [id, progress] of moves) if (lookAt(this.#ports.supervisor, id)?.born === progress.born) this.checkpoint.set(id, progress)
    this.#batches.shift()
    this.#isSlow = false
    this.checkpoint.saveSoon()
    this.#tellCommit()
  }

  #tellCommit(): void {
    for (const tell of [...this.#onCommit]) tell()
  }

  /** @returns false: the time is over, or all is */
  async #until(holds: () => boolean, ms: number): Promise<boolean> {
    this.#isHurried = true
    this.#wakeups.ring()
    const held = await new Promise<boolean>((resolve) => {
      const end = (isTrue: boolean) => {
        clearTimeout(timer)
        this.#onCommit = this.#onCommit.filter((each) => each !== look)
        resolve(isTrue)
      }
      const look = () => {
        if (holds()) end(true)
        else if (this.#isClosed) end(false)
      }
      const timer = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => end(holds()), Math.min(ms, LONGEST_TIMER_MS))
      this.#onCommit.push(look)
      look()
    })
    this.#isHurried = this.#onCommit.length > 0
    return held
  }

  #ids(): readonly string[] {
    return [...this.#ports.supervisor.table.getSnapshot().context.processes.keys()]
  }
}
