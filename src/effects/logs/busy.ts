/** How often a busy file is looked at: half of it is what a reader waits for news. */
const POLL_MS = 4
/** What it costs to wake a reader, which then reads; measured. */
const WAKE_MS = 0.5
/** Looking and waking take one part of so many of the time of this program, however many files are busy. */
const SHARE = 4
/** When watches ring more often than so many times a second, all of them together, files are busy although none of them is by itself. */
const CROWD_RINGS = 400
const CROWD_MS = 1_000
/** After so much of it, everybody else is let in. */
const SLICE_MS = 4

/** @returns true: it need not be looked at again */
export type Look = () => boolean

/**
 * Looks at all files of this program that are busy, by one timer, one after the other. A watch would call back for each write: 29 % of a core at
 * 50 000 lines/s. The more of them there are, the less often each is looked at.
 */
class BusyFiles {
  readonly #looks = new Set<Look>()
  #round: Iterator<Look> = this.#looks.values()
  #timer: NodeJS.Timeout | undefined
  #rings = 0
  #ringsBefore = 0
  #ringsSinceMs = 0

  /** Told each time that a watch has rung. @returns whether they ring too often, all together */
  isCrowded(): boolean {
    const agoMs = performance.now() - this.#ringsSinceMs
    if (Math.abs(agoMs) > CROWD_MS) {
      this.#ringsBefore = agoMs > 2 * CROWD_MS ? 0 : this.#rings
      this.#rings = 0
      this.#ringsSinceMs += agoMs
    }
    return Math.max(++this.#rings, this.#ringsBefore) > CROWD_RINGS
  }

  /** @returns a function that ends it. Repeated: nothing */
  add(look: Look): () => void {
    this.#looks.add(look)
    this.#timer ??= setTimeout(() => this.#tick(), POLL_MS)
    return () => {
      this.#looks.delete(look)
      if (this.#looks.size > 0) return
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
  }

  #tick(): void {
    const startMs = performance.now()
    let wakes = 0
    const spentMs = () => performance.now() - startMs + wakes * WAKE_MS
    for (let left = this.#looks.size; left > 0 && spentMs() < SLICE_MS; left--) {
      const look = this.#next()
      if (look?.() !== true) continue
      this.#looks.delete(look)
      wakes++
    }
    this.#timer = this.#looks.size === 0 ? undefined : setTimeout(() => this.#tick(), Math.max(POLL_MS, spentMs() * (SHARE - 1)))
  }

  /** Who was looked at in the slice before comes last. */
  #next(): Look | undefined {
    const next = this.#round.next()
    if (!next.done) return next.value
    this.#round = this.#looks.values()
    return this.#round.next().value
  }
}

export const busyFiles = new BusyFiles()
