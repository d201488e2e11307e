/**
 * Messages over a connection, each behind its length (octet counting, RFC 6587). The other side acknowledges nothing: what the kernel has taken may be lost with
 * the connection. So the last batch is kept until the next one is through, and sent once more over the next connection.
 */
import { connect, type Socket } from 'node:net'
import type { SyslogLink } from './syslog-link.ts'

type Address = { readonly kind: 'tcp'; readonly host: string; readonly port: number } | { readonly kind: 'unix'; readonly path: string }

const CONNECT_MS = 10_000
/** A server that has taken nothing for so long is as good as gone. */
const STUCK_MS = 30_000

export function streamLink(address: Address): SyslogLink {
  let socket: Socket | null = null
  let last: Buffer | null = null
  const close = () => {
    socket?.destroy()
    socket = null
  }
  return {
    async send(messages, signal) {
      const batch = Buffer.concat(messages.flatMap((message) => [Buffer.from(`${message.length} `), message]))
      const isNew = socket === null || socket.destroyed || !socket.writable
      if (isNew) close()
      try {
        socket ??= await open(address, signal)
        socket.ref()
        if (isNew && last !== null) await sendAll(socket, last, signal)
        await sendAll(socket, batch, signal)
        last = batch
      } catch (error) {
        close()
        throw error
      } finally {
        socket?.unref()
      }
    },
    close,
  }
}

function open(address: Address, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = address.kind === 'unix' ? connect(address.path) : connect(address.port, address.host)
    const fail = (error: Error) => {
      socket.destroy()
      reject(explained(error))
    }
    const timer = setTimeout(() => fail(new Error(`no connection within ${CONNECT_MS} ms`)), CONNECT_MS)
    const abort = () => fail(new Error('given up'))
    signal.addEventListener('abort', abort, { once: true })
    socket.once('error', fail)
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort)
      clearTimeout(timer)
      socket.off('error', fail)
      socket.on('error', () => {}) // told by the next write
      socket.resume() // what it says is not for us; that it ends is
      resolve(socket)
    })
    socket.once('close', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    })
  })
}

/** Resolves once the kernel has all of it. */
function sendAll(socket: Socket, bytes: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error: Error | null | undefined) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      socket.off('close', closed)
      if (error) reject(error)
      else resolve()
    }
    const abort = () => end(new Error('given up'))
    const closed = () => end(new Error('the connection was closed'))
    const timer = setTimeout(() => end(new Error(`nothing was taken for ${STUCK_MS} ms`)), STUCK_MS)
    signal.addEventListener('abort', abort, { once: true })
    socket.once('close', closed)
    if (socket.destroyed) closed()
    else socket.write(bytes, end)
  })
}

/** Node says no more of a datagram socket than that its kind is wrong. */
function explained(error: Error & { readonly code?: string }): Error {
  if (error.code !== 'EPROTOTYPE') return error
  return new Error(`${error.message}: it is a datagram socket, which Node cannot write to; have the server listen on UDP, as udp://127.0.0.1:514`)
}
