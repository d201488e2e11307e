/** Numbers, sizes and spans of time as tools print them. */

/** Of a span of time, as 0:00:12, 1d 02h, 3m12s or 5s. */
export const SPAN = String.raw`\d+d \d+h|(?:\d+:)?\d+:\d\d(?:\.\d+)?|(?:\d+\s?[dhm](?:in)? ?)*\d+(?:\.\d+)?\s?s(?:ec(?:onds?)?)?|\d+[hm] ?\d+m`

const POWERS = 'kMGTPE'
const PART_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 }

/** @returns NaN when it is none */
export function numberOf(text: string): number {
  return text === '' ? Number.NaN : Number(text.replaceAll(',', ''))
}

/**
 * @param text as `12.5M`, `244k`, `1.2 GiB`, `300 B`, `17`
 * @param base of a prefix that is not followed by `i`
 * @returns NaN when it is none
 */
export function sizeOf(text: string, base: 1000 | 1024 = 1000): number {
  const [, number = '', prefix = '', binary] = /^([\d,.]+)\s?([kKMGTPE]?)(i?)B?(?:ytes)?$/.exec(text.trim()) ?? []
  const power = prefix === '' ? 0 : POWERS.indexOf(prefix === 'K' ? 'k' : prefix) + 1
  return numberOf(number) * (binary === 'i' ? 1024 : base) ** power
}

/** @returns in ms; NaN when it is none */
export function spanOf(text: string): number {
  const clock = /^(?:(?:(\d+):)?(\d+):)?(\d+):(\d\d(?:\.\d+)?)$/.exec(text.trim())
  if (clock !== null) {
    const [, days = 0, hours = 0, minutes, seconds] = clock
    return Math.round(((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1_000)
  }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s?([dhms])/g)]
  if (parts.length === 0) return Number.NaN
  return Math.round(parts.reduce((sum, [, count, unit = 's']) => sum + Number(count) * (PART_MS[unit] ?? 0), 0))
}

/** What is no number is not said. */
export function known<Name extends string>(name: Name, value: number): { readonly [key in Name]?: number } {
  return Number.isFinite(value) ? ({ [name]: value } as { readonly [key in Name]: number }) : {}
}
