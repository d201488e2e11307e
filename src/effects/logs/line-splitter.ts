import type { LogChunk, LogLine } from '../../log-api.ts'

/** A longer line is given in pieces. */
export const MAX_LINE_BYTES = 1024 * 1024
const LF = 10
const CR = 13
const NOTHING = Buffer.alloc(0)
const PARTIAL = { partial: true } as const
const CUT = { partial: true, cut: true } as const

/**
 * The lines of one stream in one run, without waiting: chunk in, lines out. This is what takes millions of lines; `LineReader` is made of it.
 *
 * `\n`, `\r\n` and a lone `\r` end a line. It is given as soon as its end was seen; after a `\r` at once (progress bars pause there), a `\n` directly behind
 * it is swallowed. A line of more than 1 048 576 bytes comes in pieces: all but its last are `partial` and `cut`. Invalid UTF-8 becomes U+FFFD, a character is
 * never split. What a chunk says of its arrival holds for the lines that end in it. Holds one line that is not over, at most 1 048 576 bytes.
 */
export class LineSplitter {
  /**
   * Of the call before: for each line that it has given, where in its chunk that line ends. 0 and less: with bytes of earlier chunks.
   * So many bytes behind it that were given to `split` belong to no line that was given: `data.length - ends[i]`; behind the last one, `heldBytes`.
   */
  readonly ends: number[] = []
  readonly #wants: ((text: string) => boolean) | undefined
  #origin: Omit<LogLine, 'text'>
  readonly #held = new HeldBytes()
  #hasGivenPiece = false
  #endedWithCr: boolean
  #lines: LogLine[] = []
  #gapBytes = 0

  /**
   * @param options `isAfterCr`: the first byte is behind a `\r` that has ended a line. `wants`: only lines of which this says true are given; of a line that
   * comes in pieces, those from the first one that is wanted
   */
  constructor(stream: LogLine['stream'], run: number, options: { readonly isAfterCr?: boolean; readonly wants?: (text: string) => boolean } = {}) {
    this.#origin = { stream, run }
    this.#endedWithCr = options.isAfterCr === true
    this.#wants = options.wants
  }

  get run(): number {
    return this.#origin.run
  }

  /** Of a line that is not over, in bytes. */
  get heldBytes(): number {
    return this.#held.length
  }

  /** The next byte is behind a `\r` that has ended a line. */
  get endedWithCr(): boolean {
    return this.#endedWithCr
  }

  split(chunk: LogChunk): LogLine[] {
    this.#begin()
    const { data } = chunk
    if (chunk.gapBytes !== undefined) this.#skip(chunk.gapBytes)
    this.#origin = originOf(chunk)
    let from = this.#endedWithCr && data[0] === LF ? 1 : 0
    if (data.length > 0) this.#endedWithCr = false
    const found = new LineEnds(data)
    for (let end = found.find(from); end >= 0; end = found.find(from)) {
      const isCr = data[end] === CR
      const next = isCr && data[end + 1] === LF ? end + 2 : end + 1
      this.#endedWithCr = isCr && end + 1 === data.length
      this.#finish(data, from, end, next)
      from = next
    }
    if (from < data.length) this.#hold(data, from, data.length)
    return this.#lines
  }

  /** Nothing has come for a while: what there is of a line that is not over is given, `partial`. Its rest will be a further piece, an empty one if only its end comes. */
  pause(): LogLine[] {
    this.#begin()
    const whole = wholeChars(this.#held.bytes)
    const text = this.#held.bytes.toString('utf8', 0, whole)
    if (text !== '' && this.#isWanted(text)) {
      this.#held.drop(whole)
      this.#give(text, -this.#held.length, PARTIAL)
    }
    return this.#lines
  }

  /** The output is over: what there is of a line is given, `partial`. */
  flush(): LogLine[] {
    this.#begin()
    this.#end()
    return this.#lines
  }

  #begin(): void {
    this.#lines = []
    this.ends.length = 0
  }

