/** Waiting for what becomes of a process: seen in the mirror, and told to who waits once the manager has confirmed that it is on disk. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessRef, WaitOptions } from '../../api.ts'
import { holds, isHopeless, mustBeCondition, notReady, tooLate, type WaitCondition } from '../../conditions.ts'
import { isProcmanError, ProcmanError, type ProcmanErrorCode } from '../../errors.ts'
import { type ActorSnapshot, type ProcessRecord, toRecord, until } from '../../process.ts'
import { mustBeDuration } from '../../timers.ts'

const PAUSE_MS = 100
/** It is something else by now: what was seen is behind it. */
const OVERTAKEN: readonly ProcmanErrorCode[] = ['PROCMAN_TIMEOUT', 'PROCMAN_NOT_READY', 'PROCMAN_PROCESS_UNKNOWN', 'PROCMAN_PROCESS_AMBIGUOUS']
/** Whoever manages it next will confirm it, or has it otherwise. */
const AWAY: readonly ProcmanErrorCode[] = ['PROCMAN_MANAGER_UNREACHABLE', 'PROCMAN_CLOSED']

export interface WaitsPorts {
  readonly stateDir: string
  readonly ask: (method: 'GET', path: string) => Promise<unknown>
  /** Aborted when the manager has been away for too long. */
  readonly lost: () => AbortSignal
  readonly isClosed: () => boolean
}

export class Waits {
  readonly #ports: WaitsPorts

  constructor(ports: WaitsPorts) {
    this.#ports = ports
  }

  /** As `waitFor` of a supervisor. */
  async until(refOf: () => ProcessRef, condition: WaitCondition, { timeoutMs = Number.POSITIVE_INFINITY, signal }: WaitOptions): Promise<ProcessRecord> {
    mustBeCondition(condition)
    mustBeDuration('timeoutMs', timeoutMs)
    const ref = refOf()
    const sinceMs = performance.now()
    const late = (snapshot: ActorSnapshot) => tooLate(recordOf(snapshot), condition, timeoutMs)
    for (let leftMs = timeoutMs; ; leftMs = Math.max(0, timeoutMs - (performance.now() - sinceMs))) {
      const found = await this.#seen(ref, condition, { timeoutMs: leftMs, ...(signal === undefined ? {} : { signal }) }, late)
      if (!holds(found, condition)) throw notReady(found, condition)
      const kept = await this.#onDisk(found, condition)
      if (kept !== null) return kept
      if (signal?.aborted) throw new ProcmanError('PROCMAN_ABORTED', `the caller stopped waiting for process ${ref.id}`, { details: { id: ref.id } })
      await sleep(PAUSE_MS)
    }
  }

  async #seen(
    ref: ProcessRef,
    condition: WaitCondition,
    options: WaitOptions,
    late: (snapshot: ActorSnapshot, timeoutMs: number) => string,
  ): Promise<ProcessRecord> {
    const isOver = (snapshot: ActorSnapshot) => holds(recordOf(snapshot), condition) || isHopeless(recordOf(snapshot), condition)
    const lost = this.#ports.lost()
    const signal = options.signal === undefined ? lost : AbortSignal.any([options.signal, lost])
    try {
      return recordOf(await until(ref, isOver, { ...options, signal }, late))
    } catch (error) {
      if (lost.aborted && options.signal?.aborted !== true && !this.#ports.isClosed()) throw this.#lost(ref.id, error)
      throw error
    }
  }

  /** @returns what the manager tells of it; null: the manager was away. @throws PROCMAN_STATE_NOT_SAVED, PROCMAN_MANAGER_UNREACHABLE when it is lost, PROCMAN_CLOSED when this client is */
  async #onDisk(found: ProcessRecord, condition: WaitCondition): Promise<ProcessRecord | null> {
    const { id } = found
    try {
      return (await this.#ports.ask('GET', `/v1/processes/${encodeURIComponent(id)}/wait?for=${condition}&timeout_ms=0`)) as ProcessRecord
    } catch (error) {
      if (!isProcmanError(error)) throw error
      if (OVERTAKEN.includes(error.code)) return found
      if (!AWAY.includes(error.code) || this.#ports.isClosed()) throw error
      if (this.#ports.lost().aborted) throw this.#lost(id, error)
      return null
    }
  }

  #lost(id: string, cause: unknown): ProcmanError {
    const { stateDir } = this.#ports
    return new ProcmanError('PROCMAN_MANAGER_UNREACHABLE', `the manager of ${stateDir} was lost while process ${id} was waited for`, {
      details: { id, stateDir },
      cause,
    })
  }
}

function recordOf({ value, context }: ActorSnapshot): ProcessRecord {
  return toRecord(value, context)
}
