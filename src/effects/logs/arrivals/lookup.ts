/** When output arrived, for whoever reads it. */
import type { ArrivalSpan, LogArrivals, LogStream, RunMark } from '../contract.ts'
import { IndexReader } from './index-file.ts'
import { arrivalsFile } from './process-arrivals.ts'

const STALE_MS = 5

export class ArrivalLookup implements LogArrivals {
  readonly #index: IndexReader
  readonly #record: ((stream: LogStream) => void) | undefined
  readonly #asked: Record<LogStream, number> = { stdout: 0, stderr: 0 }
  #isRead = false
  #refreshedAtMs = 0

  /** @param record has it written down now what has come so far: a reader may be faster than whoever does that. Undefined: nobody of this program does */
  constructor(jobDir: string, record?: (stream: LogStream) => void) {
    this.#index = new IndexReader(arrivalsFile(jobDir))
    this.#record = record
  }

  at(stream: LogStream, offset: number): ArrivalSpan | null {
    // Who goes back reads a log that was emptied meanwhile: what is known of it is looked at again.
    if (offset < this.#asked[stream]) this.#refresh()
    this.#asked[stream] = offset
    const known = this.#index.table.at(stream, offset)
    if (known !== null) return known
    // Who reads much of which nobody knows anything does not look for each piece of it.
    if (this.#record === undefined && performance.now() - this.#refreshedAtMs < STALE_MS) return null
    this.#refresh()
    const found = this.#index.table.at(stream, offset)
    if (found !== null || this.#record === undefined) return found
    this.#record(stream)
    this.#refresh()
    return this.#index.table.at(stream, offset)
  }

  since(stream: LogStream, seq: number): number {
    this.#refresh()
    return this.#index.table.since(stream, seq)
  }

  until(stream: LogStream, seq: number): number {
    this.#refresh()
    return this.#index.table.until(stream, seq)
  }

  /** Where runs began, as far as both streams are known; ascending. */
  marks(): readonly RunMark[] {
    if (!this.#isRead) this.#refresh()
    return this.#index.table.marks().flatMap(({ run, stdout, stderr }) => (stdout === null || stderr === null ? [] : [{ run, stdout, stderr }]))
  }

  #refresh(): void {
    this.#isRead = true
    this.#refreshedAtMs = performance.now()
    this.#index.refresh()
  }
}
