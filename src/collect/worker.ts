/** Brings output to one target, at the pace of that target: reads what is new, delivers it, and writes down how far that was acknowledged. */
import type { Supervisor } from '../api.ts'
import { isProcmanError } from '../errors.ts'
import { bytesBehind, positionAtEnd } from '../logs.ts'
import { Checkpoint, type Progress } from './checkpoint.ts'
import type { CollectEvent, CollectRules, TargetStatus } from './contract.ts'
import { Delivery } from './delivery.ts'
import { messageOf } from './message-of.ts'
import type { TargetPlan } from './plan.ts'
import { type Collected, lookAt, Origins } from './processes.ts'
import type { LogRecord } from './record/contract.ts'
import { levelOf, rankOf } from './record/level.ts'
import { toRecord } from './record/to-record.ts'
import { readSlice, type Slice } from './slice.ts'
import type { Target } from './targets/target.ts'
import { Wakeups } from './wakeups.ts'

/** At most so much of one process at a time: others have their turn, and the event loop has. */
const SLICE_BYTES = 256 * 1024
const LEAST_SLICE_BYTES = 16 * 1024
/** What is being delivered when all ends has so long to be acknowledged. */
const LAST_WORDS_MS = 2_000
/** A process that is removed waits so long for its last output to be delivered. */
const REMOVAL_MS = 2_000

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

interface Batch {
  readonly records: LogRecord[]
  /** Where the target is once they are delivered. */
  readonly moves: Map<string, Progress>
}

export class Worker {
  readonly plan: TargetPlan
  readonly #ports: WorkerPorts
  readonly checkpoint: Checkpoint
  readonly #target: Target
  readonly #delivery: Delivery
  readonly #origins: Origins
  readonly #wakeups = new Wakeups()
  /** Those that may have something new, in the order in which they have their turn. */
  readonly #dirty = new Set<string>()
  #batch: Batch = { records: [], moves: new Map() }
  /** Of the oldest output that is not delivered, and of what came since that was read. */
  #behindSinceMs: number | null = null
  #newsSinceMs: number | null = null
  /** The last batch was full. */
  #hasMore = false
  #lostBytes = 0
  #readError: string | null = null
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
    this.checkpoint =
      before?.checkpoint ??
      new Checkpoint(ports.supervisor.stateDir, plan.name, (error) =>
        ports.tell({ type: 'trouble', target: plan.name, reason: `its checkpoint cannot be written: ${messageOf(error)}` }),
      )
    this.#target = plan.open()
    this.#delivery = new Delivery(this.#target, (event) => ports.tell({ ...event, target: plan.name }))
    this.#origins = new Origins(ports.supervisor.stateDir)
    const there = this.#ids()
    for (const id of this.checkpoint.ids()) if (!there.includes(id)) this.checkpoint.delete(id)
    this.#welcome()
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

