/** Sending a signal through a process actor, and hearing what came of it. */
import { randomUUID } from 'node:crypto'
import type { ProcessRef } from '../api.ts'

/** @returns null when it is on its way, else why not */
export function sendSignal(ref: ProcessRef, signal: string, target: 'group' | 'command'): Promise<string | null> {
  const request = randomUUID()
  return new Promise((resolve) => {
    const subscription = ref.on('process.signalled', (event) => {
      if (event.request !== request) return
      subscription.unsubscribe()
      resolve(event.error)
    })
    ref.send({ type: 'process.signal', atMs: Date.now(), signal, target, request })
  })
}
