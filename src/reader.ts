/**
 * Looks at a state directory without holding it. The snapshots say what was intended, the run files what is true: where they differ, the process machine
 * itself is asked what the facts lead to, so a reader and a manager can never disagree.
 */
import { lstatSync, watch } from 'node:fs'
import { transition } from 'xstate'
import type { Attachment, AttachOptions, ListFilter, LogLines, LogPaths, LogStats, Problem, Reader, WaitOptions, WatchOptions } from './api.ts'
import { holds, isHopeless, isRunOver, mustBeCondition, notReady, tooLate, type WaitCondition } from './conditions.ts'
import { isAlive } from './effects/run/identity.ts'
import { onFifoReleased } from './effects/run/keeper-link.ts'
import { observeRun } from './effects/run/observe.ts'
import { tokenOf } from './effects/run/token.ts'
import { ProcmanError, type ProcmanErrorCode } from './errors.ts'
import { errnoOf } from './files.ts'
import { processMachine } from './machines/process/machine.ts'
import { type ProcessRecord, toRecord } from './machines/process/record.ts'
import { type Layout, layoutOf, resolveStateDir } from './persistence/layout.ts'
import { readHolder } from './persistence/lock.ts'
import { type Found, listIds, readState } from './persistence/state-dir.ts'
import { resolveId, selectRecords } from './select.ts'
import { attachTo, type LogAccess, linesOf } from './supervisor/log-access.ts'
import { logPathsIn, logStatsIn } from './supervisor/log-files.ts'
import { withProgress } from './supervisor/progress-seen.ts'
import { catchUp, knownRunOf, rebuild } from './supervisor/rebuild.ts'
import { mustBeDuration } from './timers.ts'
import type { ProcessSpec } from './types.ts'

/** A manager that dies, or a notification that is lost, is noticed after so long at the latest. */
const SWEEP_MS = 1_000
/** A command without a keeper gives no event; it is looked at so often. */
const UNWATCHED_MS = 50

/** @throws PROCMAN_INVALID_ARGUMENT; a directory that does not exist is empty */
export function createReader(options: { readonly stateDir?: string } = {}): Reader {
  return new DirectoryReader(layoutOf(resolveStateDir(options.stateDir)))
}

type Seen =
  /** With a problem: its state is damaged, and it is shown as its run files tell. */
  | { readonly kind: 'seen'; readonly record: ProcessRecord; readonly spec: ProcessSpec; readonly problem: Problem | null }
  | { readonly kind: 'unseen'; readonly problem: Problem; readonly code: ProcmanErrorCode }
  | { readonly kind: 'none' }

class DirectoryReader implements Reader {
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  get stateDir(): string {
    return this.#layout.root
  }

  survey(filter?: ListFilter): { readonly records: readonly ProcessRecord[]; readonly problems: readonly Problem[] } {
    const records: ProcessRecord[] = []
    const problems: Problem[] = []
    for (const id of listIds(this.#layout)) {
      const seen = this.#look(id)
      if (seen.kind === 'seen') records.push(seen.record)
      if (seen.kind !== 'none' && seen.problem !== null) problems.push(seen.problem)
    }
    return { records: selectRecords(records, filter), problems }
  }

  specs(): readonly { readonly record: ProcessRecord; readonly spec: ProcessSpec }[] {
    return listIds(this.#layout).flatMap((id) => {
      const seen = this.#look(id)
      return seen.kind === 'seen' ? [{ record: seen.record, spec: seen.spec }] : []
    })
  }

  list(filter?: ListFilter): readonly ProcessRecord[] {
    return this.survey(filter).records
  }

  get(given: string): ProcessRecord {
    return this.#recordOf(this.#resolve(given))
  }