  /** The rules of processes are others now. */
  revise(): void {
    this.#welcome()
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
    if (this.#isBehind(id)) this.#lostBytes += this.#lagOf(id)
  }

  removed(id: string): void {
    this.#dirty.delete(id)
    this.checkpoint.delete(id)
    this.#origins.forget(id)
    this.checkpoint.saveSoon()
  }

  /** Resolves with true once all that there is now is delivered; with false when the time is over. */
  async flush(timeoutMs: number): Promise<boolean> {
    for (const id of this.#ids()) if (!this.#isUnwanted(id)) this.news(id)
    const isDone = await this.#until(() => this.#isIdle, timeoutMs)
    this.checkpoint.save()
    return isDone
  }

  status(): TargetStatus {
    const behind = new Set([...this.#dirty, ...this.#batch.moves.keys()])
    const { delivered, refused, error, retryAtMs, isFailing } = this.#delivery
    let lag = 0
    for (const id of behind) lag += this.#lagOf(id)
    const sinceMs = this.#behindSinceMs ?? this.#newsSinceMs
    return {
      name: this.plan.name,
      type: this.plan.type,
      destination: this.#target.destination,
      state: isFailing ? 'retrying' : 'ok',
      lag_bytes: lag,
      behind_since: lag === 0 || sinceMs === null ? null : new Date(sinceMs).toISOString(),
      delivered,
      refused,
      lost_bytes: this.#lostBytes,
      error: error ?? this.#readError,
      retry_at: retryAtMs === null ? null : new Date(retryAtMs).toISOString(),
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#wakeups.ring()
    const timer = setTimeout(() => this.#delivery.end(), this.#delivery.isFailing ? 0 : LAST_WORDS_MS)
    await this.#done
    clearTimeout(timer)
    this.#delivery.end()
    this.checkpoint.save()
    this.#committed()
  }

  /** With all that is known of how far it is. */
  async forget(): Promise<void> {
    await this.close()
    this.checkpoint.forget()
  }

  get #isIdle(): boolean {
    return this.#dirty.size === 0 && this.#batch.moves.size === 0
  }

  #isUnwanted(id: string): boolean {
    const found = lookAt(this.#ports.supervisor, id)
    return found === null || !this.wants(found)
  }

  #isBehind(id: string): boolean {
    return this.#dirty.has(id) || this.#batch.moves.has(id)
  }

  #lagOf(id: string): number {
    const { supervisor } = this.#ports
    const progress = this.checkpoint.get(id)
    if (progress?.position === null) return 0
    return bytesBehind(supervisor.stateDir, id, progress?.position ?? '')
  }

  async #live(gone: Promise<void>): Promise<void> {
    await gone
    while (!this.#isClosed) {
      if (this.#dirty.size === 0) await this.#wakeups.wait()
      else if (await this.#collect()) this.#commit()
    }
  }

  /** A target that is new begins with what comes from now on, and so does one that gets what it did not get before. */
  #welcome(): void {
    const { isNew } = this.checkpoint
    for (const id of this.#ids()) {
      const found = lookAt(this.#ports.supervisor, id)
      if (found === null || !this.wants(found)) continue
      const known = this.checkpoint.get(id)
      const wasUnwanted = known?.born === found.born && known.position === null
      if (wasUnwanted || (isNew && this.plan.from === 'now')) this.checkpoint.set(id, this.#atEnd(found))
    }
    this.checkpoint.begun()
  }

  #atEnd({ id, born, run }: Collected): Progress {
    return { born, position: positionAtEnd(this.#ports.supervisor.stateDir, id, run) }
  }

  /** @returns false: it was ended */
  async #collect(): Promise<boolean> {
    if (this.plan.batchWaitMs > 0 && !this.#isHurried) await this.#pause(this.plan.batchWaitMs)
    await this.#gather()
    const { records } = this.#batch
    for (let from = 0; from < records.length; from += this.plan.batchRecords)
      if (!(await this.#delivery.all(records.slice(from, from + this.plan.batchRecords)))) return false
    return true
  }

  async #pause(ms: number): Promise<void> {
    const untilMs = performance.now() + ms
    while (!this.#isClosed && !this.#isHurried && performance.now() < untilMs) await this.#wakeups.wait(untilMs - performance.now())
  }

  /** Each that may have something new has its turn; those that have more have another one, as long as there is room. */
  async #gather(): Promise<void> {
    const batch: Batch = { records: [], moves: new Map() }
    this.#batch = batch
    this.#behindSinceMs ??= this.#newsSinceMs
    this.#newsSinceMs = null
    let bytes = 0
    this.#hasMore = false
    for (let turn = [...this.#dirty]; turn.length > 0; ) {
      const further: string[] = []
      for (const [index, id] of turn.entries()) {
        const share = (this.plan.batchBytes - bytes) / (turn.length - index)
        const slice = await this.#read(id, Math.max(LEAST_SLICE_BYTES, Math.min(SLICE_BYTES, share)))
        bytes += slice?.bytes ?? 0
        if (slice?.isEnd === false) {
          // At the end of the line.
          this.#dirty.add(id)
          further.push(id)
        }
        if (bytes < this.plan.batchBytes && !this.#isClosed) continue
        this.#hasMore = further.length > 0 || index + 1 < turn.length
        further.length = 0
        break
      }
      turn = further
    }
    if (batch.moves.size > 1) batch.records.sort((a, b) => a.seq - b.seq)
  }

  async #read(id: string, mostBytes: number): Promise<Slice | null> {
    this.#dirty.delete(id)
    const { supervisor } = this.#ports
    const { moves } = this.#batch
    const found = lookAt(supervisor, id)
    if (found === null) return null
    const isTaken = this.plan.select(found)
    const rules = this.#ports.rulesOf(id)
    const known = moves.get(id) ?? this.checkpoint.get(id)
    const isSame = known?.born === found.born
    if (isTaken === null || rules.collect === false) return null
    if (isSame && known.position === null) {
      moves.set(id, this.#atEnd(found))
      return null
    }
    const from = isSame ? (known.position ?? '') : ''
    moves.set(id, { born: found.born, position: from })
    try {
      const slice = await readSlice(supervisor, id, { from, mostBytes, isOver: found.isOver })
      this.#readError = null
      this.#lostBytes += slice.lostBytes
      moves.set(id, { born: found.born, position: slice.position })
      this.#take(found, slice, rules, isTaken)
      return slice
    } catch (error) {
      this.#unreadable(error)
      if (isProcmanError(error) && error.code === 'PROCMAN_INVALID_ARGUMENT') moves.set(id, { born: found.born, position: '' })
      return null
    }
  }

  #take(found: Collected, slice: Slice, { level, parse }: CollectRules, isTaken: (record: LogRecord) => boolean): void {
    const originOf = this.#origins.of(found)
    const least = level === undefined ? 0 : rankOf(level)
    const { redact } = this.plan
    for (const line of slice.lines) {
      const record = toRecord(line.text, originOf(line), parse)
      if (!isTaken(record) || (least > 0 && rankOf(levelOf(record)) < least)) continue
      this.#batch.records.push(redact === null ? record : redact(record))
    }
  }

  /** The next news of it is another try. */
  #unreadable(error: unknown): void {
    if (isProcmanError(error) && error.code === 'PROCMAN_PROCESS_UNKNOWN') return
    this.#readError = messageOf(error)
  }

  #commit(): void {
    const { moves } = this.#batch
    for (const [id, progress] of moves) if (lookAt(this.#ports.supervisor, id)?.born === progress.born) this.checkpoint.set(id, progress)
    this.#batch = { records: [], moves: new Map() }
    this.checkpoint.saveSoon()
    this.#isSlow = false
    if (!this.#hasMore) this.#behindSinceMs = null
    this.#committed()
  }

  #committed(): void {
    for (const tell of [...this.#onCommit]) tell()
  }

  /** @returns false: the time is over, or all is */
  async #until(holds: () => boolean, ms: number): Promise<boolean> {
    this.#isHurried = true
    this.#wakeups.ring()
    try {
      return await new Promise<boolean>((resolve) => {
        const end = (held: boolean) => {
          clearTimeout(timer)
          this.#onCommit = this.#onCommit.filter((each) => each !== look)
          resolve(held)
        }
        const look = () => {
          if (holds()) end(true)
          else if (this.#isClosed) end(false)
        }
        const timer = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => end(holds()), ms)
        this.#onCommit.push(look)
        look()
      })
    } finally {
      this.#isHurried = this.#onCommit.length > 0
    }
  }

  #ids(): readonly string[] {
    return [...this.#ports.supervisor.table.getSnapshot().context.processes.keys()]
  }
}
