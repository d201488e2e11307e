import type { LogChunk, LogLine } from '../../log-api.ts'
import type { LogStream } from './contract.ts'
import { LineSplitter } from './line-splitter.ts'

/** What there is of a line is given when so long nothing has come of its stream. */
const SILENCE_MS = 200
/** Who was away for longer than that first sees whether there is more. */
const GLANCE_MS = 20

export interface LineOptions {
  /** Those whose next byte is behind a `\r` that has ended a line given to somebody else. */
  readonly isAfterCr?: (stream: LogStream) => boolean
  /** See `LineSplitter`. */
  readonly wants?: (text: string) => boolean
  /** Whether there is nothing to read, as far as can be told: a chunk that is only late is no silence. */
  readonly isSilent?: () => boolean
  /** Infinity: a line is given when it has ended, however long that takes. Default 200 ms. */
  readonly silenceMs?: number
  /** Where the output ends, what there is of a line is not given. Default false. */
  readonly keepsRest?: boolean
}

/**
 * Splits output into lines, for each stream and run by itself, whatever the chunks are: see `LineSplitter`. What there is of a line is given, `partial`, when
 * its stream was silent for 200 ms (the rest follows as a further piece; the last piece, maybe an empty one, is not partial), and when its run or the output ends.
 */
export function toLines(chunks: AsyncIterable<LogChunk>, options: LineOptions = {}): AsyncGenerator<LogLine, void, undefined> {
  return new LineReader(chunks, options).read()
}

type Next = IteratorResult<LogChunk, unknown>

/** `toLines`, for one who wants to know how far the lines go that were given. */
export class LineReader {
  readonly #chunks: AsyncIterator<LogChunk, unknown>
  readonly #options: LineOptions
  readonly #splitters = new Map<LogStream, LineSplitter>()
  /** When a line that is not over is given, by `performance.now()`; undefined: that counts from the next wait on. */
  readonly #dueMs = new Map<LogStream, number | undefined>()
  /** Bytes behind the line that was given last, while more of its chunk follow. */
  #behind: { readonly stream: LogStream; readonly bytes: number } | undefined

  constructor(chunks: AsyncIterable<LogChunk>, options: LineOptions = {}) {
    this.#chunks = chunks[Symbol.asyncIterator]()
    this.#options = options
  }

  /** How many bytes of the stream's last chunk, and of those before it, belong to no line that was given. */
  heldBytes(stream: LogStream): number {
    if (this.#behind?.stream === stream) return this.#behind.bytes
    return this.#splitters.get(stream)?.heldBytes ?? 0
  }

  /** The next byte is behind a `\r` that has ended a line. */
  endedWithCr(stream: LogStream): boolean {
    if (this.heldBytes(stream) > 0) return false
    return this.#splitters.get(stream)?.endedWithCr ?? this.#options.isAfterCr?.(stream) === true
  }

  async *read(): AsyncGenerator<LogLine, void, undefined> {
    let pending: Promise<Next> | undefined
    try {
      while (true) {
        pending ??= this.#chunks.next()
        const next = await this.#nextOrSilence(pending)
        if (next === undefined) {
          for (const splitter of this.#silent()) for (const line of splitter.pause()) yield line
          continue
        }
        pending = undefined
        if (next.done) break
        yield* this.#linesOf(next.value)
      }
      if (this.#options.keepsRest === true) return
      for (const splitter of this.#splitters.values()) for (const line of splitter.flush()) yield line
    } finally {
      pending?.catch(() => {}) // it is left behind
      const left = this.#chunks.return?.()
      if (pending === undefined) await left
    }
  }

  *#linesOf(chunk: LogChunk): Generator<LogLine, void, undefined> {
    const { stream, run, data } = chunk
    const last = this.#splitters.get(stream)
    let splitter = last
    if (last?.run !== run) {
      for (const line of last?.flush() ?? []) yield this.#given(line, data.length)
      splitter = new LineSplitter(stream, run, { isAfterCr: last === undefined && this.#options.isAfterCr?.(stream) === true, wants: this.#options.wants })
      this.#splitters.set(stream, splitter)
    }
    const lines = splitter?.split(chunk) ?? []
    const ends = splitter?.ends ?? []
    for (const [i, line] of lines.entries()) yield this.#given(line, data.length - (ends[i] ?? 0))
    this.#behind = undefined
    if (splitter !== undefined && splitter.heldBytes > 0) this.#dueMs.set(stream, undefined)
    else this.#dueMs.delete(stream)
  }

  #given(line: LogLine, bytes: number): LogLine {
    this.#behind = { stream: line.stream, bytes }
    return line
  }

  /** Of those that are due; each once, until more has come. */
  #silent(): readonly LineSplitter[] {
    if (this.#options.isSilent?.() === false) return []
    const nowMs = performance.now()
    const due = [...this.#dueMs].filter(([, dueMs]) => dueMs !== undefined && dueMs <= nowMs).map(([stream]) => stream)
    for (const stream of due) this.#dueMs.delete(stream)
    return due.flatMap((stream) => this.#splitters.get(stream) ?? [])
  }

  /** @returns undefined: nothing has come for so long that something may be due */
  async #nextOrSilence(next: Promise<Next>): Promise<Next | undefined> {
    const { silenceMs = SILENCE_MS } = this.#options
    if (this.#dueMs.size === 0 || silenceMs === Number.POSITIVE_INFINITY) return next
    const nowMs = performance.now()
    for (const [stream, dueMs = nowMs + silenceMs] of this.#dueMs) this.#dueMs.set(stream, dueMs)
    const waitMs = Math.max(GLANCE_MS, Math.ceil(Math.min(...[...this.#dueMs.values()].map((dueMs) => dueMs ?? nowMs)) - nowMs))
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<undefined>((resolve) => {
      // After a stall of the whole program what has come meanwhile comes first.
      timer = setTimeout(() => setImmediate(() => setImmediate(() => resolve(undefined))), waitMs)
    })
    try {
      return await Promise.race([next, silence])
    } finally {
      clearTimeout(timer)
    }
  }
}