  #recordOf(id: string): ProcessRecord {
    const seen = this.#look(id)
    if (seen.kind === 'seen') return seen.record
    if (seen.kind === 'unseen') throw new ProcmanError(seen.code, seen.problem.message, { details: { id, path: seen.problem.path } })
    throw unknown(id)
  }

  /** As it is now: not another process that has been given the id since, or that has an id which only begins so. */
  #again({ id, created_at }: ProcessRecord): ProcessRecord {
    const record = this.#recordOf(id)
    if (record.created_at !== created_at) throw unknown(id)
    return record
  }

  attach(given: string, options: AttachOptions = {}): Attachment {
    return attachTo(this.#logsOf(given), options)
  }

  watch(given: string, options: WatchOptions = {}): LogLines {
    return linesOf(this.#logsOf(given), options)
  }

  async logPaths(given: string): Promise<LogPaths> {
    return logPathsIn(this.#layout.jobDir(this.get(given).id))
  }

  async logStats(given: string): Promise<LogStats> {
    return logStatsIn(this.#layout.jobDir(this.get(given).id))
  }

  wait(given: string, options: WaitOptions = {}): Promise<ProcessRecord> {
    return this.waitFor(given, 'settled', options)
  }

  async waitFor(given: string, condition: WaitCondition, options: WaitOptions = {}): Promise<ProcessRecord> {
    mustBeCondition(condition)
    mustBeDuration('timeoutMs', options.timeoutMs)
    return this.#until(this.get(given), condition, options)
  }

  async #until(
    first: ProcessRecord,
    condition: WaitCondition,
    { timeoutMs, signal }: WaitOptions = {},
    isEnough: (record: ProcessRecord) => boolean = () => false,
  ): Promise<ProcessRecord> {
    const { id } = first
    const giveUpAtMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs
    for (;;) {
      const record = this.#again(first)
      if (holds(record, condition) || isEnough(record)) return record
      if (isHopeless(record, condition)) throw notReady(record, condition)
      if (signal?.aborted) throw new ProcmanError('PROCMAN_ABORTED', `the caller stopped waiting for process ${id}`, { details: { id } })
      const leftMs = giveUpAtMs - performance.now()
      if (leftMs <= 0) throw new ProcmanError('PROCMAN_TIMEOUT', tooLate(record, condition, timeoutMs ?? 0), { details: { id } })
      await this.#change(record, Math.min(leftMs, SWEEP_MS), signal)
    }
  }

  #resolve(given: string): string {
    const ids = listIds(this.#layout)
    return resolveId(
      given,
      (id) => ids.includes(id),
      () => ids,
    )
  }

  #look(id: string): Seen {
    try {
      const before = inodeOf(this.#layout.jobDir(id))
      const seen = this.#lookAt(id, readState(this.#layout, id))
      // Its files were taken away while they were looked at: what seems to be lost was removed.
      const isTorn = seen.kind === 'seen' && seen.record.outcome?.kind === 'unknown' && inodeOf(this.#layout.jobDir(id)) !== before
      return isTorn ? this.#look(id) : seen
    } catch (error) {
      // Removed while it was looked at.
      if (errnoOf(error) === 'ENOENT') return { kind: 'none' }
      const path = this.#layout.jobDir(id)
      return { kind: 'unseen', code: 'PROCMAN_PROCESS_UNREADABLE', problem: problemOf(id, path, `cannot be read (${errnoOf(error)})`) }
    }
  }

  #lookAt(id: string, found: Found): Seen {
    const jobDir = this.#layout.jobDir(id)
    const snapshot = found.kind === 'ok' ? catchUp(this.#layout.root, jobDir, found.snapshot) : rebuildIfAny(this.#layout.root, jobDir, found)
    if (snapshot === null) {
      if (found.kind === 'ok' || found.kind === 'empty') return { kind: 'none' }
      if (found.kind === 'damaged')
        return { kind: 'unseen', code: 'PROCMAN_PROCESS_DAMAGED', problem: problemOf(id, found.path, `is damaged: ${found.reason}`) }
      return { kind: 'unseen', code: 'PROCMAN_PROCESS_UNREADABLE', problem: problemOf(id, found.path, `cannot be shown: ${found.reason}`) }
    }
    let state = processMachine.resolveState({ value: snapshot.value, context: snapshot.context })
    if (state.hasTag('alive')) {
      const { run, createdAtMs } = snapshot.context
      const observed = { jobDir, run, token: tokenOf(this.#layout.root, id, run, createdAtMs), known: knownRunOf(snapshot.context) }
      for (const fact of withProgress(observed, snapshot.context, observeRun(observed, Date.now()))) state = transition(processMachine, state, fact)[0]
    }
    const problem = found.kind === 'damaged' ? problemOf(id, found.path, `is damaged: ${found.reason}; it is shown as its run files tell`) : null
    return { kind: 'seen', record: toRecord(state.value, state.context), spec: state.context.spec, problem }
  }

  /** Resolves when something of the process may have changed. */
  #change(record: ProcessRecord, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const jobDir = this.#layout.jobDir(record.id)
      const done = () => {
        clearTimeout(timer)
        for (const stop of stops) stop?.()
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const end = onKeeperGone(jobDir, record.run, done)
      const timer = setTimeout(done, end === null && record.pid !== null ? Math.min(timeoutMs, UNWATCHED_MS) : timeoutMs)
      const stops = [end, onFileReplaced(this.#layout.stateFile(record.id), done)]
      signal?.addEventListener('abort', done, { once: true })
    })
  }

  /** True, too, when that cannot be told. */
  #isHeld(): boolean {
    try {
      const holder = readHolder(this.#layout.lock)
      return holder !== null && isAlive(holder.identity)
    } catch {
      return true
    }
  }

  #logsOf(given: string): LogAccess {
    const first = this.get(given)
    return {
      layout: this.#layout,
      id: first.id,
      settled: (signal, run) => this.#until(first, 'settled', { signal }, (record) => isRunOver(record, run)),
      capture: (stream) => first.logs[stream],
      isAttended: () => this.#isHeld(),
      isOwn: () => {
        const seen = this.#look(first.id)
        return seen.kind !== 'seen' || seen.record.created_at === first.created_at
      },
    }
  }
}

function unknown(id: string): ProcmanError {
  return new ProcmanError('PROCMAN_PROCESS_UNKNOWN', `there is no process ${JSON.stringify(id)}`, { details: { id } })
}

function inodeOf(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.ino ?? null
}

function problemOf(id: string, path: string, what: string): Problem {
  return { id, path, message: `${path} ${what}`, atMs: Date.now(), times: 1 }
}

function rebuildIfAny(stateDir: string, jobDir: string, found: Exclude<Found, { kind: 'ok' }>) {
  if (found.kind === 'unreadable') return null
  try {
    return rebuild(stateDir, jobDir, found)
  } catch (error) {
    // The directory has just been removed, or is none: then there is nothing to rebuild from. Anything else says nothing about the process.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null
    throw error
  }
}

/** @returns null when nobody holds the run, or when that cannot be watched now (EMFILE) */
function onKeeperGone(jobDir: string, run: number, gone: () => void): (() => void) | null {
  try {
    return onFifoReleased(jobDir, run, 'alive', gone) ?? onFifoReleased(jobDir, run, 'rest', gone)
  } catch {
    return null
  }
}

/** A state file is replaced by rename: the watch on the old one says so. @returns null when it cannot be watched */
function onFileReplaced(path: string, replaced: () => void): (() => void) | null {
  try {
    const watcher = watch(path, { persistent: false }, replaced)
    watcher.on('error', replaced)
    return () => watcher.close()
  } catch {
    return null
  }
}
