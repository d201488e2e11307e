/** Durations of the command line: `30s`, `500ms`, `1m30s`, `1.5h`, `7d`. */
import { usageError } from '../report.ts'

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g

/**
 * @param option as the user wrote it, for the message
 * @returns whole milliseconds. `0` alone needs no unit; any other number does, since nobody can tell seconds from milliseconds.
 */
export function parseDuration(text: string, option: string): number {
  if (/^0+$/.test(text)) return 0
  if (/^\d+(?:\.\d+)?$/.test(text)) throw usageError(`${option} ${text} has no unit; write ${text}s, ${text}ms, ${text}m, ${text}h or ${text}d`)
  if (!WHOLE.test(text)) throw usageError(`${option} ${JSON.stringify(text)} is not a duration; write one such as 500ms, 30s, 1m30s, 24h or 7d`)
  let sumMs = 0
  for (const [, amount, unit] of text.matchAll(PART)) sumMs += Number(amount) * (UNITS_MS[unit ?? ''] ?? 0)
  const rounded = Math.round(sumMs)
  if (!Number.isSafeInteger(rounded)) throw usageError(`${option} ${text} is too long`)
  return rounded
}
