/** Reads what is new for one target into batches. */
import type { LogLine, Supervisor } from '../api.ts'
import { isProcmanError } from '../errors.ts'
import { positionAtEnd } from '../logs.ts'
import type { Progress } from './checkpoint.ts'
import type { CollectRules } from './contract.ts'
import { messageOf } from './message-of.ts'
import type { TargetPlan } from './plan.ts'
import { type Collected, lookAt, Origins } from './processes.ts'
import type { LogRecord } from './record/contract.ts'
import { levelOf, rankOf } from './record/level.ts'
import { toRecord } from './record/to-record.ts'
import { readSlice, type Slice } from './slice.ts'

/** Of each process at a time, also where many have something new. */
const LEAST_SLICE_BYTES = 16 * 1024

export interface Batch {
  readonly records: LogRecord[]
  /** Where the target is once they are delivered. */
  readonly moves: Map<string, Progress>
  /** Since when the oldest of it was there. */
  readonly sinceMs: number
  /** It is full, and there is more. */
  hasMore: boolean
}

export interface IntakePorts {
  readonly supervisor: Supervisor
  rulesOf(id: string): CollectRules
  /** Where the target is, or will be once what was read is delivered. */
  progressOf(id: string): Progress | undefined
}

export class Intake {
  readonly #plan: TargetPlan
  readonly #ports: IntakePorts
  readonly #origins: Origins
  #isClosed = false
  lostBytes = 0
  /** Those that could not be read the last time, since when, and why. */
  readonly unreadable = new Map<string, { readonly sinceMs: number; readonly reason: string }>()

  constructor(plan: TargetPlan, ports: IntakePorts) {
    this.#plan = plan
    this.#ports = ports
    this.#origins = new Origins(ports.supervisor.stateDir)
  }

  /**
   * Each that may have something new has its turn; those that have more have another one, as long as there is room.
   * @param dirty those; who is read to the end is taken out, who is not goes to the end of the line
   * @param batch to be filled
   */
  async fill(batch: Batch, dirty: Set<string>): Promise<void> {
    const { batchBytes, batchRecords } = this.#plan
    let bytes = 0
    let turn = [...dirty]
    while (turn.length > 0 && !batch.hasMore && !this.#isClosed) {
      const further: string[] = []
      for (const [index, id] of turn.entries()) {
        dirty.delete(id)
        const slice = await this.#read(id, batch, Math.max(LEAST_SLICE_BYTES, (batchBytes - bytes) / (turn.length - index)))
        bytes += slice?.bytes ?? 0
        if (slice?.isEnd === false) {
          dirty.add(id)
          further.push(id)
        }
        if (bytes < batchBytes && batch.records.length < batchRecords && !this.#isClosed) continue
        batch.hasMore = further.length > 0 || index + 1 < turn.length
        further.length = 0
        break
      }
      turn = further
    }
    if (batch.moves.size > 1) batch.records.sort((a, b) => a.seq - b.seq)
  }

  atEnd({ id, born, run }: Collected): Progress {
    return { born, position: positionAtEnd(this.#ports.supervisor.stateDir, id, run) }
  }

  forget(id: string): void {
    this.unreadable.delete(id)
    this.#origins.forget(id)
  }

  close(): void {
    this.#isClosed = true
  }

  /** @returns null: there was nothing to read, or it cannot be read */
  async #read(id: string, { records, moves }: Batch, mostBytes: number): Promise<Slice | null> {
    const { supervisor, rulesOf, progressOf } = this.#ports
    const found = lookAt(supervisor, id)
    if (found === null) return null
    const { born, isOver } = found
    const isTaken = this.#plan.select(found)
    const rules = rulesOf(id)
    if (isTaken === null || rules.collect === false) {
      this.unreadable.delete(id)
      return null
    }
    const known = progressOf(id)
    const isSame = known?.born === born
    const from = isSame ? (known.position ?? '') : ''
    try {
      if (isSame && known.position === null) {
        moves.set(id, this.atEnd(found))
        return null
      }
      const slice = await readSlice(supervisor, id, {
        from,
        mostBytes,
        isEnough: () => records.length >= this.#plan.batchRecords,
        isOver,
        take: this.#taker(found, rules, isTaken, records),
      })
      this.unreadable.delete(id)
      this.lostBytes += slice.lostBytes + (isSame ? 0 : slice.skippedBytes)
      moves.set(id, { born, position: slice.position })
      return slice
    } catch (error) {
      if (!isProcmanError(error) || error.code !== 'PROCMAN_PROCESS_UNKNOWN')
        this.unreadable.set(id, { sinceMs: this.unreadable.get(id)?.sinceMs ?? Date.now(), reason: messageOf(error) })
      if (isProcmanError(error) && error.code === 'PROCMAN_INVALID_ARGUMENT') moves.set(id, { born, position: '' })
      return null
    }
  }

  #taker(found: Collected, { level, parse }: CollectRules, isTaken: (record: LogRecord) => boolean, records: LogRecord[]): (line: LogLine) => void {
    const originOf = this.#origins.of(found)
    const least = level === undefined ? 0 : rankOf(level)
    const { redact } = this.#plan
    return (line) => {
      const record = toRecord(line.text, originOf(line), parse)
      if (!isTaken(record) || (least > 0 && rankOf(levelOf(record)) < least)) return
      records.push(redact === null ? record : redact(record))
    }
  }
}
