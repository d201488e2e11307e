/** Spans of time as people write them: `500ms`, `1.5s`, `10m`, `1h30m`. */

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
]

/** @param ms 0 and up. @returns at most two units, seconds with one digit behind the point */
export function formatSpan(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)}ms`
  if (ms < 59_950) return `${Math.round(ms / 100) / 10}s`
  let left = Math.round(ms / 1_000) * 1_000
  const parts: string[] = []
  for (const [unit, length] of UNITS) {
    const count = Math.floor(left / length)
    left -= count * length
    if (count > 0) parts.push(`${count}${unit}`)
  }
  if (left > 0) parts.push(`${Math.round(left / 1_000)}s`)
  return parts.slice(0, 2).join('')
}
