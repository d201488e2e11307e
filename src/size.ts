/** Sizes as people write them: `512MB`, `1GB`, `64k`. */

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }
const SIZE = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i

/** What a size looks like. */
export const SIZE_PATTERN = /^\d+(\.\d+)?\s*[kKmMgGtT]?([iI]?[bB])?$/

/** A unit is 1024 of the one before: 1kB is 1 024 bytes. @returns whole bytes, more than 0; undefined: it is no size */
export function readSize(text: string): number | undefined {
  const [, amount, unit = ''] = SIZE.exec(text) ?? []
  const bytes = Math.round(Number(amount) * (UNITS[unit.toLowerCase()] ?? Number.NaN))
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined
}

/** As `10MB`, `1536kB` or `1000B`: `readSize` gives the same again. */
export function writeSize(bytes: number): string {
  const unit = ['t', 'g', 'm', 'k'].find((letter) => bytes % (UNITS[letter] ?? 1) === 0 && bytes > 0)
  return unit === undefined ? `${bytes}B` : `${bytes / (UNITS[unit] ?? 1)}${unit === 'k' ? 'k' : unit.toUpperCase()}B`
}
