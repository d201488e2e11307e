/** Reads what selects and what is redacted. */
import { types } from 'node:util'
import { isRecord, type Options, show } from '../../spec/must.ts'
import type { RecordSelector, Selection } from '../select/contract.ts'
import { toPattern } from '../select/pattern.ts'

const KEYS: readonly string[] = ['ids', 'labels', 'streams', 'message'] satisfies readonly (keyof RecordSelector)[]
const STREAMS: readonly unknown[] = ['stdout', 'stderr']

export function isSelection(value: unknown): value is Selection {
  return Array.isArray(value) ? value.every(isSelector) : isSelector(value)
}

/** @returns those that are right; what is wrong is added to the problems */
export function readPatterns(options: Options, name: string): readonly RegExp[] {
  const given = options.read(name, 'a list of regular expressions', (value): value is readonly (RegExp | string)[] => Array.isArray(value), [])
  return given.flatMap((pattern, index) => {
    const read = readPattern(pattern)
    if (read === null) options.problems.push(`${options.placeOf(name)}.${index} must be a regular expression, not ${show(pattern)}`)
    return read ?? []
  })
}

function isSelector(value: unknown): boolean {
  if (typeof value === 'string') return value !== ''
  if (!isRecord(value) || !Object.keys(value).every((key) => KEYS.includes(key))) return false
  const { ids, labels, streams, message } = value
  return (
    isOneOrMore(ids, (one) => typeof one === 'string' && one !== '') &&
    (labels === undefined || isRecord(labels)) &&
    isOneOrMore(streams, (one) => STREAMS.includes(one)) &&
    isOneOrMore(message, (one) => readPattern(one) !== null)
  )
}

function isOneOrMore(value: unknown, is: (one: unknown) => boolean): boolean {
  return value === undefined || (Array.isArray(value) ? value.every(is) : is(value))
}

function readPattern(value: unknown): RegExp | null {
  if (!types.isRegExp(value) && (typeof value !== 'string' || value === '')) return null
  try {
    return toPattern(value)
  } catch {
    return null
  }
}
