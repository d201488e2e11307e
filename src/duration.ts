/** Durations as people write them: `30s`, `500ms`, `1m30s`, `1.5h`, `7d`. */

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g

/** What a duration looks like, zero without a unit included. */
export const DURATION_PATTERN = /^(?:0+|(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+)$/

/** @returns whole milliseconds, or what is wrong with the text. `0` alone needs no unit; any other number does, since nobody can tell seconds from milliseconds. */
export function readDuration(text: string): number | { readonly problem: string } {
  if (/^0+$/.test(text)) return 0
  if (/^\d+(?:\.\d+)?$/.test(text)) return { problem: `has no unit; write ${text}s, ${text}ms, ${text}m, ${text}h or ${text}d` }
  if (!DURATION_PATTERN.test(text)) return { problem: 'is not a duration; write one such as 500ms, 30s, 1m30s, 24h or 7d' }
  let sumMs = 0
  for (const [, amount, unit] of text.matchAll(PART)) sumMs += Number(amount) * (UNITS_MS[unit ?? ''] ?? 0)
  const rounded = Math.round(sumMs)
  return Number.isSafeInteger(rounded) ? rounded : { problem: 'is too long' }
}
