/** Where a manager's log goes: a file that is kept small, or stderr. */
import type { LogTarget } from './log.ts'
import { LineWriter } from './writer.ts'

/** A file of this size is moved to `<path>.1`, over the one before. */
const LARGEST_BYTES = 10 * 1024 * 1024
/** For the last lines. */
const PATIENCE_MS = 1_000

/** Appends to a file, 0600. @param path its directory is there */
export function fileTarget(path: string, largestBytes = LARGEST_BYTES): LogTarget {
  const writer = new LineWriter({ path, largestBytes })
  return { stream: writer, file: path, flush: () => writer.flush(PATIENCE_MS) }
}

/** JSON lines on stderr. */
export function stderrTarget(): LogTarget {
  const writer = new LineWriter(2)
  return { stream: writer, file: null, flush: () => writer.flush(PATIENCE_MS) }
}

/** For people, on stderr, which is a terminal. */
export async function prettyTarget(isColored: boolean): Promise<LogTarget> {
  const { prettyLine } = await import('./pretty.ts')
  const line = await prettyLine(isColored)
  const writer = new LineWriter(2)
  return { stream: { write: (json) => writer.write(line(json)) }, file: null, flush: () => writer.flush(PATIENCE_MS) }
}
