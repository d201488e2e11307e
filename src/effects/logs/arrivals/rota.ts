/** Looking at many things in turn: each of them every so often, all together never so often that it costs much. */

export interface Pace {
  /** Each is looked at so long after it was put in, or later. */
  readonly everyMs: number
  /** So many at once, and then a pause: what is over waits for the next time. */
  readonly atOnce: number
  readonly pauseMs: number
}

/** No timer while there is nothing to look at; one that keeps nobody alive otherwise. */
export class Rota<Item> {
  readonly #look: (item: Item) => void
  readonly #pace: Pace
  /** When each is due; in this order, since all wait equally long. */
  readonly #due = new Map<Item, number>()
  #timer: NodeJS.Timeout | undefined

  /** @param look puts it in again if it is to be looked at again */
  constructor(look: (item: Item) => void, pace: Pace) {
    this.#look = look
    this.#pace = pace
  }

  /** Those that wait. */
  items(): Iterable<Item> {
    return this.#due.keys()
  }

  /** One that is in stays where it is. */
  add(item: Item): void {
    if (this.#due.has(item)) return
    this.#due.set(item, performance.now() + this.#pace.everyMs)
    this.#timer ??= setTimeout(() => this.#turn(), this.#pace.everyMs).unref()
  }

  remove(item: Item): void {
    this.#due.delete(item)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#due.clear()
  }

  #turn(): void {
    const nowMs = performance.now()
    let left = this.#pace.atOnce
    for (const [item, dueMs] of this.#due) {
      if (dueMs > nowMs || left-- <= 0) break
      this.#due.delete(item)
      this.#look(item)
    }
    const [next] = this.#due.values()
    this.#timer = next === undefined ? undefined : setTimeout(() => this.#turn(), Math.max(next - performance.now(), this.#pace.pauseMs)).unref()
  }
}
