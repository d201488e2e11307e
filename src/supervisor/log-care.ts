/** Rotating and clearing the logs of a process because a user says so: by the keeper of the run that is up, or by ourselves when none is. */
import type { ProcessRef } from '../api.ts'
import { LogLook } from '../effects/logs/arrivals/log-end.ts'
import type { LogStream } from '../effects/logs/contract.ts'
import { clearIdle, rotateIdle } from '../effects/logs/keep/idle-log.ts'
import { writersTo } from '../effects/logs/keep/open-files.ts'
import { stockOf } from '../effects/logs/keep/stock.ts'
import { placePath, readPlace } from '../effects/logs/place.ts'
import { keptStreams } from '../effects/run/intent-file.ts'
import { hasKeeper, tellKeeper } from '../effects/run/keeper-link.ts'
import { fromSystemError, ProcmanError } from '../errors.ts'
import { changeIn } from '../files.ts'

/** A log that was never rotated may be large. */
const PATIENCE_MS = 30_000
const LOOK_MS = 50
const STREAMS = ['stdout', 'stderr'] as const

type Wish = 'rotate' | 'clear'

interface Goal {
  readonly stream: LogStream
  /** Logical: done when the head has come so far. */
  readonly head: number
}

export interface LogCarePorts {
  jobDirOf(id: string): string
  /** @throws when it is not to be touched any more: it was removed, or the supervisor is closed */
  mustBeThere(ref: ProcessRef): void
  /** Something was rotated by ourselves. */
  onRotated(id: string): void
}

export class LogCare {
  readonly #ports: LogCarePorts
  readonly #last = new Map<string, Promise<void>>()

  constructor(ports: LogCarePorts) {
    this.#ports = ports
  }

  /** One after the other for each process. @throws PROCMAN_WRONG_STATE, PROCMAN_TIMEOUT, PROCMAN_SYSTEM_ERROR, what `mustBeThere` throws */
  fulfil(ref: ProcessRef, wish: Wish): Promise<void> {
    const work = (this.#last.get(ref.id) ?? Promise.resolve()).then(() => this.#fulfil(ref, wish))
    const done = work
      .catch(() => {})
      .then(() => {
        if (this.#last.get(ref.id) === done) this.#last.delete(ref.id)
      })
    this.#last.set(ref.id, done)
    return work
  }

  async #fulfil(ref: ProcessRef, wish: Wish): Promise<void> {
    const jobDir = this.#ports.jobDirOf(ref.id)
    const giveUpAtMs = performance.now() + PATIENCE_MS
    let asked: { readonly run: number; readonly goals: readonly Goal[] } | null = null
    for (;;) {
      this.#ports.mustBeThere(ref)
      const { run } = ref.getSnapshot().context
      if (isIdle(ref, jobDir)) {
        if (await this.#fulfilAlone(ref, jobDir, wish)) return
      } else if (ref.getSnapshot().hasTag('alive')) {
        if (asked?.run !== run) asked = ask(ref.id, jobDir, run, wish)
        if (ref.getSnapshot().context.keeperLost) throw nobodyRotates(ref.id, run)
        if (asked?.goals.every((goal) => isReached(jobDir, goal, wish))) return
      }
      const leftMs = giveUpAtMs - performance.now()
      if (leftMs <= 0) throw tooLate(ref.id, wish)
      await changeIn(jobDir, Math.min(leftMs, LOOK_MS))
    }
  }

  /** @returns false when a run has begun meanwhile */
  async #fulfilAlone(ref: ProcessRef, jobDir: string, wish: Wish): Promise<boolean> {
    for (const stream of STREAMS) {
      const { livePath } = stockOf(jobDir, stream)
      const mayAct = () => {
        this.#ports.mustBeThere(ref)
        return isIdle(ref, jobDir)
      }
      try {
        if (wish === 'rotate') await mustBeAlone(ref.id, livePath)
        if (!(await (wish === 'rotate' ? rotateIdle : clearIdle)(livePath, mayAct))) return false
      } catch (error) {
        throw fromSystemError(`the log ${livePath} cannot be ${wish === 'rotate' ? 'rotated' : 'cleared'}`, error, { id: ref.id })
      }
    }
    this.#ports.onRotated(ref.id)
    return true
  }
}

/** No run is up or begun, and nobody is at its files any more. */
function isIdle(ref: ProcessRef, jobDir: string): boolean {
  const snapshot = ref.getSnapshot()
  return !snapshot.hasTag('alive') && !hasKeeper(jobDir, snapshot.context.run)
}

/** @returns null when it cannot be asked yet. @throws PROCMAN_WRONG_STATE */
function ask(id: string, jobDir: string, run: number, wish: Wish): { readonly run: number; readonly goals: readonly Goal[] } | null {
  const streams = keptStreams(jobDir, run)
  if (streams === null) return null
  if (streams.length === 0) throw cannotRotate(id, run)
  const goals: Goal[] = []
  for (const stream of streams) {
    const goal = goalOf(jobDir, stream, wish)
    if (goal === undefined) return null
    if (goal !== null) goals.push(goal)
  }
  return tellKeeper(jobDir, run, [wish === 'rotate' ? 'r' : 'x']) ? { run, goals } : null
}

/** @returns null when there is nothing to do, undefined when that cannot be told now */
function goalOf(jobDir: string, stream: LogStream, wish: Wish): Goal | null | undefined {
  const { live } = stockOf(jobDir, stream)
  if (live === null) return null
  const look = new LogLook(jobDir, stream).end()
  if (look === null) return undefined
  if (wish === 'clear') return { stream, head: look.end }
  // Whole blocks, and never all of it.
  const size = look.end - look.base - 1
  return { stream, head: look.base + Math.max(0, size - (size % live.blockBytes)) }
}

function isReached(jobDir: string, { stream, head }: Goal, wish: Wish): boolean {
  const { segments, livePath } = stockOf(jobDir, stream)
  const place = readPlace(placePath(livePath))
  if (place === undefined || place.flux !== 0 || place.head < head) return false
  return wish === 'rotate' || segments.every(({ to }) => to > head)
}

/** What a command has left behind writes on, and there is no keeper that could rotate under it. */
async function mustBeAlone(id: string, livePath: string): Promise<void> {
  const [pid] = await writersTo(livePath)
  if (pid === undefined) return
  const message = `process ${pid}, which a command of process ${id} has left behind, still writes to ${livePath}: it can be rotated with the next run, or when that has ended`
  throw new ProcmanError('PROCMAN_WRONG_STATE', message, { details: { id, pid } })
}

function nobodyRotates(id: string, run: number): ProcmanError {
  const message = `the logs of run ${run} of process ${id} cannot be rotated or cleared while it is up: its keeper was killed; restart it, or wait until it has ended`
  return new ProcmanError('PROCMAN_WRONG_STATE', message, { details: { id, run } })
}

function cannotRotate(id: string, run: number): ProcmanError {
  const why = 'it was launched by an older release, or its output is not kept in files'
  return new ProcmanError('PROCMAN_WRONG_STATE', `the logs of run ${run} of process ${id} cannot be rotated or cleared while it is up: ${why}`, {
    details: { id, run },
  })
}

function tooLate(id: string, wish: Wish): ProcmanError {
  const message = `the logs of process ${id} are not ${wish === 'rotate' ? 'rotated' : 'cleared'} after ${PATIENCE_MS} ms; its keeper goes on with it`
  return new ProcmanError('PROCMAN_TIMEOUT', message, { details: { id } })
}
