/** The only writer of state. Says nothing about what a state means: it keeps, finds and forgets snapshots. */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ProcmanError } from '../errors.ts'
import { decodeSnapshot, encodeSnapshot, ID_PATTERN, type ProcessSnapshot } from './codec.ts'
import type { Layout } from './layout.ts'
import type { Slices } from './slices.ts'

export type Found =
  | { readonly kind: 'ok'; readonly id: string; readonly snapshot: ProcessSnapshot }
  | { readonly kind: 'damaged'; readonly id: string; readonly path: string; readonly reason: string }
  /** A directory without state: a start that was cut off before anything was promised. */
  | { readonly kind: 'empty'; readonly id: string; readonly path: string }

interface Pending {
  readonly snapshotOf: () => unknown
  readonly waiters: { readonly resolve: () => void; readonly reject: (error: ProcmanError) => void }[]
}

const RETRY_MS = 1_000

export interface StorePorts {
  nowMs(): number
  readonly slices: Slices
  /** A state could not be written; it is tried again until it can. */
  onTrouble(id: string, error: ProcmanError): void
}

export class Store {
  readonly #layout: Layout
  readonly #ports: StorePorts
  readonly #pending = new Map<string, Pending>()
  #retry: NodeJS.Timeout | undefined

  constructor(layout: Layout, ports: StorePorts) {
    this.#layout = layout
    this.#ports = ports
  }

  /** Makes the directory of a new process. @throws PROCMAN_PROCESS_EXISTS, PROCMAN_STATE_NOT_SAVED */
  create(id: string): void {
    const path = this.#layout.jobDir(id)
    try {
      mkdirSync(path, { mode: 0o700 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST')
        throw new ProcmanError('PROCMAN_PROCESS_EXISTS', `there is already a process ${JSON.stringify(id)}: remove it or choose another id`, {
          details: { id },
        })
      throw notSaved(path, error)
    }
  }

  /** Marks the state as changed; it is written soon, and only once however often it changes until then. */
  save(id: string, snapshotOf: () => unknown): void {
    const known = this.#pending.get(id)
    this.#pending.set(id, { snapshotOf, waiters: known?.waiters ?? [] })
    if (known === undefined) this.#ports.slices.run(() => this.#write(id))
  }

  /** Resolves once all that was marked for this process is on disk. @throws PROCMAN_STATE_NOT_SAVED when a write failed; it is still tried again */
  saved(id: string): Promise<void> {
    const pending = this.#pending.get(id)
    if (pending === undefined) return Promise.resolve()
    return new Promise((resolve, reject) => pending.waiters.push({ resolve, reject }))
  }

  /** Writes everything that is marked, now. */
  flush(): void {
    for (const id of [...this.#pending.keys()]) this.#write(id)
  }

  close(): void {
    this.flush()
    clearTimeout(this.#retry)
    this.#pending.clear()
  }

  #write(id: string): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    const path = this.#layout.stateFile(id)
    try {
      const text = encodeSnapshot(pending.snapshotOf(), this.#ports.nowMs())
      writeFileSync(`${path}.tmp`, text, { mode: 0o600 })
      renameSync(`${path}.tmp`, path)
    } catch (error) {
      return this.#failed(id, pending, notSaved(path, error))
    }
    this.#pending.delete(id)
    for (const waiter of pending.waiters) waiter.resolve()
  }

  #failed(id: string, pending: Pending, error: ProcmanError): void {
    if (!existsSync(this.#layout.jobDir(id)) && existsSync(this.#layout.jobs)) this.#pending.delete(id)
    for (const waiter of pending.waiters.splice(0)) waiter.reject(error)
    this.#ports.onTrouble(id, error)
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined
      this.flush()
    }, RETRY_MS)
    this.#retry.unref()
  }

  /** Drops what is marked for a process: it is being removed, and nobody has to wait for it any more. */
  forget(id: string): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    for (const waiter of pending?.waiters ?? []) waiter.resolve()
  }

  /** Takes the process's directory away in one rename, then deletes it. */
  async remove(id: string): Promise<void> {
    this.forget(id)
    mkdirSync(this.#layout.trash, { recursive: true, mode: 0o700 })
    const grave = join(this.#layout.trash, `${id}.${this.#ports.nowMs().toString(36)}.${process.pid}`)
    try {
      renameSync(this.#layout.jobDir(id), grave)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw notSaved(this.#layout.jobDir(id), error)
    }
    await rm(grave, { recursive: true, force: true })
  }

  /** Deletes what a removal that was cut off has left. */
  async emptyTrash(): Promise<void> {
    await rm(this.#layout.trash, { recursive: true, force: true })
  }

  /** Moves something that cannot be read aside. @returns where to */
  quarantine(path: string, name: string): string {
    mkdirSync(this.#layout.quarantine, { recursive: true, mode: 0o700 })
    const to = join(this.#layout.quarantine, `${name}.${this.#ports.nowMs()}`)
    renameSync(path, to)
    return to
  }
}

/** Makes the state directory, or checks the one that is there. @throws PROCMAN_STATE_DIR_UNUSABLE */
export function prepareStateDir(layout: Layout): void {
  try {
    makeDirs(layout.root)
    makeDirs(layout.jobs)
    if ((lstatSync(layout.jobs).mode & 0o077) !== 0) chmodSync(layout.jobs, 0o700)
  } catch (error) {
    throw unusable(layout.root, error)
  }
}

/** Not `mkdirSync` with `recursive`: where nothing can be made (/proc), Node 20 tries for ever. */
function makeDirs(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return
  if (!existsSync(dirname(path))) makeDirs(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(path).isDirectory()) throw error
  }
}

/** @returns the ids of all processes in the directory, in order; of a directory that is not there, none. @throws PROCMAN_STATE_DIR_UNUSABLE */
export function listIds(layout: Layout): readonly string[] {
  let names: string[]
  try {
    names = readdirSync(layout.jobs)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw unusable(layout.jobs, error)
  }
  return names.filter((name) => ID_PATTERN.test(name)).sort()
}

/** Reads the state of one process. Never throws, whatever lies there. */
export function readState(layout: Layout, id: string): Found {
  const path = layout.stateFile(id)
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { kind: 'empty', id, path: layout.jobDir(id) }
    return { kind: 'damaged', id, path, reason: `it cannot be opened (${code})` }
  }
  try {
    if (!fstatSync(fd).isFile()) return { kind: 'damaged', id, path, reason: 'it is not a regular file' }
    const decoded = decodeSnapshot(readFileSync(fd, 'utf8'), id)
    return decoded.kind === 'ok' ? { kind: 'ok', id, snapshot: decoded.snapshot } : { kind: 'damaged', id, path, reason: decoded.reason }
  } catch (error) {
    return { kind: 'damaged', id, path, reason: `it cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})` }
  } finally {
    closeSync(fd)
  }
}

function notSaved(path: string, cause: unknown): ProcmanError {
  const { code, message } = cause as NodeJS.ErrnoException
  return new ProcmanError('PROCMAN_STATE_NOT_SAVED', `${path} cannot be written (${code ?? message})`, { details: { path, errno: code }, cause })
}

function unusable(path: string, cause: unknown): ProcmanError {
  const { code, message } = cause as NodeJS.ErrnoException
  return new ProcmanError('PROCMAN_STATE_DIR_UNUSABLE', `the state directory ${path} cannot be used (${code ?? message})`, {
    details: { path, errno: code },
    cause,
  })
}

/** Deletes a directory in which nothing was promised. */
export function removeEmpty(path: string): void {
  rmSync(path, { recursive: true, force: true })
}
