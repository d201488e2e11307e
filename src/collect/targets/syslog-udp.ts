/** A message a datagram. Nobody acknowledges those: sent is all that can be known. */
import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import type { SyslogLink } from './syslog-link.ts'

/** What fits into one. */
const LARGEST_BYTES = 65_000
/** The refusal of the last datagram comes a moment behind it. */
const ECHO_MS = 5

export function udpLink({ host, port }: { readonly host: string; readonly port: number }): SyslogLink {
  let socket: Socket | null = null
  let failure: Error | null = null
  const close = () => {
    socket?.close()
    socket = null
  }
  const open = async (): Promise<Socket> => {
    const { address } = await lookup(host, { verbatim: false })
    const made = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    made.on('error', (error) => {
      failure = error
    })
    try {
      await connected(made, port, address)
    } catch (error) {
      made.close()
      throw error
    }
    return made
  }
  return {
    async send(messages, signal) {
      failure = null
      try {
        socket ??= await open()
        socket.ref()
        for (const message of messages) await sendOne(socket, cut(message), signal)
        await new Promise((resolve) => setTimeout(resolve, ECHO_MS))
        if (failure !== null) throw failure
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

/** Node says by the same call whether it is connected or not. */
function connected(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.connect(port, address, (error?: Error) => {
      socket.off('error', reject)
      if (error === undefined) resolve()
      else reject(error)
    })
  })
}

function sendOne(socket: Socket, message: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(new Error('given up'))
    else socket.send(message, (error) => (error === null ? resolve() : reject(error)))
  })
}

/** Never within a character. */
function cut(message: Buffer): Buffer {
  if (message.length <= LARGEST_BYTES) return message
  let end = LARGEST_BYTES
  while (((message[end] ?? 0) & 0xc0) === 0x80) end--
  return message.subarray(0, end)
}
