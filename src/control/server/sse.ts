/** Server-sent events, written no faster than they are taken: one who takes nothing for a while, though there is something for him, is let go. */
import type { ServerResponse } from 'node:http'
import { API_VERSION, VERSION_HEADER } from '../contract.ts'

const HEARTBEAT_MS = 15_000

export interface StreamOptions {
  readonly type: string
  /** One who takes nothing for so long, though there is something for him, is let go. */
  readonly stalledMs: number
  /** Called once, when nothing more can be written. */
  readonly onClose: () => void
}

export class EventStream {
  readonly #response: ServerResponse
  readonly #end: () => void
  readonly #options: StreamOptions
  #isBlocked = false
  isClosed = false

  constructor(response: ServerResponse, options: StreamOptions) {
    this.#response = response
    this.#options = options
    this.#end = () => {
      if (this.isClosed) return
      this.isClosed = true
      options.onClose()
    }
    response.on('close', this.#end)
    response.on('error', this.#end)
    response.writeHead(200, { 'content-type': options.type, 'cache-control': 'no-store', 'x-accel-buffering': 'no', [VERSION_HEADER]: API_VERSION })
    response.flushHeaders()
    if (response.destroyed || response.socket?.destroyed !== false) this.#end()
  }

  /** Settles when there is room for more. */
  async write(text: string | Buffer): Promise<void> {
    if (this.isClosed || this.#response.write(text)) return
    this.#isBlocked = true
    await this.#drained()
    this.#isBlocked = false
  }

  event(name: string, data: string, id?: string): Promise<void> {
    return this.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`)
  }

  /** Tells both ends that the other is there; not to one who does not even take what there is for him. */
  beat(): void {
    if (!this.#isBlocked && !this.isClosed && this.#options.type === 'text/event-stream') void this.write(':\n\n')
  }

  /** Tells that the server ends; not to one who does not even take what there is for him. */
  close(): void {
    if (this.#isBlocked) return void this.#response.destroy()
    if (this.#options.type === 'text/event-stream') void this.event('closing', '{}')
    this.end()
  }

  end(): void {
    if (!this.isClosed) this.#response.end()
    this.#end()
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#response.off('drain', done)
        this.#response.off('close', done)
        resolve()
      }
      const timer = setTimeout(() => this.#response.destroy(), this.#options.stalledMs).unref()
      this.#response.on('drain', done)
      this.#response.on('close', done)
      if (this.isClosed || this.#response.destroyed) done()
    })
  }
}

/** All that are open: they beat together, and end with the server. */
export class EventStreams {
  readonly #open = new Set<EventStream>()
  readonly #timer: NodeJS.Timeout

  /** @param onBeat called before each beat */
  constructor(onBeat: () => void) {
    this.#timer = setInterval(() => {
      onBeat()
      for (const stream of this.#open) stream.beat()
    }, HEARTBEAT_MS).unref()
  }

  open(response: ServerResponse, options: StreamOptions): EventStream {
    const onClose = () => {
      if (stream !== undefined) this.#open.delete(stream)
      options.onClose()
    }
    let stream: EventStream | undefined
    stream = new EventStream(response, { ...options, onClose })
    if (!stream.isClosed) this.#open.add(stream)
    return stream
  }

  close(): void {
    clearInterval(this.#timer)
    for (const stream of this.#open) {
      stream.close()
    }
  }
}
