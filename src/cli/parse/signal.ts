/** Signals as people write them: TERM, SIGTERM, sigterm, 15. */
import { constants } from 'node:os'
import { usageError } from '../report.ts'
import { suggest } from './suggest.ts'

const NUMBERS: Readonly<Record<string, number>> = constants.signals

/** @returns the full name. @throws PROCMAN_INVALID_ARGUMENT with near names */
export function parseSignal(text: string): string {
  const wanted = text.replace(/^-/, '').toUpperCase()
  if (/^\d+$/.test(wanted)) {
    const byNumber = Object.keys(NUMBERS).find((name) => NUMBERS[name] === Number(wanted))
    if (byNumber === undefined) throw usageError(`no signal has the number ${wanted}`)
    return byNumber
  }
  const name = wanted.startsWith('SIG') ? wanted : `SIG${wanted}`
  if (Object.hasOwn(NUMBERS, name)) return name
  const near = suggest(name, Object.keys(NUMBERS))
  const advice = near.length === 0 ? 'write one such as TERM, SIGTERM or 15' : `did you mean ${near.join(' or ')}?`
  throw usageError(`${JSON.stringify(text)} is not a signal; ${advice}`)
}
