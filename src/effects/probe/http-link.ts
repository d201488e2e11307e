/** One HTTP connection to one server, kept between requests. What is asked next after it was closed opens another. */
import type { Socket } from 'node:net'
import type { Client, Dispatcher } from 'undici'
import { connected, openSocket, secured, type Tls } from './socket.ts'

const LARGEST_BODY_BYTES = 64 * 1024
/** As long as most servers keep one that says nothing; they may ask for less. */
const KEPT_MS = 60_000

export interface HttpRequest {
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
}

export interface HttpReply {
  readonly status: number
  /** The first 64 KB. */
  readonly body: string
  /** There is more of it on its way: the link is to be destroyed. */
  readonly isCut: boolean
}

export interface HttpTarget {
  readonly origin: string
  readonly host: string
  readonly port: number
  /** Null: plain text. Asked for each new connection. */
  tls(): Promise<Tls> | null
}

export class HttpLink {
  readonly #client: Client
  readonly #target: HttpTarget
  #socket: Socket | null = null
  #isDestroyed = false

  constructor(undici: { readonly Client: typeof Client }, target: HttpTarget) {
    this.#target = target
    this.#client = new undici.Client(target.origin, {
      connect: (_, callback) =>
        void this.#connect().then(
          (socket) => callback(null, socket),
          (error) => callback(error, null),
        ),
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEPT_MS,
    })
  }

  /** The connection of the last request; null when there was none. */
  get socket(): Socket | null {
    return this.#socket
  }

  /** Of a larger body the rest is not awaited. @throws why there is no whole reply */
  request(request: HttpRequest): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      this.#client.dispatch(request as Dispatcher.DispatchOptions, receive(resolve, reject))
    })
  }

  /** At once; what is being asked fails. */
  destroy(): void {
    this.#isDestroyed = true
    this.#socket?.destroy()
    void this.#client.destroy()
  }

  async #connect(): Promise<Socket> {
    const { host, port, tls } = this.#target
    const secure = await tls()
    if (this.#isDestroyed) throw new Error('let go')
    this.#socket = openSocket(host, port)
    await connected(this.#socket)
    return secure === null ? this.#socket : secured(this.#socket, secure)
  }
}

function receive(resolve: (reply: HttpReply) => void, reject: (error: Error) => void): Dispatcher.DispatchHandler {
  const chunks: Buffer[] = []
  let size = 0
  let status = 0
  const finish = () => resolve({ status, body: textOf(chunks, size), isCut: size > LARGEST_BODY_BYTES })
  return {
    onRequestStart() {},
    onResponseStart: (_, code) => {
      status = code
    },
    onResponseData: (_, chunk) => {
      if (size > LARGEST_BODY_BYTES) return
      chunks.push(chunk)
      size += chunk.length
      if (size > LARGEST_BODY_BYTES) finish()
    },
    onResponseEnd: finish,
    onResponseError: (_, error) => reject(error),
  }
}

/** A character that the cut goes through is left out. */
function textOf(chunks: readonly Buffer[], size: number): string {
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, LARGEST_BODY_BYTES), { stream: size > LARGEST_BODY_BYTES })
}
