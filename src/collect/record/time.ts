/** Times, however a program writes them. */

const UTC = /^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d{3,9}Z$/
const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)? ?(?:Z|[+-]\d\d:?\d\d|UTC)?$/i
/** What is shorter is no time since 1970, but a duration or a count. */
const LEAST_SECONDS = 1e8
const LAST_MS = Date.UTC(9999, 11, 31)

/** @param given a text (ISO 8601), or seconds, milliseconds, microseconds or nanoseconds since 1970. @returns ISO 8601, UTC; null: it is none */
export function toTime(given: unknown): string | null {
  if (typeof given === 'number') return fromNumber(given)
  if (typeof given !== 'string' || given.length > 40) return null
  if (ISO.test(given)) return fromText(given)
  return /^\d{9,19}(?:\.\d+)?$/.test(given) ? fromNumber(Number(given)) : null
}

/** One in UTC stays as it is, with all its digits. */
function fromText(given: string): string | null {
  const ms = Date.parse(given.replace(',', '.').replace(/ ?UTC$/i, 'Z'))
  if (Number.isNaN(ms)) return null
  return UTC.test(given) ? given : isoOf(ms)
}

function fromNumber(value: number): string | null {
  if (value < LEAST_SECONDS || !Number.isFinite(value)) return null
  if (value < 1e11) return isoOf(value * 1e3)
  if (value < 1e14) return isoOf(value)
  return isoOf(value < 1e17 ? value / 1e3 : value / 1e6)
}

let second = Number.NaN
let secondText = ''

/** What is common to all times of a second is made once. */
function isoOf(ms: number): string | null {
  if (ms > LAST_MS) return null
  const whole = Math.trunc(ms)
  const rest = whole % 1_000
  if (whole - rest !== second) {
    second = whole - rest
    secondText = new Date(second).toISOString().slice(0, -4)
  }
  return `${secondText}${String(rest).padStart(3, '0')}Z`
}
