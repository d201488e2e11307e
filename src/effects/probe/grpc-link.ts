/**
 * One channel to one address, kept between calls. @grpc/grpc-js lets go of a connection only once its server has said its first word, which one that hangs never
 * does: so the channel's sockets are taken hold of where they are made secure, and destroyed with it.
 */
import type { Socket } from 'node:net'
import type * as Grpc from '@grpc/grpc-js'
import { decodeStatus, encodeRequest, METHOD } from './grpc-health.ts'
import { secured, type Tls } from './socket.ts'

export interface GrpcTarget {
  /** IPv4 or IPv6. */
  readonly address: string
  readonly port: number
  /** What the server is told it is called by. */
  readonly authority: string
  /** Null: plain text. */
  readonly tls: Tls | null
}

/** Nothing is shared with other channels, looked up, or led through a proxy. */
const OPTIONS = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_channelz': 0,
}

export class GrpcLink {
  readonly #grpc: typeof Grpc
  readonly #client: Grpc.Client
  readonly #tls: Tls | null
  readonly #sockets = new Set<Socket>()
  #call: Grpc.ClientUnaryCall | null = null
  #isDestroyed = false
  /** Why TLS could not be had, which gRPC tells as a text only. */
  trouble: unknown = null

  constructor(grpc: typeof Grpc, { address, port, authority, tls }: GrpcTarget) {
    this.#grpc = grpc
    this.#tls = tls
    const target = address.includes(':') ? `ipv6:[${address}]:${port}` : `ipv4:${address}:${port}`
    this.#client = new grpc.Client(target, this.#credentials(), { ...OPTIONS, 'grpc.default_authority': authority })
  }

  /** @returns the name of the status. @throws ServiceError */
  check(service: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#call = this.#client.makeUnaryRequest(METHOD, encodeRequest, decodeStatus, service, (error, status) => {
        if (error !== null || status === undefined) reject(error ?? new Error('no answer'))
        else resolve(status)
      })
    })
  }

  /** At once; what is being asked fails. */
  destroy(): void {
    this.#isDestroyed = true
    this.#call?.cancel()
    this.#client.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #credentials(): Grpc.ChannelCredentials {
    const isSecure = this.#tls !== null
    const connector = {
      connect: (socket: Socket) => this.#secure(socket),
      waitForReady: async () => {},
      getCallCredentials: () => this.#grpc.CallCredentials.createEmpty(),
      destroy() {},
    }
    class Credentials extends this.#grpc.ChannelCredentials {
      override _isSecure = () => isSecure
      override _equals = (other: Grpc.ChannelCredentials): boolean => other === this
      override _createSecureConnector = () => connector
    }
    return new Credentials()
  }

  async #secure(socket: Socket) {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    if (this.#isDestroyed) throw socket.destroy()
    if (this.#tls === null) return { socket, secure: false }
    try {
      return { socket: await secured(socket, this.#tls), secure: true }
    } catch (error) {
      this.trouble = error
      throw error
    }
  }
}
