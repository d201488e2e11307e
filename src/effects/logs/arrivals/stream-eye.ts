/** Keeps an eye on the log of one stream: by a watch while it is silent, by looking at it in turn while it is busy. */
import { type FSWatcher, watch } from 'node:fs'
import { errnoOf } from '../../../files.ts'
import type { Rota } from './rota.ts'

/** One that is busy is looked at so often at most, in ms. */
export const BUSY_MS = 50
/** So many events before its turn, and it is not watched any more: each of them costs as much as a look. */
const MANY_EVENTS = 3
/** So long without anything new, and it is watched again. */
const SILENT_MS = 500

/** `hidden`: there is no file, or it is just being rotated. */
export type Looked = 'news' | 'silent' | 'hidden'

export interface EyePorts {
  readonly busy: Rota<StreamEye>
  /** Of those that cannot be watched (ENOSPC: inotify limit, EMFILE, no file yet). */
  readonly unwatchable: Rota<StreamEye>
  /** Whether one that was silent may be looked at now, without waiting for its turn. */
  mayLookNow(): boolean
  onUnwatchable(error: unknown): void
}

export class StreamEye {
  readonly #ports: EyePorts
  readonly #path: string
  readonly #look: () => Looked
  #watcher: FSWatcher | undefined
  #isOpen = false
  #wasLookedAt = false
  #lookedAtMs = 0
  #newsAtMs = 0
  #events = 0

  constructor(path: string, look: () => Looked, ports: EyePorts) {
    this.#path = path
    this.#look = look
    this.#ports = ports
  }

  /** As one that is busy: many are gone before it is their turn. */
  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#wasLookedAt = false
    this.#ports.busy.add(this)
  }

  close(): void {
    this.#isOpen = false
    this.#unwatch()
    this.#ports.busy.remove(this)
    this.#ports.unwatchable.remove(this)
  }

  /** It is its turn. */
  turn(): void {
    if (!this.#isOpen) return
    if (!this.#wasLookedAt) {
      // Most are silent, and who begins to watch looks as well.
      this.#watch()
      if (this.#watcher !== undefined) return
    }
    this.#lookNow()
    if (this.#watcher !== undefined) return
    if (this.#lookedAtMs - this.#newsAtMs < SILENT_MS) this.#ports.busy.add(this)
    else this.#watch()
  }

  #lookNow(): void {
    this.#events = 0
    this.#wasLookedAt = true
    this.#lookedAtMs = performance.now()
    const looked = this.#look()
    if (looked === 'news') this.#newsAtMs = this.#lookedAtMs
    // A watch may be on what was moved away: it says nothing of what comes in its place.
    if (looked === 'hidden') this.#unwatch()
  }

  #watch(): void {
    try {
      this.#watcher = watch(this.#path, { persistent: false }, (event) => this.#happened(event))
      this.#watcher.on('error', (error) => this.#failed(error))
    } catch (error) {
      return this.#failed(error)
    }
    // What has come between the last look and the watch.
    this.#lookNow()
    if (this.#watcher === undefined) this.#ports.unwatchable.add(this)
  }

  #failed(error: unknown): void {
    this.#unwatch()
    if (!this.#isOpen) return
    if (errnoOf(error) !== 'ENOENT') this.#ports.onUnwatchable(error)
    this.#ports.unwatchable.add(this)
  }

  #unwatch(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }

  #happened(event: string): void {
    this.#events++
    // Moved away or deleted: there may be another file at the path.
    if (event === 'rename') this.#unwatch()
    const isRested = performance.now() - this.#lookedAtMs >= BUSY_MS
    if (this.#watcher !== undefined && isRested && this.#ports.mayLookNow()) {
      this.#lookNow()
      if (this.#watcher !== undefined) return
    }
    if (isRested || this.#events >= MANY_EVENTS) this.#unwatch()
    this.#newsAtMs = performance.now()
    this.#ports.busy.add(this)
  }
}
