/** Signals as people write them: TERM, SIGTERM, sigterm, 15. */
import { constants } from 'node:os'
import { canonicalSignal } from '../../signals.ts'
import { suggest } from '../../suggest.ts'
import { usageError } from '../report.ts'

/** @returns the full name. @throws PROCMAN_INVALID_ARGUMENT with near names */
export function parseSignal(text: string): string {
  const wanted = text.replace(/^-/, '').toUpperCase()
  const known = canonicalSignal(wanted)
  if (known !== null) return known
  if (/^\d+$/.test(wanted)) throw usageError(`no signal has the number ${wanted}; write one such as TERM, SIGTERM or 15`)
  const near = suggest(wanted.startsWith('SIG') ? wanted : `SIG${wanted}`, Object.keys(constants.signals))
  const advice = near.length === 0 ? 'write one such as TERM, SIGTERM or 15' : `did you mean ${near.join(' or ')}?`
  throw usageError(`${JSON.stringify(text)} is not a signal; ${advice}`)
}
