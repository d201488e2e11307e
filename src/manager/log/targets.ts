/** Where a manager's log goes: a file that is kept small, or stderr. */
import { renameSync, statSync } from 'node:fs'
import { pino } from 'pino'
import type { LogTarget } from './log.ts'

/** A file of this size is moved to `<path>.1`, over the one before. */
const LARGEST_BYTES = 10 * 1024 * 1024
/** Lines that nobody takes (a full disk, a terminal that is held) are dropped from here on. */
const WAITING_BYTES = 1024 * 1024

type Destination = ReturnType<typeof pino.destination>

/** Appends to a file, 0600. @param path its directory is there */
export function fileTarget(path: string): LogTarget {
  let bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (bytes > LARGEST_BYTES) {
    moveAside(path)
    bytes = 0
  }
  const stream = openDestination({ dest: path, mode: 0o600 })
  stream.on('write', (written: number) => {
    bytes += written
    if (bytes <= LARGEST_BYTES) return
    bytes = 0
    moveAside(path)
    stream.reopen()
  })
  return { stream, file: path, flush: () => flush(stream) }
}

/** JSON lines on stderr. */
export function stderrTarget(): LogTarget {
  const stream = openDestination({ dest: 2 })
  return { stream, file: null, flush: () => flush(stream) }
}

/** For people, on stderr, which is a terminal. */
export async function prettyTarget(isColored: boolean): Promise<LogTarget> {
  const out = openDestination({ dest: 2 })
  const { prettyLine } = await import('./pretty.ts')
  const line = await prettyLine(isColored)
  return { stream: { write: (json: string) => void out.write(line(json)) }, file: null, flush: () => flush(out) }
}

function openDestination(where: { readonly dest: string | number; readonly mode?: number }): Destination {
  const stream = pino.destination({ ...where, append: true, sync: false, maxLength: WAITING_BYTES })
  // It is tried again with the next line.
  stream.on('error', () => {})
  return stream
}

function moveAside(path: string): void {
  try {
    renameSync(path, `${path}.1`)
  } catch {
    // It grows on, and is tried again when the next manager starts.
  }
}

function flush(stream: Destination): void {
  try {
    stream.flushSync()
  } catch {
    // Not opened yet, or it cannot be written to.
  }
}
