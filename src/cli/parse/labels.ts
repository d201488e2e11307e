/** Names with values: `k=v` of a new process; `k=v,k2` of a filter. */
import type { LabelFilter } from '../../api.ts'
import { usageError } from '../report.ts'

/** One pair for each option; the value may hold commas and `=`. The last of one name wins. */
export function parsePairs(given: readonly string[], option: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw usageError(`${option} ${JSON.stringify(text)} must be name=value`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

/** All must match. A name alone: the label exists. The same name with several values: one of them. @returns undefined where nothing was asked */
export function parseLabelFilter(given: readonly string[]): LabelFilter | undefined {
  const wanted = new Map<string, string[]>()
  for (const text of given.flatMap((option) => option.split(','))) {
    const at = text.indexOf('=')
    const name = at < 0 ? text : text.slice(0, at)
    if (name === '') throw usageError(`--label ${JSON.stringify(given.join(','))} must be name=value or name, several separated by commas`)
    const values = wanted.get(name) ?? []
    if (at >= 0) values.push(text.slice(at + 1))
    wanted.set(name, values)
  }
  if (wanted.size === 0) return undefined
  return Object.fromEntries([...wanted].map(([name, values]) => [name, toMatcher(values)]))
}

function toMatcher(values: readonly string[]): LabelFilter[string] {
  const [first, ...more] = values
  if (first === undefined) return { exists: true }
  return more.length === 0 ? first : { in: values }
}
