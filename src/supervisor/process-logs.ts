/** What is done about the output of processes: its arrival is written down, what is held in memory is kept open, and what was rotated is looked after. */
import type { ProcessRef } from '../api.ts'
import { ArrivalClock } from '../effects/logs/arrivals/clock.ts'
import { Recorder } from '../effects/logs/arrivals/recorder.ts'
import { Housekeeper } from '../effects/logs/keep/housekeeper.ts'
import { ProcmanError } from '../errors.ts'
import { errnoOf } from '../files.ts'
import type { Layout } from '../persistence/layout.ts'
import type { Slices } from '../persistence/slices.ts'
import { LogCare } from './log-care.ts'
import { MemoryOutputs } from './memory-outputs.ts'
import { followRuns, startedRunsIn } from './output.ts'
import type { ActorSnapshot } from './wait.ts'

export interface ProcessLogsPorts {
  readonly layout: Layout
  readonly slices: Slices
  /** Every process of the directory is known. */
  readonly restored: Promise<void>
  /** Undefined: it has been removed. */
  refOf(id: string): ProcessRef | undefined
  /** @throws when it is not to be touched any more: it was removed, or the supervisor is closed */
  mustBeThere(ref: ProcessRef): void
  /** Something is wrong on the outside. */
  trouble(id: string | null, path: string | null, message: string): void
  /** Something is wrong in here. */
  onError(error: unknown): void
}

export class ProcessLogs {
  readonly recorder: Recorder
  readonly memory: MemoryOutputs
  readonly care: LogCare
  readonly #ports: ProcessLogsPorts
  readonly #housekeeper: Housekeeper

  /** @param maxTotalBytes of the whole state directory; null: no limit. @throws PROCMAN_INVALID_ARGUMENT */
  constructor(ports: ProcessLogsPorts, maxTotalBytes: number | null) {
    this.#ports = ports
    const { layout, trouble } = ports
    const jobDirOf = (id: string) => layout.jobDir(id)
    const tend = (id: string) => this.#housekeeper.tend(id)
    this.recorder = new Recorder({
      jobDirOf,
      clock: new ArrivalClock(layout.lastArrival, Date.now),
      runsIn: startedRunsIn,
      onRotated: tend,
      onTrouble: (path, error) => trouble(null, path, `${path} cannot be written (${errnoOf(error)}): until it can, nobody knows when output has arrived`),
      onUnwatchable: (error) => trouble(null, null, `logs cannot be watched (${errnoOf(error)}): they are looked at every second instead`),
      onError: ports.onError,
    })
    this.memory = new MemoryOutputs(jobDirOf)
    this.care = new LogCare({ jobDirOf, mustBeThere: ports.mustBeThere, onRotated: tend })
    this.#housekeeper = new Housekeeper({
      jobDirOf,
      logsOf: (id) => ports.refOf(id)?.getSnapshot().context.spec.logs ?? null,
      onTrouble: trouble,
    })
    this.limitTotal(maxTotalBytes)
  }

  /** @throws PROCMAN_INVALID_ARGUMENT */
  limitTotal(maxTotalBytes: number | null): void {
    if (maxTotalBytes !== null && (!Number.isSafeInteger(maxTotalBytes) || maxTotalBytes < 1)) {
      const message = `logs.maxTotalBytes must be a whole number of bytes from 1, not ${String(maxTotalBytes)}`
      throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', message, { details: { maxTotalBytes } })
    }
    this.#housekeeper.limitTotal(maxTotalBytes)
  }

  /** What was there when the directory was taken in is looked after. */
  tendAll(ids: Iterable<string>): void {
    for (const id of ids) this.#housekeeper.tend(id)
  }

  /** @returns to be told each state of the process, and whether it was found so */
  follow(id: string): (snapshot: ActorSnapshot, isFound: boolean) => void {
    const { layout, slices, restored } = this.#ports
    const outputOf = followRuns(id, { jobDirOf: (each) => layout.jobDir(each), recorder: this.recorder, slices, restored })
    const memoryOf = this.memory.follow(id)
    return (snapshot, isFound) => {
      outputOf(snapshot, isFound)
      memoryOf(snapshot)
    }
  }

  /** It has been removed. */
  forget(id: string): void {
    this.recorder.forget(id)
    this.memory.forget(id)
    this.#housekeeper.forget(id)
  }

  close(): void {
    this.recorder.close()
    this.memory.close()
    this.#housekeeper.close()
  }
}
