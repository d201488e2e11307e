/** Reads a file that people write. */
import { readFileSync, statSync } from 'node:fs'

const MOST_BYTES = 5 * 2 ** 20

/** Why a file cannot be read. */
export class Unreadable {
  readonly reason: string
  readonly isMissing: boolean

  constructor(reason: string, isMissing = false) {
    this.reason = reason
    this.isMissing = isMissing
  }
}

/** @returns its text without a byte order mark */
export function readText(path: string): string | Unreadable {
  try {
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats === undefined) return new Unreadable(`there is no file ${path}`, true)
    // A FIFO or a device could keep us for ever.
    if (!stats.isFile()) return new Unreadable(`${path} is not a file`)
    if (stats.size > MOST_BYTES) return new Unreadable(`${path} is larger than ${MOST_BYTES / 2 ** 20} MB`)
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
  } catch (error) {
    if (error instanceof TypeError) return new Unreadable(`${path} is not text in UTF-8`)
    return new Unreadable(`${path} cannot be read${error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''}`)
  }
}
