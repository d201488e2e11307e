/** Writing to a descriptor by a thread of the pool: a disk or a terminal that is slow holds up nobody. */
import { write } from 'node:fs'

/** A pipe that nobody reads for now is tried again. */
const FULL_PIPE_MS = 20

/** Resolves once all is written. @throws what the operating system refuses; when aborted */
export function writeAll(fd: number, bytes: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = (from: number) => {
      if (signal.aborted) return reject(new Error('given up'))
      write(fd, bytes, from, bytes.length - from, null, (error, written) => {
        if (error !== null && error.code === 'EAGAIN') setTimeout(() => go(from), FULL_PIPE_MS)
        else if (error !== null) reject(error)
        else if (from + written < bytes.length) go(from + written)
        else resolve()
      })
    }
    go(0)
  })
}
