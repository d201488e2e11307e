import { Readable } from 'node:stream'
import type { LogChunk, WatchOptions } from '../../log-api.ts'
import { ChunkReader } from './chunks.ts'
import type { LogSource, LogStream } from './contract.ts'
import { openCursor } from './open-cursor.ts'
import { checkLogOptions, rangeOf, wantsOf } from './options.ts'
import { fromPosition, type LogPlaces, toPosition } from './position.ts'

/** One chunk of 64 KB fills it: the stream reads on only when that was taken. */
const HIGH_WATER_MARK_BYTES = 16 * 1024

/**
 * Reads the output of a process: what is there (earlier runs first, within a run in order of arrival, and stdout first where nobody knows that), then what comes, as it
 * comes.
 * No byte is missing or doubled between the two. The place to begin is settled here and now; files are opened by the first read.
 *
 * Read as a stream it gives bytes, iterated it gives `LogChunk`s, which never span two runs; do one of the two. A slow reader
 * costs at most 64 KB per stream. A log that does not exist yet is waited for (`follow`) or empty. One that was removed or moved away
 * is read on; once something was written to another file in its place, that one is read from its beginning.
 *
 * It ends without an error when the process has ended and all was read; when `options.signal` is aborted; without `follow`
 * at the size that the logs have now; with neither stdout nor stderr at once. Destroying it or breaking out of the loop lets go
 * of all files, watchers and timers. Only a pending read keeps the event loop alive.
 *
 * It ends with PROCMAN_LOG_UNREADABLE when a log cannot be read, as one that is no regular file (a link is not followed), and with the
 * source's `failure` when nobody knows whether the process has ended.
 *
 * @param options `grep`: only lines that match count for `tail`
 * @throws PROCMAN_INVALID_ARGUMENT for options that mean nothing
 */
export function attachLogs(source: LogSource, options: WatchOptions = {}): LogAttachment {
  const { follow = true, tail = Number.POSITIVE_INFINITY, signal } = options
  checkLogOptions(options)
  const streams: LogStream[] = []
  if (options.stdout ?? true) streams.push('stdout')
  if (options.stderr ?? true) streams.push('stderr')
  const places = fromPosition(options.from ?? '')
  const range = rangeOf(options)
  const cursors = streams.map((stream) => openCursor(source, stream, { follow, tail, at: places[stream], wants: wantsOf(options.grep), range }))
  return new LogAttachment(new ChunkReader(source, cursors, { follow, signal, range }))
}

/** Where the chunks of an attachment come from. */
export interface ChunkSource {
  readonly places: LogPlaces
  /** All was read, and there is nothing new. Default: who knows. */
  isSilent?(): boolean
  /** Asked for once. */
  read(): AsyncGenerator<LogChunk, void, undefined>
  /** Also while a `next()` is pending, which then ends. Repeated: nothing. */
  close(): Promise<void>
}

/** A client that vanished without destroying its attachment: what it holds is let go of here, since the process that is followed may live for ever. */
const vanished = new FinalizationRegistry<ChunkSource>((reader) => void reader.close().catch(() => {}))

export class LogAttachment extends Readable {
  readonly #reader: ChunkSource
  readonly #chunks: AsyncGenerator<LogChunk, void, undefined>

  constructor(reader: ChunkSource) {
    super({ highWaterMark: HIGH_WATER_MARK_BYTES })
    this.#reader = reader
    this.#chunks = reader.read()
    vanished.register(this, reader, this)
  }

  get places(): LogPlaces {
    return this.#reader.places
  }

  get position(): string {
    return toPosition(this.places)
  }

  isSilent(): boolean {
    try {
      return this.#reader.isSilent?.() ?? true
    } catch {
      return false // the reader will say why it cannot be told
    }
  }

  override _read(): void {
    this.#chunks.next().then(
      (next) => {
        if (!this.destroyed) this.push(next.done ? null : next.value.data)
      },
      (error: Error) => this.destroy(error),
    )
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    vanished.unregister(this)
    this.#reader.close().then(
      () => done(error),
      (closeError: Error) => done(error ?? closeError),
    )
  }

  /** Made by hand: `return()` of a generator would wait for the `next()` that is pending, here it ends it. */
  override [Symbol.asyncIterator](): AsyncIterableIterator<LogChunk, undefined, undefined> {
    const iterator: AsyncIterableIterator<LogChunk, undefined, undefined> = {
      next: () => this.#next(),
      return: async () => {
        this.destroy()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  async #next(): Promise<IteratorResult<LogChunk, undefined>> {
    try {
      const next = this.destroyed ? undefined : await this.#chunks.next()
      if (next && !next.done) return next
    } catch (error) {
      this.destroy() // without the error: it is thrown here, nobody listens for an event
      throw error
    }
    this.destroy()
    if (this.errored) throw this.errored
    return { done: true, value: undefined }
  }
}
