/**
 * Lines to a descriptor, one write after the other, by a thread of the pool: a disk or a terminal that is slow holds up nobody. Not pino's own destination, which, when the program ends, tries for ever
 * to write to a full disk or to a terminal that has gone.
 */
import { closeSync, fstatSync, openSync, renameSync, write } from 'node:fs'

/** Lines that nobody takes are dropped from here on. */
const WAITING_BYTES = 1024 * 1024

export class LineWriter {
  #fd: number
  /** The file, and how large it may become; null: the descriptor is not ours. */
  readonly #file: { readonly path: string; readonly largestBytes: number } | null
  #size = 0
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isWriting = false
  #onIdle: (() => void)[] = []

  /** @param target a file, appended to (0600, made when needed) and moved to `<path>.1` at its largest size; or a descriptor */
  constructor(target: number | { readonly path: string; readonly largestBytes: number }) {
    this.#file = typeof target === 'number' ? null : target
    this.#fd = typeof target === 'number' ? target : openSync(target.path, 'a', 0o600)
    if (this.#file === null) return
    this.#size = fstatSync(this.#fd).size
    this.#rotate(this.#file)
  }

  write(line: string): void {
    const bytes = Buffer.from(line)
    if (this.#waitingBytes + bytes.length > WAITING_BYTES) return
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.#next()
  }

  /** Settles when all is written, or after a time. */
  flush(patienceMs: number): Promise<void> {
    if (!this.#isWriting && this.#waiting.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patienceMs)
      this.#onIdle.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #next(): void {
    if (this.#isWriting) return
    if (this.#waiting.length === 0) {
      for (const tell of this.#onIdle.splice(0)) tell()
      return
    }
    const bytes = Buffer.concat(this.#waiting)
    this.#waiting = []
    this.#isWriting = true
    this.#writeAll(bytes, () => {
      this.#isWriting = false
      this.#waitingBytes -= bytes.length
      if (this.#file !== null) this.#rotate(this.#file)
      this.#next()
    })
  }

  /** What cannot be written is dropped. */
  #writeAll(bytes: Buffer, done: () => void): void {
    write(this.#fd, bytes, (error, written) => {
      this.#size += written ?? 0
      if (error !== null || written >= bytes.length) done()
      else this.#writeAll(bytes.subarray(written), done)
    })
  }

  #rotate({ path, largestBytes }: { readonly path: string; readonly largestBytes: number }): void {
    if (this.#size <= largestBytes) return
    try {
      renameSync(path, `${path}.1`)
      const fd = openSync(path, 'a', 0o600)
      closeSync(this.#fd)
      this.#fd = fd
      this.#size = 0
    } catch {
      // It grows on, and is tried again after the next line.
    }
  }
}
