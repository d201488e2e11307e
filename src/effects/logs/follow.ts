import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import { busyFiles } from './busy.ts'

/** A watch that rings so soon after it was set, so often in a row, is one of a busy file. */
const SOON_MS = 6
const SOON_TIMES = 3
/** Found silent so often in a row, a busy file is watched again. */
const SILENT_LOOKS = 12
/** How often a log is looked at that cannot be watched (ENOSPC: inotify limit, EMFILE, no directory yet). */
const FALLBACK_MS = 100
/** A watch is a doorbell, never a record: the kernel drops events on overflow, network file systems send none. */
const SWEEP_MS = 10_000

/** `fs.watch`, or what a test puts in its place. */
export type WatchFile = (path: string, onEvent: () => void) => FSWatcher

/**
 * Waits until files have changed: by watch while they are silent or are written to now and then (about 1 ms), by looking every 4 ms while they are busy, or
 * less often when many are. Holds watchers and timers only while `wait` is pending; those keep the event loop alive.
 */
export class Doorbell {
  readonly #paths: () => readonly string[]
  readonly #watch: WatchFile
  readonly #watchers: FSWatcher[] = []
  #timer: NodeJS.Timeout | undefined
  #leave: (() => void) | undefined
  #wake: (() => void) | undefined
  #isRung = false
  #isClosed = false
  #isBusy = false
  #soonTimes = 0

  /** @param paths asked for each time that they are watched; they need not exist: then their directory is watched */
  constructor(paths: () => readonly string[], watchFile: WatchFile = (path, onEvent) => watch(path, onEvent)) {
    this.#paths = paths
    this.#watch = watchFile
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
   * @param hasChanged says whether the wait is over: asked often, also once the watch stands, so that nothing falls between the caller's last look and the
   * watch. One that throws has changed
   */
  async wait(hasChanged: () => boolean): Promise<void> {
    const isOver = () => {
      try {
        return hasChanged()
      } catch {
        return true // the caller looks, too, and is told
      }
    }
    if (!this.#isRung && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        this.#arm(isOver)
      }).finally(() => this.#disarm())
    }
    this.#isRung = false
  }

  #arm(isOver: () => boolean): void {
    if (this.#isBusy) this.#lookOften(isOver)
    else if (!this.#watchAll(isOver)) this.#lookIn(FALLBACK_MS, isOver, () => this.#arm(isOver))
    else this.#sweep(isOver)
  }

  #lookOften(isOver: () => boolean): void {
    let silent = 0
    this.#leave = busyFiles.add(() => {
      if (isOver()) this.ring()
      else if (++silent < SILENT_LOOKS) return false
      else this.#watchAgain(isOver)
      return true
    })
  }

  #watchAgain(isOver: () => boolean): void {
    this.#isBusy = false
    this.#soonTimes = 0
    this.#arm(isOver)
  }

  #sweep(isOver: () => boolean): void {
    this.#lookIn(SWEEP_MS, isOver, () => this.#sweep(isOver))
  }

  #lookIn(ms: number, isOver: () => boolean, goOn: () => void): void {
    this.#timer = setTimeout(() => {
      if (isOver()) this.ring()
      else goOn()
    }, ms)
  }

  /** @returns false: it cannot be */
  #watchAll(isOver: () => boolean): boolean {
    const armedMs = performance.now()
    const onEvent = () => {
      if (this.#watchers.length === 0) return
      if (isOver()) this.#rungBy(armedMs)
      else this.#becomeBusy(isOver) // what rings although nothing has changed, and a watch that fails at once, must not become a busy loop
    }
    try {
      for (const path of this.#paths()) this.#watchers.push(this.#watchFileOrDirectory(path, onEvent).on('error', onEvent))
    } catch {
      this.#unwatch()
      return false
    }
    if (isOver()) this.#rungBy(armedMs)
    return true
  }

  #rungBy(armedMs: number): void {
    this.#soonTimes = performance.now() - armedMs < SOON_MS ? this.#soonTimes + 1 : 0
    this.#isBusy = busyFiles.isCrowded() || this.#soonTimes >= SOON_TIMES
    this.ring()
  }

  #becomeBusy(isOver: () => boolean): void {
    this.#disarm(this.#wake)
    this.#isBusy = true
    this.#arm(isOver)
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

  /** @param wake of the wait that goes on */
  #disarm(wake?: () => void): void {
    clearTimeout(this.#timer)
    this.#leave?.()
    this.#leave = undefined
    this.#wake = wake
    this.#unwatch()
  }
}
