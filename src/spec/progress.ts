/** How progress is read from output. */
import type { ProgressSpec } from '../output.ts'
import { isRecord, Options, show } from './must.ts'
import { parsePattern } from './pattern.ts'

const GROUPS = ['percent', 'current', 'total', 'message']

export function parseProgress(given: unknown, problems: string[]): ProgressSpec | null {
  if (given === undefined || given === false || given === null) return null
  if (given === true || given === 'auto') return { kind: 'auto' }
  if (!isRecord(given)) {
    problems.push(`progress must be true, "auto" or an object with a pattern, not ${show(given)}`)
    return null
  }
  const { source, flags } = parsePattern(new Options(given, 'progress', ['pattern'], problems), 'pattern')
  if (source !== '' && !GROUPS.some((name) => source.includes(`(?<${name}>`)))
    problems.push(`progress.pattern must have a named group, one of ${GROUPS.join(', ')}, as (?<percent>[0-9.]+)%; ${show(source)} has none`)
  return { kind: 'pattern', source, flags }
}
