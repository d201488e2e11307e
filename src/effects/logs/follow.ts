import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'

/** How often a busy log is looked at. A watch would call back for each write: 29 % of a core at 50 000 lines/s. */
const POLL_MS = 50
/** So long without news, and the log is watched instead of polled. */
const ACTIVE_MS = 1_000
/** How often a log is looked at that cannot be watched (ENOSPC: inotify limit, EMFILE, no directory yet). */
const FALLBACK_MS = 100
/** A watch is a doorbell, never a record: the kernel drops events on overflow, network file systems send none. */
const SWEEP_MS = 10_000

/** `fs.watch`, or what a test puts in its place. */
export type WatchFile = (path: string, onEvent: () => void) => FSWatcher

/**
 * Waits until files may have changed: by watch while they are silent (about 1 ms), by a timer of 50 ms while they are busy.
 * It promises no more than "look again". Holds watchers and timers only while `wait` is pending; those keep the event loop alive.
 */
export class Doorbell {
  readonly #paths: () => readonly string[]
  readonly #watch: WatchFile
  readonly #watchers: FSWatcher[] = []
  #timer: NodeJS.Timeout | undefined
  #wake: (() => void) | undefined
  #isRung = false
  #isClosed = false
  #activeUntilMs = 0

  /** @param paths asked for each time that they are watched; they need not exist: then their directory is watched */
  constructor(paths: () => readonly string[], watchFile: WatchFile = (path, onEvent) => watch(path, onEvent)) {
    this.#paths = paths
    this.#watch = watchFile
  }

  /** Tells that the files are busy: the next second they are polled. */
  news(): void {
    this.#activeUntilMs = performance.now() + ACTIVE_MS
  }

  /** Ends the wait under way, or the next one. */
  ring(): void {
    this.#isRung = true
    this.#wake?.()
  }

  /** Ends the wait under way and all later ones at once. Repeated: nothing. */
  close(): void {
    this.#isClosed = true
    this.ring()
    this.#disarm()
  }

  /**
   * One wait at a time.
   * @param hasChanged asked once the watch stands, so that nothing falls between the caller's last look and the watch
   */
  async wait(hasChanged: () => boolean): Promise<void> {
    if (!this.#isRung && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        this.#arm(hasChanged)
      }).finally(() => this.#disarm())
    }
    this.#isRung = false
  }

  #arm(hasChanged: () => boolean): void {
    if (performance.now() < this.#activeUntilMs) this.#ringIn(POLL_MS)
    else if (!this.#watchAll()) this.#ringIn(FALLBACK_MS)
    else if (hasChanged()) this.ring()
    else this.#ringIn(SWEEP_MS)
  }

  #ringIn(ms: number): void {
    this.#timer = setTimeout(() => this.ring(), ms)
  }

  #watchAll(): boolean {
    try {
      for (const path of this.#paths()) this.#watchers.push(this.#watchOne(path))
      return true
    } catch {
      this.#unwatch()
      return false
    }
  }

  #watchOne(path: string): FSWatcher {
    // An event or the failure of a watch: look, and poll for a while (a watch that fails at once must not become a busy loop).
    const onEvent = () => {
      this.news()
      this.ring()
    }
    return this.#watchFileOrDirectory(path, onEvent).on('error', onEvent)
  }

  #watchFileOrDirectory(path: string, onEvent: () => void): FSWatcher {
    try {
      return this.#watch(path, onEvent)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return this.#watch(dirname(path), onEvent)
    }
  }

  #unwatch(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close()
  }

  #disarm(): void {
    clearTimeout(this.#timer)
    this.#wake = undefined
    this.#unwatch()
  }
}
