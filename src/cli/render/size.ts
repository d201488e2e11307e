/** Sizes for people: `512 B`, `12.3 MB`, `1.4 GB`; 1 kB is 1 000 bytes. */
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

export function renderSize(bytes: number): string {
  let amount = Math.max(0, bytes)
  let unit = 0
  // What would be rounded up to 1 000 is one of the next.
  while (amount >= 999.5 && unit < UNITS.length - 1) {
    amount /= 1_000
    unit++
  }
  return `${unit === 0 || amount >= 99.95 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[unit]}`
}
