/** `--progress[=REGEX]`. */
import type { ProcessInput } from '../../api.ts'
import type { ProgressSpec } from '../../output.ts'
import { usageError } from '../report.ts'

/** @param given true: without a regular expression, as commander leaves it */
export function parseProgress(given: string | boolean | undefined): Pick<ProcessInput, 'progress'> {
  if (given === undefined || given === false) return {}
  if (typeof given !== 'string') return { progress: true }
  if (given === 'auto') return { progress: 'auto' }
  try {
    new RegExp(given)
  } catch (error) {
    throw usageError(`--progress ${JSON.stringify(given)} is not a regular expression: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!/\(\?<(?:percent|current|total|message)>/.test(given))
    throw usageError(
      `--progress ${JSON.stringify(given)} has no named group; write one of percent, current, total, message, as in '--progress=(?<percent>[0-9]+)%'`,
    )
  return { progress: { pattern: given } }
}

export function toProgressSpec(progress: Exclude<ProcessInput['progress'], false | undefined>): ProgressSpec {
  if (typeof progress !== 'object') return { kind: 'auto' }
  const { source, flags } = new RegExp(progress.pattern)
  return { kind: 'pattern', source, flags }
}
