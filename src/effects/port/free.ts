/** Asks the system for a port by binding it for a moment. */
import { createServer } from 'node:net'
import { errnoOf } from '../../files.ts'

/**
 * @param host null: on all addresses of this machine
 * @returns the first of them that nobody listens on; null: none
 * @throws what the system says of an address that cannot be bound at all
 */
export async function firstFree(ports: Iterable<number>, host: string | null): Promise<number | null> {
  const { default: getPort, clearLockedPorts } = await import('get-port')
  // It remembers for half a minute what it has given out; here that is kept by process, and a restart wants the same port again.
  clearLockedPorts()
  const candidates = inTurn(ports)
  const port = await getPort({ port: candidates.ports, ...(host === null ? {} : { host }) })
  // With no candidate left it falls back to any port, which nobody has asked for.
  return candidates.isExhausted() ? null : port
}

/** @returns why that port cannot be bound, as EADDRINUSE or EACCES; null: it can */
export function bindErrno(port: number, host: string | null): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer().unref()
    server.once('error', (error) => resolve(errnoOf(error)))
    server.listen({ port, exclusive: true, ...(host === null ? {} : { host }) }, () => server.close(() => resolve(null)))
  })
}

function inTurn(ports: Iterable<number>): { readonly ports: Iterable<number>; readonly isExhausted: () => boolean } {
  let isExhausted = false
  function* each() {
    yield* ports
    isExhausted = true
  }
  return { ports: each(), isExhausted: () => isExhausted }
}
