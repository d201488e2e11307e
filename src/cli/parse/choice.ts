import { suggest } from '../../suggest.ts'
import { usageError } from '../report.ts'

/** One of a few words. */
export function parseChoice<const T extends string>(text: string, option: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text)
  if (found !== undefined) return found
  const near = suggest(text, choices)[0]
  throw usageError(`${option} ${JSON.stringify(text)} is not one of ${choices.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`)
}
