/** The last output of something, in memory. */
import { StringDecoder } from 'node:string_decoder'
import { ProcmanError } from './errors.ts'

const MOST_BYTES = 2 ** 28
const FIRST_BYTES = 4 * 1024

/**
 * Holds the last `maxBytes` bytes of what was written to it; what is older gives way. Memory is taken as it is needed, at most `maxBytes`.
 *
 * @example
 * const last = new RingBuffer({ maxBytes: 64 * 1024 })
 * await supervisor.watch(id, ({ text }) => last.write(`${text}\n`))
 * console.log(last.toString())
 */
export class RingBuffer {
  /** In bytes. */
  readonly maxBytes: number
  #buffer: Buffer
  /** Where the next byte goes. */
  #next = 0
  #bytes = 0
  #droppedBytes = 0

  /**
   * @param size `maxBytes`, alone or by name: bytes, 1 to 268 435 456 (256 MiB); default 1 048 576 (1 MiB)
   * @throws PROCMAN_INVALID_ARGUMENT
   */
  constructor(size: number | { readonly maxBytes?: number } = {}) {
    const asked: unknown = typeof size === 'object' && size !== null ? size.maxBytes : size
    const maxBytes = asked === undefined ? 2 ** 20 : asked
    if (!isSize(maxBytes))
      throw new ProcmanError(
        'PROCMAN_INVALID_ARGUMENT',
        `maxBytes must be a whole number of bytes from 1 to ${MOST_BYTES}, not ${typeof maxBytes} ${String(maxBytes)}`,
        {
          details: { maxBytes },
        },
      )
    this.maxBytes = maxBytes
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(maxBytes, FIRST_BYTES))
  }

  /** How many bytes are held. 0 to `maxBytes`. */
  get bytes(): number {
    return this.#bytes
  }

  /** How many bytes were written and are not held any more. */
  get droppedBytes(): number {
    return this.#droppedBytes
  }

  /**
   * Adds to the end; text as UTF-8. The data is copied: it may be used again at once.
   * @returns true: there is always room, so that it can stand where a stream is written to
   * @throws PROCMAN_INVALID_ARGUMENT
   */
  write(data: string | Uint8Array): true {
    if (typeof data === 'string') this.#writeText(data)
    else if (data instanceof Uint8Array) this.#writeBytes(data)
    else throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', `a RingBuffer takes text or a Uint8Array, not ${typeof data}`)
    return true
  }

  /** Drops all that is held. */
  clear(): void {
    this.#droppedBytes += this.#bytes
    this.#bytes = 0
    this.#next = 0
  }

  /** What is held as text. A character of which only a part is held, at the beginning or at the end, is left out; bytes that are no UTF-8 are U+FFFD. */
  toString(): string {
    const bytes = this.toBuffer()
    return new StringDecoder('utf8').write(this.#droppedBytes === 0 ? bytes : bytes.subarray(restOfCharacter(bytes)))
  }

  /** What is held, as it was written: a copy. */
  toBuffer(): Buffer {
    const start = this.#next - this.#bytes
    if (start >= 0) return Buffer.from(this.#buffer.subarray(start, this.#next))
    return Buffer.concat([this.#buffer.subarray(start), this.#buffer.subarray(0, this.#next)])
  }

  #writeText(text: string): void {
    const size = Buffer.byteLength(text)
    this.#growFor(size)
    if (this.#next + size > this.#buffer.length) return this.#writeBytes(Buffer.from(text))
    this.#buffer.write(text, this.#next, 'utf8')
    this.#advance(size)
  }

  #writeBytes(data: Uint8Array): void {
    this.#growFor(data.length)
    const kept = data.length > this.maxBytes ? data.subarray(-this.maxBytes) : data
    const room = this.#buffer.length - this.#next
    this.#buffer.set(kept.length > room ? kept.subarray(0, room) : kept, this.#next)
    if (kept.length > room) this.#buffer.set(kept.subarray(room))
    this.#droppedBytes += data.length - kept.length
    this.#advance(kept.length)
  }

  /** It goes round only once it has its full size. */
  #growFor(size: number): void {
    const needed = Math.min(this.maxBytes, this.#bytes + size)
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.min(this.maxBytes, Math.max(needed, 2 * this.#buffer.length)))
    grown.set(this.#buffer.subarray(0, this.#bytes))
    this.#buffer = grown
    this.#next = this.#bytes
  }

  #advance(size: number): void {
    const held = this.#bytes + size
    this.#next = (this.#next + size) % this.#buffer.length
    this.#bytes = Math.min(held, this.#buffer.length)
    this.#droppedBytes += held - this.#bytes
  }
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= MOST_BYTES
}

/** @returns how many bytes belong to a character that began before: a character has at most three more than its first */
function restOfCharacter(bytes: Buffer): number {
  const first = bytes.subarray(0, 3).findIndex((byte) => (byte & 0xc0) !== 0x80)
  return first < 0 ? Math.min(3, bytes.length) : first
}
