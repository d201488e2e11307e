/** Durations of the command line. */
import { readDuration } from '../../duration.ts'
import { usageError } from '../report.ts'

/**
 * @param option as the user wrote it, for the message
 * @returns whole milliseconds
 */
export function parseDuration(text: string, option: string): number {
  const read = readDuration(text)
  if (typeof read === 'number') return read
  const shown = /^\d+(?:\.\d+)?$/.test(text) ? text : JSON.stringify(text)
  throw usageError(`${option} ${shown} ${read.problem}`)
}
