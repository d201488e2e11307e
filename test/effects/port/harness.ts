import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { afterEach } from 'vitest'

const listeners = new Set<Server>()

afterEach(async () => {
  for (const server of listeners) await close(server)
})

/** Somebody who listens on a port until the test is over. */
export function listen(port: number, host?: string): Promise<Server> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host }, () => {
      listeners.add(server)
      resolve(server)
    })
  })
}

export function close(server: Server): Promise<void> {
  listeners.delete(server)
  return new Promise((resolve) => server.close(() => resolve()))
}

/** @returns the first of so many ports in a row that were free just now, below those that the system gives out by itself */
export async function freeRange(width: number): Promise<number> {
  for (;;) {
    const from = randomInt(12_000, 30_000)
    const all = await Promise.allSettled(Array.from({ length: width }, (_, step) => listen(from + step)))
    for (const one of all) if (one.status === 'fulfilled') await close(one.value)
    if (all.every(({ status }) => status === 'fulfilled')) return from
  }
}
