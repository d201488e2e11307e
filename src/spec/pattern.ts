/** A regular expression, as it is kept: its source and its flags. */
import { types } from 'node:util'
import { type Options, show } from './must.ts'

/** Each line is looked at by itself: with the flags g or y the place of the last match would count, so these are left out. */
export function parsePattern(options: Options, name: string): { readonly source: string; readonly flags: string } {
  const pattern = options.need(name, 'a regular expression, or its source', isPattern, '')
  if (typeof pattern !== 'string') return { source: pattern.source, flags: pattern.flags.replace(/[gy]/g, '') }
  try {
    new RegExp(pattern)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    options.problems.push(`${options.placeOf(name)} must be the source of a regular expression, not ${show(pattern)}: ${why}`)
  }
  return { source: pattern, flags: '' }
}

function isPattern(value: unknown): value is string | RegExp {
  return types.isRegExp(value) || (typeof value === 'string' && value !== '')
}
