/** The index of arrivals as it is asked: with which arrival a byte came, and where runs begin. */
import type { ArrivalSpan, LogStream } from '../contract.ts'
import type { ArrivalRecord } from './record.ts'

/** Where, and when, a run begins, as far as the index says. */
export interface IndexedMark {
  readonly run: number
  readonly stdout: number | null
  readonly stderr: number | null
  readonly startedAtMs: number
}

/** By offset, ascending; and so by time. */
class StreamArrivals {
  readonly #ends: number[] = []
  readonly #seqs: number[] = []
  readonly #unattended: boolean[] = []

  add({ kind, end, seq }: ArrivalRecord): void {
    this.#drop(kind === 'restarted' ? end + 1 : end)
    if (kind === 'restarted') return
    this.#ends.push(end)
    this.#seqs.push(seq)
    this.#unattended.push(kind === 'unattended')
  }

  get #end(): number {
    return this.#ends.at(-1) ?? 0
  }

  at(offset: number): ArrivalSpan | null {
    return this.#span(firstIndex(this.#ends, (end) => end > offset))
  }

  /** Of the first byte that came at or after a time. */
  since(seq: number): number {
    return this.#ends[firstIndex(this.#seqs, (each) => each >= seq) - 1] ?? 0
  }

  /** Of the first byte that came after a time. */
  until(seq: number): number {
    const index = firstIndex(this.#seqs, (each) => each > seq)
    return index === this.#seqs.length ? Number.POSITIVE_INFINITY : (this.#ends[index - 1] ?? 0)
  }

  #span(index: number): ArrivalSpan | null {
    const end = this.#ends[index]
    const seq = this.#seqs[index]
    return end === undefined || seq === undefined ? null : { end, seq, isUnattended: this.#unattended[index] === true }
  }

  #drop(from: number): void {
    while (this.#ends.length > 0 && this.#end >= from) {
      this.#ends.pop()
      this.#seqs.pop()
      this.#unattended.pop()
    }
  }
}

export class ArrivalTable {
  readonly #streams = { stdout: new StreamArrivals(), stderr: new StreamArrivals() }
  readonly #marks = new Map<number, IndexedMark>()
  #sorted: readonly IndexedMark[] | undefined

  add(record: ArrivalRecord): void {
    if (record.kind !== 'run') return this.#streams[record.stream].add(record)
    this.#sorted = undefined
    const known = this.#marks.get(record.run) ?? { run: record.run, stdout: null, stderr: null }
    this.#marks.set(record.run, { ...known, [record.stream]: record.end, startedAtMs: Math.floor(record.seq / 1000) })
  }

  /** The arrival with which a byte came. @returns null: nobody has seen it yet */
  at(stream: LogStream, offset: number): ArrivalSpan | null {
    return this.#streams[stream].at(offset)
  }

  /** The offset of the first byte that came at or after a time; the end of all that is known when there is none. */
  since(stream: LogStream, seq: number): number {
    return this.#streams[stream].since(seq)
  }

  /** The offset of the first byte that came after a time; Infinity when there is none. */
  until(stream: LogStream, seq: number): number {
    return this.#streams[stream].until(seq)
  }

  /** Ascending by run. */
  marks(): readonly IndexedMark[] {
    this.#sorted ??= [...this.#marks.values()].sort((a, b) => a.run - b.run)
    return this.#sorted
  }
}

/** @returns where the first is that holds, of a list in which all behind it do; its length when none does */
function firstIndex(list: readonly number[], holds: (value: number) => boolean): number {
  let from = 0
  let to = list.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (holds(list[middle] ?? 0)) to = middle
    else from = middle + 1
  }
  return from
}
