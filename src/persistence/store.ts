/** The only writer of state. Says nothing about what a state means: it keeps, finds and forgets snapshots. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmdirSync } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirs, makeRoom } from '../directories.ts'
import { ProcmanError } from '../errors.ts'
import { errnoOf, overwriteFile, replaceFile } from '../files.ts'
import { encodeSnapshot } from './codec.ts'
import type { Layout } from './layout.ts'
import type { Slices } from './slices.ts'
import { prepareStateDir } from './state-dir.ts'

interface Pending {
  readonly snapshotOf: () => unknown
  isScheduled: boolean
  readonly waiters: { readonly resolve: () => void; readonly reject: (error: ProcmanError) => void }[]
}

const RETRY_MS = 1_000
/** What nobody waits for, and a killed manager may lose, is written after so long. */
const LAZY_MS = 1_000
/** So many of them at a time: five hundred services that are probed each second must not keep the disk busy. */
const LAZY_COUNT = 20

export interface StorePorts {
  nowMs(): number
  readonly slices: Slices
  /** The directory is ours to write to: when somebody has deleted it meanwhile, another manager may have it now. */
  holdsDirectory(): boolean
  /** A state could not be written; it is tried again until it can. Or something else went wrong that nobody waits for. */
  onTrouble(id: string, path: string, error: ProcmanError): void
}

export class Store {
  readonly #layout: Layout
  readonly #ports: StorePorts
  readonly #pending = new Map<string, Pending>()
  #retry: NodeJS.Timeout | undefined
  #lazy: NodeJS.Timeout | undefined

  constructor(layout: Layout, ports: StorePorts) {
    this.#layout = layout
    this.#ports = ports
  }

  /** Makes the directory of a new process. @throws PROCMAN_PROCESS_EXISTS, PROCMAN_STATE_NOT_SAVED */
  create(id: string): void {
    const path = this.#layout.jobDir(id)
    try {
      this.#make(path)
    } catch (error) {
      if (['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(errnoOf(error))) throw exists(id)
      throw notSaved(path, error)
    }
  }

  #make(path: string): void {
    try {
      mkdirSync(path, { mode: 0o700 })
    } catch (error) {
      // One that was left empty, and has not been removed yet, is as good as none. Who makes a process of it first has it: nothing comes between here and there.
      if (errnoOf(error) === 'EEXIST') rmdirSync(path)
      else if (errnoOf(error) !== 'ENOENT' || !this.#ports.holdsDirectory()) throw error
      else prepareStateDir(this.#layout)
      mkdirSync(path, { mode: 0o700 })
    }
  }

  /** Marks the state as changed; it is written soon, and only once however often it changes until then. */
  save(id: string, snapshotOf: () => unknown): void {
    // One that failed is not left to the next try: what has changed may be what lets it succeed.
    this.#schedule(id, this.#mark(id, snapshotOf))
  }

  /** The same for what changes all the time and need not be on disk at once: it is written within seconds, of hundreds in turn, or with the next change that matters. */
  saveSoon(id: string, snapshotOf: () => unknown): void {
    this.#mark(id, snapshotOf)
    this.#lazy ??= setTimeout(() => this.#writeSome(), LAZY_MS).unref()
  }

  /** Those first that wait longest. */
  #writeSome(): void {
    let left = LAZY_COUNT
    for (const [id, pending] of this.#pending) {
      if (left-- <= 0) break
      this.#schedule(id, pending)
    }
    this.#lazy = left < 0 ? setTimeout(() => this.#writeSome(), LAZY_MS).unref() : undefined
  }

  #mark(id: string, snapshotOf: () => unknown): Pending {
    const known = this.#pending.get(id)
    const pending = { snapshotOf, waiters: known?.waiters ?? [], isScheduled: known?.isScheduled ?? false }
    this.#pending.set(id, pending)
    return pending
  }

  #schedule(id: string, pending: Pending): void {
    if (pending.isScheduled) return
    pending.isScheduled = true
    this.#ports.slices.run(() => this.#write(id))
  }

