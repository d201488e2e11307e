/** Connections of probes. Whoever opens one destroys it. */
import { X509Certificate } from 'node:crypto'
import { connect, isIP, type Socket } from 'node:net'
import { checkServerIdentity, type PeerCertificate, type SecureContextOptions, connect as secure, type TLSSocket } from 'node:tls'
import { addressOf } from './localhost.ts'

/** Begins to connect. */
export function openSocket(host: string, port: number): Socket {
  const socket = connect({ ...addressOf(host, port), noDelay: true })
  // An error is told by `connected`, and later by whoever uses the socket; it must not end the program in between.
  return socket.on('error', () => {})
}

/** Resolves once it is connected. @throws why it cannot be, or that it was destroyed */
export function connected(socket: Socket, event: 'connect' | 'secureConnect' = 'connect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve).once('error', reject)
    socket.once('close', () => reject(new Error('the connection was closed')))
  })
}

/** Connects, and closes at once. @returns the address at which it was answered. @throws why it was not */
export async function reach(host: string, port: number, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted()
  const socket = openSocket(host, port)
  signal.addEventListener('abort', () => socket.destroy())
  try {
    await connected(socket)
    return socket.remoteAddress ?? host
  } finally {
    socket.destroy()
  }
}

export interface Tls extends SecureContextOptions {
  /** The name that the certificate must be for; also sent to the server, unless it is an address. */
  readonly servername: string
  readonly protocol: 'http/1.1' | 'h2'
}

/** TLS over a socket that is connected. @throws why the other side is not trusted, or does not trust us */
export async function secured(socket: Socket, { servername, protocol, ...pems }: Tls): Promise<TLSSocket> {
  const name = isIP(servername) === 0 ? { servername } : {}
  const identity = (_: string, certificate: PeerCertificate) => mismatch(servername, certificate)
  const wrapped = secure({ ...pems, socket, host: servername, ...name, ALPNProtocols: [protocol], checkServerIdentity: identity })
  wrapped.on('error', () => {})
  await connected(wrapped, 'secureConnect')
  return wrapped
}

/** Node's own check takes no IPv6 address in some versions (22.23: it is no name in ASCII), so that is asked of the certificate first. */
function mismatch(servername: string, certificate: PeerCertificate): Error | undefined {
  const isItsAddress = isIP(servername) !== 0 && new X509Certificate(certificate.raw).checkIP(servername) !== undefined
  return isItsAddress ? undefined : checkServerIdentity(servername, certificate)
}

/** @returns null when it is none */
export function portOf(text: string): number | null {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65_535 ? port : null
}
