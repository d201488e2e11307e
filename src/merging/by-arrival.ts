/** What is there of several logs, merged. */
import type { LogLines } from '../api.ts'
import { arrivalOf, type NamedLine, type OnError } from './named-line.ts'

/** One log, and the line of it that comes next. */
interface Log {
  readonly id: string
  readonly lines: LogLines
  next: NamedLine
}

/** A heap of logs by when their next lines arrived; of the same time, by the order in which they were added. */
export class ByArrival {
  readonly #fail: OnError
  readonly #opened: { readonly id: string; readonly lines: LogLines }[] = []
  readonly #heap: Log[] = []
  readonly #places = new Map<string, number>()

  constructor(fail: OnError) {
    this.#fail = fail
  }

  /** Opened at once: what comes later is no part of it. */
  add(id: string, open: () => LogLines): void {
    try {
      this.#opened.push({ id, lines: open() })
    } catch (error) {
      this.#fail(id, error)
    }
  }

  async *lines(): AsyncGenerator<NamedLine, void, undefined> {
    for (const [place, { id }] of this.#opened.entries()) this.#places.set(id, place)
    for (const { id, lines, next } of await Promise.all(this.#opened.map(({ id, lines }) => this.#read(id, lines))))
      if (next !== null) this.#heap.push({ id, lines, next })
    for (let at = this.#heap.length >> 1; at >= 0; at--) this.#sink(at)
    for (let [first] = this.#heap; first !== undefined; [first] = this.#heap) {
      yield first.next
      const { next } = await this.#read(first.id, first.lines)
      const last = next === null ? this.#heap.pop() : undefined
      if (next !== null) first.next = next
      else if (last !== undefined && last !== first) this.#heap[0] = last
      this.#sink(0)
    }
  }

  /** Once all was read: where the logs that could be read go on. */
  get positions(): readonly (readonly [id: string, position: string])[] {
    return this.#opened.filter(({ id }) => this.#places.has(id)).map(({ id, lines }) => [id, lines.position])
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map(({ lines }) => lines.return?.()))
  }

  async #read(id: string, lines: LogLines): Promise<Omit<Log, 'next'> & { readonly next: NamedLine | null }> {
    try {
      const { done, value } = await lines.next()
      return { id, lines, next: done === true ? null : { ...value, id } }
    } catch (error) {
      this.#places.delete(id)
      this.#fail(id, error)
      return { id, lines, next: null }
    }
  }

  #sink(from: number): void {
    const heap = this.#heap
    for (let at = from; ; ) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) if (this.#isBefore(heap[child], heap[least])) least = child
      const [one, other] = [heap[at], heap[least]]
      if (least === at || one === undefined || other === undefined) return
      heap[at] = other
      heap[least] = one
      at = least
    }
  }

  #isBefore(one: Log | undefined, other: Log | undefined): boolean {
    if (one === undefined || other === undefined) return false
    const [first, second] = [arrivalOf(one.next), arrivalOf(other.next)]
    return first === second ? (this.#places.get(one.id) ?? 0) < (this.#places.get(other.id) ?? 0) : first < second
  }
}