  /** Resolves once all that was marked for this process is on disk. @throws PROCMAN_STATE_NOT_SAVED when a write failed; it is still tried again */
  saved(id: string): Promise<void> {
    const pending = this.#pending.get(id)
    if (pending === undefined) return Promise.resolve()
    // Who asks after a write that failed is answered by one of its own: nothing else may be left that keeps the program alive until the next try.
    this.#schedule(id, pending)
    return new Promise((resolve, reject) => pending.waiters.push({ resolve, reject }))
  }

  /** Resolves once all that was marked for this process was written, or could not be: that is told as trouble. @returns whether it was written */
  attempted(id: string): Promise<boolean> {
    return this.saved(id).then(
      () => true,
      (error: ProcmanError) => {
        this.#ports.onTrouble(id, this.#layout.stateFile(id), error)
        return false
      },
    )
  }

  /** Writes everything that is marked, now. */
  flush(): void {
    for (const id of [...this.#pending.keys()]) this.#write(id)
  }

  /** @returns the ids whose last state could not be written */
  close(): readonly string[] {
    this.flush()
    return this.abandon()
  }

  /** Writes nothing any more. @returns the ids whose last state is not on disk */
  abandon(): readonly string[] {
    const unsaved = [...this.#pending.keys()]
    clearTimeout(this.#retry)
    clearTimeout(this.#lazy)
    for (const [id, { waiters }] of this.#pending)
      for (const waiter of waiters.splice(0)) waiter.reject(notSaved(this.#layout.stateFile(id), new Error('the state directory was let go')))
    this.#pending.clear()
    return unsaved
  }

  #write(id: string): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    const path = this.#layout.stateFile(id)
    try {
      this.#put(id, encodeSnapshot(pending.snapshotOf(), this.#ports.nowMs()))
    } catch (error) {
      return this.#failed(id, pending, notSaved(path, error))
    }
    this.#pending.delete(id)
    for (const waiter of pending.waiters) waiter.resolve()
  }

  #put(id: string, text: string): void {
    const path = this.#layout.stateFile(id)
    try {
      return replaceFile(path, text)
    } catch (error) {
      const code = errnoOf(error)
      if (code === 'ENOSPC' || code === 'EDQUOT') return overwrite(path, text, error)
      if (code === 'EISDIR') this.#ports.onTrouble(id, path, odd(path, this.quarantine(path, `${id}.state.json`)))
      else if (code !== 'ENOENT' || !this.putBack(id)) throw error
    }
    replaceFile(path, text)
  }

  /**
   * Somebody has deleted the process's directory, or all of them. The process is still ours, and must be known to the next manager.
   * @returns false when the directory is not ours any more
   */
  putBack(id: string): boolean {
    if (!this.#ports.holdsDirectory()) return false
    prepareStateDir(this.#layout)
    const path = this.#layout.jobDir(id)
    makeDirs(path)
    const message = `${path} was deleted by somebody else: its state has been put back, its output so far and how its run ends are lost`
    this.#ports.onTrouble(id, path, new ProcmanError('PROCMAN_STATE_NOT_SAVED', message, { details: { path } }))
    return true
  }

  #failed(id: string, pending: Pending, error: ProcmanError): void {
    pending.isScheduled = false
    // What was told to somebody is not told again: many refused starts would drown what nobody was told.
    if (pending.waiters.length === 0) this.#ports.onTrouble(id, this.#layout.stateFile(id), error)
    for (const waiter of pending.waiters.splice(0)) waiter.reject(error)
    this.#retry ??= setTimeout(() => this.#tryAgain(), RETRY_MS).unref()
  }

  #tryAgain(): void {
    this.#retry = undefined
    this.#scheduleAll()
  }

  #scheduleAll(): void {
    for (const [id, pending] of this.#pending) this.#schedule(id, pending)
  }

  /** Drops what is marked for a process: it is being removed, and nobody has to wait for it any more. */
  forget(id: string): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    for (const waiter of pending?.waiters ?? []) waiter.resolve()
  }

  /**
   * Takes the process's directory away in one rename, at once: from then on it is removed.
   * @returns a function that deletes what was taken away
   * @throws PROCMAN_STATE_NOT_SAVED when it cannot be taken away; then nothing has changed
   */
  remove(id: string): () => Promise<void> {
    const path = this.#layout.jobDir(id)
    let grave: string | null = null
    try {
      grave = this.#moveTo(this.#layout.trash, path, id)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || existsSync(path)) throw notSaved(path, error)
    }
    this.forget(id)
    return async () => {
      if (grave !== null) await this.#delete(id, grave)
    }
  }

  /** Deletes what a removal that was cut off has left. */
  async emptyTrash(): Promise<void> {
    const { trash } = this.#layout
    for (const name of await namesIn(trash).catch((error) => this.#notDeleted('', trash, error))) await this.#delete('', join(trash, name))
  }

  /** What cannot be deleted now is at the next start of a manager. */
  async #delete(id: string, path: string): Promise<void> {
    try {
      // A keeper that came too late may still be putting its files there.
      await removeIntents(path)
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
    } catch (error) {
      this.#notDeleted(id, path, error)
    }
  }

  #notDeleted(id: string, path: string, cause: unknown): string[] {
    this.#ports.onTrouble(id, path, new ProcmanError('PROCMAN_STATE_NOT_SAVED', `${path} cannot be deleted (${errnoOf(cause)})`, { cause }))
    return []
  }

  /** Moves something that cannot be read aside. @returns where to */
  quarantine(path: string, name: string): string {
    return this.#moveTo(this.#layout.quarantine, path, name)
  }

  /** Under a name of its own, also when the clock stands still. */
  #moveTo(dir: string, path: string, name: string): string {
    makeRoom(dir)
    const to = join(dir, `${name}.${this.#ports.nowMs()}.${randomBytes(4).toString('hex')}`)
    renameSync(path, to)
    return to
  }
}

/** A full disk has no room for a new file beside the old one, but the old one has some. */
function overwrite(path: string, text: string, cause: unknown): void {
  let isDone = false
  try {
    isDone = overwriteFile(path, text)
  } catch {
    // Nothing to write over yet: what is in the way is the full disk.
  }
  if (!isDone) throw cause
}

/** @returns nothing for what is no directory, or a link to one: that is somebody else's */
async function namesIn(path: string): Promise<readonly string[]> {
  const stat = await lstat(path).catch((error) => (errnoOf(error) === 'ENOENT' ? null : Promise.reject(error)))
  return stat?.isDirectory() ? readdir(path) : []
}

/** First of all: a keeper that comes late must not find an intent without the claim that was made on it. */
async function removeIntents(path: string): Promise<void> {
  const names = await namesIn(path).catch(() => [])
  for (const name of names) if (name.endsWith('.intent')) await rm(join(path, name), { recursive: true, force: true })
}

export function exists(id: string): ProcmanError {
  return new ProcmanError('PROCMAN_PROCESS_EXISTS', `there is already a process ${JSON.stringify(id)}: remove it or choose another id`, { details: { id } })
}

function odd(path: string, movedTo: string): ProcmanError {
  return new ProcmanError('PROCMAN_STATE_NOT_SAVED', `${path} was not a file: moved to ${movedTo}`, { details: { path } })
}

function notSaved(path: string, cause: unknown): ProcmanError {
  const { code, message } = cause as NodeJS.ErrnoException
  return new ProcmanError('PROCMAN_STATE_NOT_SAVED', `${path} cannot be written (${code ?? message})`, { details: { path, errno: code }, cause })
}
