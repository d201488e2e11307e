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
  const isNumber = /^[\d.]+d?$/.test(text)
  throw usageError(`${option} ${isNumber ? text : JSON.stringify(text)} ${read.problem}`)
}
