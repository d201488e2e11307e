import { StringDecoder } from 'node:string_decoder'
import type { LogChunk, LogLine } from '../../api.ts'
import type { LogStream } from './contract.ts'

/** A longer line is given in pieces, in UTF-16 characters. */
export const MAX_LINE_CHARS = 1024 * 1024
const LF = 10
const CR = 13

/**
 * Splits output into lines, for each stream and run by itself, whatever the chunks are. `\n`, `\r\n` and a lone `\r` end a line.
 *
 * A line is given as soon as its end was seen; after a `\r` at once (progress bars pause there), a `\n` directly behind it is
 * swallowed. Longer than 1 048 576 characters, it comes in pieces: all but the last are `partial`. A last line without an end is
 * given, `partial`, when its run or the output ends. Invalid UTF-8 becomes U+FFFD.
 */
export function toLines(chunks: AsyncIterable<LogChunk>): AsyncGenerator<LogLine, void, undefined> {
  return new LineReader(chunks).read()
}

/** `toLines`, for one who wants to know how far the lines go that were given. */
export class LineReader {
  readonly #chunks: AsyncIterable<LogChunk>
  readonly #splitters = new Map<LogStream, LineSplitter>()
  /** Those whose next byte is behind a `\r` that has ended a line given to somebody else. */
  readonly #isAfterCr: (stream: LogStream) => boolean

  constructor(chunks: AsyncIterable<LogChunk>, isAfterCr: (stream: LogStream) => boolean = () => false) {
    this.#chunks = chunks
    this.#isAfterCr = isAfterCr
  }

  /** How many bytes of the stream's last chunk, and of those before it, belong to no line that was given; pieces of a line that is too long are none. */
  heldBytes(stream: LogStream): number {
    return this.#splitters.get(stream)?.heldBytes ?? 0
  }

  /** The next byte is behind a `\r` that has ended a line. */
  endedWithCr(stream: LogStream): boolean {
    return this.#splitters.get(stream)?.endedWithCr ?? this.#isAfterCr(stream)
  }

  async *read(): AsyncGenerator<LogLine, void, undefined> {
    for await (const { stream, run, data } of this.#chunks) {
      const last = this.#splitters.get(stream)
      if (last?.run === run) yield* last.split(data)
      else {
        yield* last?.flush(data.length) ?? []
        const splitter = new LineSplitter(stream, run, last === undefined && this.#isAfterCr(stream))
        this.#splitters.set(stream, splitter)
        yield* splitter.split(data)
      }
    }
    for (const splitter of this.#splitters.values()) yield* splitter.flush(0)
  }
}

/** The lines of one stream in one run. Holds one unfinished line, at most 1 048 576 characters and a chunk. */
class LineSplitter {
  readonly run: number
  readonly #stream: LogStream
  readonly #decoder = new StringDecoder('utf8')
  /** The decoder may hold a beginning of a character, so this one may be empty although a line has begun. */
  #held = ''
  #hasBegun = false
  #endedWithCr: boolean
  heldBytes = 0

  constructor(stream: LogStream, run: number, isAfterCr: boolean) {
    this.#stream = stream
    this.run = run
    this.#endedWithCr = isAfterCr
  }

  get endedWithCr(): boolean {
    return this.heldBytes === 0 && this.#endedWithCr
  }

  *split(data: Buffer): Generator<LogLine, void, undefined> {
    let from = this.#endedWithCr && data[0] === LF ? 1 : 0
    this.heldBytes = (this.#hasBegun ? this.heldBytes : 0) + data.length - from
    if (data.length > 0) this.#endedWithCr = false
    const ends = new LineEnds(data)
    for (let end = ends.find(from); end >= 0; end = ends.find(from)) {
      const isCr = data[end] === CR
      const next = isCr && data[end + 1] === LF ? end + 2 : end + 1
      this.#endedWithCr = isCr && end + 1 === data.length
      yield* this.#finish(data, from, end, next)
      from = next
    }
    if (from < data.length) yield* this.#hold(data.subarray(from))
  }

  /** @param unread bytes of its stream that were read, and belong to the next run */
  *flush(unread: number): Generator<LogLine, void, undefined> {
    if (!this.#hasBegun) return
    yield* this.#giveTooLong(this.#held + this.#decoder.end())
    this.heldBytes = unread
    yield { ...this.#line(this.#held), partial: true }
    this.#hasBegun = false
    this.#held = ''
  }

  *#finish(data: Buffer, from: number, end: number, next: number): Generator<LogLine, void, undefined> {
    if (this.#hasBegun) yield* this.#giveTooLong(this.#held + this.#decoder.write(data.subarray(from, end)) + this.#decoder.end())
    else yield* this.#giveTooLong(data.toString('utf8', from, end)) // not a slice of the decoded chunk: a kept line would keep that
    this.heldBytes = data.length - next
    yield this.#line(this.#held)
    this.#hasBegun = false
    this.#held = ''
  }

  *#hold(rest: Buffer): Generator<LogLine, void, undefined> {
    this.#hasBegun = true
    yield* this.#giveTooLong(this.#held + this.#decoder.write(rest))
  }

  /** Gives full pieces; what is left, at most a full piece, is held. Never cuts between surrogates. */
  *#giveTooLong(text: string): Generator<LogLine, void, undefined> {
    let from = 0
    while (text.length - from > MAX_LINE_CHARS) {
      const to = from + MAX_LINE_CHARS
      const cut = isHighSurrogate(text.charCodeAt(to - 1)) ? to - 1 : to
      yield { ...this.#line(text.slice(from, cut)), partial: true }
      from = cut
    }
    this.#held = from === 0 ? text : text.slice(from)
  }

  #line(text: string): LogLine {
    return { text, stream: this.#stream, run: this.run }
  }
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

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}
