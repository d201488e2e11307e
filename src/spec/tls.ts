/** How a probe speaks TLS. */
import type { TlsOptions } from '../types.ts'
import { isFullText, Options } from './must.ts'

const PARTS = ['ca', 'cert', 'key', 'servername'] as const

/** Reads `tls`. @returns null: not given */
export function parseTls(options: Options): TlsOptions | null {
  const given = options.given('tls')
  if (given === undefined) return null
  const tls = new Options(given === true ? {} : given, options.placeOf('tls'), PARTS, options.problems)
  const parts = PARTS.map((part) => [part, tls.read(part, 'a non-empty string without NUL', isFullText, undefined)])
  const read: TlsOptions = Object.fromEntries(parts.filter(([, value]) => value !== undefined))
  if ((read.cert === undefined) !== (read.key === undefined)) options.problems.push(`${options.placeOf('tls')} must have both cert and key, or none of them`)
  return read
}
