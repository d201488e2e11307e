/** The output of a process of a manager in another program, byte for byte. Where the stream breaks, the next one goes on at the same byte. */
import { Buffer } from 'node:buffer'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogChunk, WatchOptions } from '../../api.ts'
import { isProcmanError, ProcmanError } from '../../errors.ts'
import { type ChunkSource, fromPosition, type LogPlaces, toMs } from '../../logs.ts'
import { fromErrorBody } from '../errors.ts'
import { AWAY_MS } from './connection.ts'
import type { Link } from './link.ts'
import { eventsIn } from './sse.ts'

const PAUSE_MS = 100

export class RemoteChunks implements ChunkSource {
  places: LogPlaces
  readonly #link: Link
  readonly #path: string
  readonly #closed = new AbortController()
  readonly #onAborted = () => this.#closed.abort()
  readonly #signal: AbortSignal | undefined
  #position: string | null
  /** Asked at once: where a reader begins is settled when it is made. */
  #body: Promise<AsyncIterable<Buffer> | Error>
  #giveUp = new AbortController()

  constructor(link: Link, id: string, { stdout = true, stderr = true, follow = true, tail, from, run, since, until, grep, signal }: WatchOptions) {
    this.#link = link
    this.#signal = signal
    const query = new URLSearchParams({ format: 'chunks', stdout: String(stdout), stderr: String(stderr), follow: String(follow) })
    if (tail !== undefined && tail !== Number.POSITIVE_INFINITY) query.set('tail', String(tail))
    if (run !== undefined) query.set('run', String(run))
    for (const [name, time] of Object.entries({ since, until })) if (time !== undefined) query.set(name, String(toMs(time)))
    if (grep !== undefined) {
      query.set('grep', grep.source)
      query.set('grep_flags', grep.flags)
    }
    this.#path = `/v1/processes/${encodeURIComponent(id)}/logs?${query}`
    this.#position = from ?? null
    this.places = fromPosition(from ?? '')
    signal?.addEventListener('abort', this.#onAborted)
    if (signal?.aborted) this.#closed.abort()
    this.#body = this.#open()
  }

  /** Settles when the manager has settled where it begins, or cannot be asked. */
  get opened(): Promise<unknown> {
    return this.#body
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.#signal?.removeEventListener('abort', this.#onAborted)
  }

  async *read(): AsyncGenerator<LogChunk, void, undefined> {
    try {
      for (let brokenAtMs: number | null = null; !this.#isClosed; ) {
        const isOver = yield* this.#stream(() => {
          brokenAtMs = null
        })
        if (isOver || this.#isClosed) return
        brokenAtMs ??= performance.now()
        if (performance.now() - brokenAtMs > AWAY_MS) throw this.#lost()
        await sleep(PAUSE_MS, undefined, { signal: this.#closed.signal }).catch(() => {})
        this.#body = this.#open()
      }
    } finally {
      await this.close()
    }
  }

  get #isClosed(): boolean {
    return this.#closed.signal.aborted
  }

  /** @returns true: that was all. False: it has broken. @throws why it cannot be read */
  async *#stream(came: () => void): AsyncGenerator<LogChunk, boolean, undefined> {
    const body = await this.#body
    if (body instanceof Error) return this.#isEnd(body)
    try {
      for await (const { event, data, id } of eventsIn(body, () => this.#giveUp.abort())) {
        if (this.#isClosed || event === 'end') return true
        if (event === 'closing') return false
        if (event === 'failed') throw fromErrorBody(JSON.parse(data), 200)
        const chunk = JSON.parse(data) as Omit<LogChunk, 'data'> & { readonly data: string }
        came()
        this.#position = id ?? this.#position
        this.places = fromPosition(this.#position ?? '')
        yield { ...chunk, data: Buffer.from(chunk.data, 'base64') }
        if (this.#isClosed) return true
      }
      return false
    } catch (error) {
      if (this.#isClosed) return true
      if (isProcmanError(error)) throw error
      return false
    }
  }

  /** @throws what the manager has refused */
  #isEnd(error: Error): boolean {
    if (this.#isClosed) return true
    const code = isProcmanError(error) ? error.code : undefined
    if (code === 'PROCMAN_MANAGER_UNREACHABLE' || code === 'PROCMAN_CLOSED') return false
    // It was removed meanwhile.
    if (code === 'PROCMAN_PROCESS_UNKNOWN' && this.#position !== null) return true
    throw error
  }

  async #open(): Promise<AsyncIterable<Buffer> | Error> {
    this.#giveUp = new AbortController()
    try {
      return await this.#link.stream(this.#path, this.#position, AbortSignal.any([this.#closed.signal, this.#giveUp.signal]))
    } catch (error) {
      return error as Error
    }
  }

  #lost(): ProcmanError {
    return new ProcmanError('PROCMAN_MANAGER_UNREACHABLE', 'the manager was lost while the output of a process was read', { details: { path: this.#path } })
  }
}
