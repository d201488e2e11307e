/** When something arrived, told apart from all else that ever arrived in the state directory. */
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { readWhole } from '../../../files.ts'
import { isSeq } from './record.ts'

/** What was given since it was written down last; a manager that was killed may have given so many microseconds more. */
const UNWRITTEN_US = 1_000_000
const WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Microseconds since 1970, never the same twice and never less than before: also when the clock is set back, and over managers, since the highest is written down
 * each second of its use.
 */
export class ArrivalClock {
  readonly #path: string
  readonly #nowMs: () => number
  #last: number | undefined
  #written = 0

  /** @param path a file of its own; one that cannot be used costs the order only behind a clock that was set back between two managers */
  constructor(path: string, nowMs: () => number) {
    this.#path = path
    this.#nowMs = nowMs
  }

  next(): number {
    this.#last = Math.max(this.#highest() + 1, this.#nowMs() * 1000)
    if (this.#last >= this.#written + UNWRITTEN_US) this.#write(this.#last)
    return this.#last
  }

  /** Something was given that late by an earlier manager. */
  raise(seq: number): void {
    this.#last = Math.max(this.#highest(), seq)
  }

  /** Writes it down for the next manager. */
  close(): void {
    if (this.#last !== undefined) this.#write(this.#last)
  }

  #highest(): number {
    if (this.#last !== undefined) return this.#last
    this.#written = this.#read()
    // As long as the clock goes on, it is beyond all that was given.
    return this.#written < this.#nowMs() * 1000 ? this.#written : this.#written + UNWRITTEN_US
  }

  #read(): number {
    try {
      const found = readWhole(this.#path)
      const seq = found.kind === 'text' ? Number(found.text) : 0
      return isSeq(seq) ? seq : 0
    } catch {
      return 0
    }
  }

  #write(seq: number): void {
    this.#written = seq
    try {
      const fd = openSync(this.#path, WRITE, 0o600)
      try {
        writeSync(fd, String(seq).padStart(16, '0'), 0)
      } finally {
        closeSync(fd)
      }
    } catch {
      // Tried again in a second.
    }
  }
}
