/** How far a target is, on disk: `collect/NAME.json` in the state directory. What is there was acknowledged. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readWhole, replaceFile } from '../files.ts'

/** Where a target is in the output of one process. */
export interface Progress {
  /** When the process was created: another one may have been given its id. */
  readonly born: string
  /** Of the reader that goes on; empty: the beginning. Null: nothing of it was wanted so far, and when that changes, it is what comes from then on. */
  readonly position: string | null
}

const FORMAT = 1
/** Writing it down may take this share of the time. */
const SHARE = 0.05
const LONGEST_WAIT_MS = 1_000

export class Checkpoint {
  readonly #path: string
  readonly #onTrouble: (error: unknown) => void
  readonly #places: Map<string, Progress>
  #timer: NodeJS.Timeout | undefined
  #isDirty = false
  /** That it cannot be written, until it can again. */
  #isTold = false
  #restUntilMs = 0
  /** There was none: the target is new. */
  isNew: boolean

  /** @param onTrouble told when it cannot be written: what is delivered goes on, and would be doubled if the program ended now */
  constructor(stateDir: string, name: string, onTrouble: (error: unknown) => void) {
    this.#path = join(stateDir, 'collect', `${name}.json`)
    this.#onTrouble = onTrouble
    const found = read(this.#path)
    this.isNew = found === null
    this.#places = new Map(found ?? [])
  }

  get(id: string): Progress | undefined {
    return this.#places.get(id)
  }

  set(id: string, progress: Progress): void {
    this.#places.set(id, progress)
    this.#isDirty = true
  }

  delete(id: string): void {
    if (this.#places.delete(id)) this.#isDirty = true
  }

  ids(): readonly string[] {
    return [...this.#places.keys()]
  }

  /** Writes it down, at once where the last time is long enough ago for what it costs. */
  saveSoon(): void {
    if (!this.#isDirty || this.#timer !== undefined) return
    const waitMs = this.#restUntilMs - performance.now()
    if (waitMs <= 0) return this.save()
    this.#timer = setTimeout(() => this.save(), Math.min(waitMs, LONGEST_WAIT_MS))
  }

  /** From now on the target is not new any more. */
  begun(): void {
    if (!this.isNew) return this.saveSoon()
    this.isNew = false
    this.#isDirty = true
    this.save()
  }

  save(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#isDirty) return
    const begunMs = performance.now()
    try {
      mkdirSync(join(this.#path, '..'), { recursive: true, mode: 0o700 })
      replaceFile(this.#path, `${JSON.stringify({ format: FORMAT, processes: Object.fromEntries(this.#places) })}\n`)
      this.#isDirty = false
      this.#isTold = false
    } catch (error) {
      if (!this.#isTold) this.#onTrouble(error)
      this.#isTold = true
    }
    this.#restUntilMs = performance.now() + (performance.now() - begunMs) / SHARE
  }

  /** The target is not wanted any more. */
  forget(): void {
    clearTimeout(this.#timer)
    this.#isDirty = false
    rmSync(this.#path, { force: true })
  }
}

/** @returns null for none. Of one that is damaged nothing: better all that is kept is delivered again than something not at all. */
function read(path: string): readonly (readonly [string, Progress])[] | null {
  try {
    const found = readWhole(path)
    if (found.kind === 'missing') return null
    const parsed: unknown = found.kind === 'text' ? JSON.parse(found.text) : null
    const { format, processes } = (parsed ?? {}) as { readonly format?: unknown; readonly processes?: unknown }
    if (format !== FORMAT || typeof processes !== 'object' || processes === null) return []
    return Object.entries(processes as Readonly<Record<string, Partial<Progress>>>).flatMap(([id, { born, position }]) =>
      typeof born === 'string' && (typeof position === 'string' || position === null) ? [[id, { born, position }] as const] : [],
    )
  } catch {
    return []
  }
}