  #skip(gapBytes: number): void {
    this.#end()
    this.#endedWithCr = false
    this.#gapBytes += gapBytes
  }

  #end(): void {
    const text = this.#held.bytes.toString()
    if (text !== '' && this.#isWanted(text)) this.#give(text, 0, PARTIAL)
    this.#held.clear()
    this.#hasGivenPiece = false
  }

  #finish(data: Buffer, from: number, end: number, next: number): void {
    let text: string
    if (this.#held.length === 0 && end - from <= MAX_LINE_BYTES) {
      text = data.toString('utf8', from, end) // not a slice of the decoded chunk: a line that is kept would keep that
    } else {
      this.#hold(data, from, end)
      text = this.#held.bytes.toString()
      this.#held.clear()
    }
    if (this.#isWanted(text)) this.#give(text, next)
    this.#hasGivenPiece = false
  }

  #hold(data: Buffer, from: number, end: number): void {
    let at = from
    while (this.#held.length + end - at > MAX_LINE_BYTES) {
      const to = at + MAX_LINE_BYTES - this.#held.length
      this.#held.push(data, at, to)
      at = to
      const whole = wholeChars(this.#held.bytes)
      const text = this.#held.bytes.toString('utf8', 0, whole)
      this.#held.drop(whole)
      if (this.#isWanted(text)) this.#give(text, at - this.#held.length, CUT)
    }
    this.#held.push(data, at, end)
  }

  #isWanted(text: string): boolean {
    return this.#wants === undefined || this.#hasGivenPiece || this.#wants(text)
  }

  #give(text: string, end: number, marks?: typeof PARTIAL | typeof CUT): void {
    const line: LogLine = { text, ...this.#origin, ...marks }
    this.#lines.push(this.#gapBytes === 0 ? line : { ...line, gapBytes: this.#gapBytes })
    this.ends.push(end)
    this.#hasGivenPiece = marks !== undefined
    this.#gapBytes = 0
  }
}

/** Bytes in one piece of memory that grows: many small ones come to a long line in linear time. */
class HeldBytes {
  #memory: Buffer = NOTHING
  #length = 0

  get length(): number {
    return this.#length
  }

  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length)
  }

  push(data: Buffer, from: number, to: number): void {
    const length = this.#length + to - from
    if (length > this.#memory.length) {
      const memory = Buffer.allocUnsafeSlow(Math.min(MAX_LINE_BYTES, Math.max(length, 2 * this.#memory.length)))
      this.#memory.copy(memory, 0, 0, this.#length)
      this.#memory = memory
    }
    data.copy(this.#memory, this.#length, from, to)
    this.#length = length
  }

  /** The first `count`. */
  drop(count: number): void {
    this.#memory.copyWithin(0, count, this.#length)
    this.#length -= count
  }

  /** All; what a long line needed is let go of, and not before: its next piece needs the same. */
  clear(): void {
    this.#length = 0
    if (this.#memory.length > 64 * 1024) this.#memory = NOTHING
  }
}

function originOf({ stream, run, at, seq, unattended }: LogChunk): Omit<LogLine, 'text'> {
  if (at === undefined && unattended === undefined) return { stream, run }
  return { stream, run, ...(at !== undefined && { at }), ...(seq !== undefined && { seq }), ...(unattended !== undefined && { unattended }) }
}

/** @returns how many bytes there are before a character that has only begun at the end */
function wholeChars(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}

/** Finds line ends from left to right; each byte is looked at once for `\n` and once for `\r`. */
class LineEnds {
  readonly #data: Buffer
  #lf: number
  #cr: number

  constructor(data: Buffer) {
    this.#data = data
    this.#lf = data.indexOf(LF)
    this.#cr = data.indexOf(CR)
  }

  /** @returns the offset of the first `\n` or `\r` at or behind `from`, which never goes back; -1: none */
  find(from: number): number {
    if (this.#lf >= 0 && this.#lf < from) this.#lf = this.#data.indexOf(LF, from)
    if (this.#cr >= 0 && this.#cr < from) this.#cr = this.#data.indexOf(CR, from)
    if (this.#lf < 0 || this.#cr < 0) return Math.max(this.#lf, this.#cr)
    return Math.min(this.#lf, this.#cr)
  }
}
