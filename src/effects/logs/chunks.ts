import { setMaxListeners } from 'node:events'
import type { LogChunk } from '../../api.ts'
import { callAfter } from '../../timers.ts'
import type { Cursor } from './any-cursor.ts'
import type { LogRange, LogSource } from './contract.ts'
import { Doorbell } from './follow.ts'
import type { LogPlaces } from './position.ts'

/**
 * Merges the logs of a process. Ask `read` for an iterator once and `close` at any time, also while a `next()` of it is pending:
 * that one then ends.
 */
export class ChunkReader {
  readonly #source: LogSource
  readonly #cursors: readonly Cursor[]
  readonly #follow: boolean
  readonly #signal: AbortSignal | undefined
  readonly #onCaughtUp: (() => void) | undefined
  readonly #range: LogRange
  readonly #bell: Doorbell
  #isClosed = false
  #isWaiting = false
  #stopTimer: (() => void) | undefined
  readonly #onEnded = () => this.#bell.ring()
  /** Nobody waits here; a file open for reading that fails to close loses nothing. */
  readonly #onAborted = () => void this.close().catch(() => {})

  /** @param options `onCaughtUp`: called each time that all was read and more is waited for. `range`: that of the cursors */
  constructor(
    source: LogSource,
    cursors: readonly Cursor[],
    options: { readonly follow: boolean; readonly signal?: AbortSignal | undefined; readonly onCaughtUp?: () => void; readonly range?: LogRange },
  ) {
    this.#source = source
    this.#cursors = cursors
    this.#follow = options.follow && cursors.length > 0
    this.#signal = options.signal
    this.#range = options.range ?? {}
    this.#onCaughtUp = options.onCaughtUp
    this.#bell = new Doorbell(() => cursors.flatMap((cursor) => cursor.places()))
  }

  /** Of what is read next. A stream whose file is not there yet has none. */
  get places(): LogPlaces {
    return Object.fromEntries(this.#cursors.flatMap(({ stream, place }) => (place === undefined ? [] : [[stream, place]])))
  }

  /** Purely pull-based: nothing is read, watched or timed unless a `next()` is pending. */
  async *read(): AsyncGenerator<LogChunk, void, undefined> {
    try {
      this.#listen()
      yield* this.#chunks()
    } finally {
      await this.close()
    }
  }

  /** All was read, and there is nothing new. */
  isSilent(): boolean {
    return this.#isWaiting && !this.#hasChanged()
  }

  /** Settles when all files are closed. Repeated: nothing. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopTimer?.()
    this.#bell.close()
    this.#source.release?.()
    this.#source.ended.removeEventListener('abort', this.#onEnded)
    this.#signal?.removeEventListener('abort', this.#onAborted)
    await Promise.all(this.#cursors.map((cursor) => cursor.close()))
  }

  #listen(): void {
    for (const signal of [this.#source.ended, this.#signal]) if (signal) setMaxListeners(0, signal) // many readers are no leak
    // Taken away by hand: with the option `signal`, Node holds what takes them away only weakly, and the caller's signal may live for ever.
    this.#source.ended.addEventListener('abort', this.#onEnded)
    this.#signal?.addEventListener('abort', this.#onAborted)
    const { until } = this.#range
    if (until !== undefined && this.#follow) this.#stopTimer = callAfter(Math.max(0, Math.ceil(until / 1000) - Date.now()), () => this.#bell.ring())
  }

  /** What comes now is not meant any more. */
  get #isTimeUp(): boolean {
    const { until } = this.#range
    return until !== undefined && Date.now() * 1000 > until
  }

  #hasChanged(): boolean {
    return this.#cursors.some((each) => each.hasChanged())
  }

  async #fill(): Promise<void> {
    try {
      await Promise.all(this.#cursors.map((cursor) => cursor.fill()))
    } catch (error) {
      if (!this.#isClosed) throw error // else: read from a file that was just closed
    }
  }

  async *#chunks(): AsyncGenerator<LogChunk, void, undefined> {
    let previous: Cursor | undefined
    while (true) {
      const isLast = !this.#follow || this.#source.ended.aborted || this.#isTimeUp // before looking: what is written until then is still found
      await this.#fill()
      if (this.#isClosed || this.#signal?.aborted) return
      const left = this.#cursors.filter((each) => !each.isOver)
      if (left.length === 0) return
      const cursor = pickNext(left, previous)
      if (cursor) {
        previous = cursor
        const chunk = cursor.take()
        // Where nobody knows any more where a run begins, what is before it comes along.
        if (this.#range.run === undefined || chunk.run === this.#range.run) yield chunk
      } else if (isLast) {
        const failure = this.#follow ? this.#source.failure?.() : undefined
        if (failure !== undefined) throw failure
        return
      } else {
        this.#onCaughtUp?.()
        this.#isWaiting = true
        await this.#bell.wait(() => this.#hasChanged())
        this.#isWaiting = false
      }
    }
  }
}

/**
 * Earlier runs first. Within a run in order of arrival. Where that is not known: history first and there stdout first; live both streams in turn, so that
 * neither starves.
 * @param cursors stdout, then stderr, or one of them
 */
function pickNext(cursors: readonly Cursor[], previous: Cursor | undefined): Cursor | undefined {
  const [one, other] = cursors.filter((cursor) => cursor.hasData)
  if (!one || !other) return one
  if (one.run !== other.run) return one.run < other.run ? one : other
  const [first, second] = [one.arrival, other.arrival]
  if (first !== null && second !== null) return first.seq <= second.seq ? one : other
  // What nobody has seen yet came last.
  if (first !== null || second !== null) return first !== null ? one : other
  if (one.isInHistory) return one
  if (other.isInHistory) return other
  return one === previous ? other : one
}
