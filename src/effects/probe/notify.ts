/** Readiness by a newline on a descriptor: the keeper reads it, writes that down, and then lets go of a FIFO. */
import { onFifoReleased } from '../run/keeper-link.ts'
import { readReady } from '../run/run-files.ts'
import type { SignalListener } from './up-run.ts'

/** A command that closes the descriptor without a newline will never be ready by it: then nothing is told. @returns a function that ends it */
export function onNotified({ jobDir, run }: { readonly jobDir: string; readonly run: number }, listener: SignalListener): () => void {
  let isOver = false
  let letGo: (() => void) | null = null
  const look = () => {
    if (isOver) return
    let atMs: number | null
    try {
      // In this order: it is written down before the FIFO is let go.
      letGo = onFifoReleased(jobDir, run, 'notify', look)
      atMs = letGo === null ? readReady(jobDir, run) : null
    } catch (error) {
      isOver = true
      return listener.failed(error)
    }
    if (atMs === null) return listener.looked()
    isOver = true
    listener.came(atMs)
  }
  queueMicrotask(look)
  return () => {
    isOver = true
    letGo?.()
  }
}
