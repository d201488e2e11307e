/** What the parsers of a spec share. What is wrong is added to the problems, with the value and what would be right; a default stands in for it. */

/** No duration is longer: a week. */
export const LONGEST_MS = 7 * 24 * 3_600_000

type Is<Value> = (value: unknown) => value is Value

/** The options of one object of the spec, read one by one. */
export class Options {
  readonly problems: string[]
  readonly #given: Readonly<Record<string, unknown>>
  readonly #place: string
  readonly #isObject: boolean

  /**
   * @param place as `health.liveness`; empty: the spec itself
   * @param known the names of all options
   * @param renamed names that are taken for an option, and the right one
   */
  constructor(given: unknown, place: string, known: readonly string[], problems: string[], renamed: Readonly<Record<string, string>> = {}) {
    this.problems = problems
    this.#place = place
    this.#isObject = isRecord(given)
    this.#given = isRecord(given) ? given : {}
    if (!this.#isObject) problems.push(`${place} must be an object, not ${show(given)}`)
    for (const name of Object.keys(this.#given)) if (!known.includes(name)) problems.push(this.#unknown(name, known, renamed))
  }

  /** @returns as `health.liveness.intervalMs` */
  placeOf(name: string): string {
    return this.#place === '' ? name : `${this.#place}.${name}`
  }

  given(name: string): unknown {
    return this.#given[name]
  }

  /** @param what it must be, in words @param fallback when it is not given, or wrong */
  read<Value, Fallback>(name: string, what: string, is: Is<Value>, fallback: Fallback): Value | Fallback {
    return this.given(name) === undefined ? fallback : this.need(name, what, is, fallback)
  }

  /** The same for one that must be given. */
  need<Value, Fallback>(name: string, what: string, is: Is<Value>, fallback: Fallback): Value | Fallback {
    const value = this.given(name)
    if (is(value)) return value
    // That it is no object at all is told already.
    if (this.#isObject) this.problems.push(`${this.placeOf(name)} must be ${what}, not ${show(value)}`)
    return fallback
  }

  duration(name: string, fallback: number, leastMs = 0): number {
    return this.number(name, fallback, [leastMs, LONGEST_MS], ' ms')
  }

  number(name: string, fallback: number, [from, to]: readonly [from: number, to: number], unit = ''): number {
    const is = (value: unknown): value is number => typeof value === 'number' && value >= from && value <= to
    return this.read(name, `${from} to ${to}${unit}`, is, fallback)
  }

  whole(name: string, fallback: number, [from, to]: readonly [from: number, to: number]): number {
    return this.read(name, `a whole number, ${from} to ${to}`, (value): value is number => isWhole(value, from, to), fallback)
  }

  flag(name: string, fallback: boolean): boolean {
    return this.read(name, 'true or false', (value) => typeof value === 'boolean', fallback)
  }

  oneOf<const Value>(name: string, values: readonly Value[], fallback: Value): Value {
    return this.read(name, values.map(show).join(' or '), (value): value is Value => values.some((one) => one === value), fallback)
  }

  /** Texts by name; those that are undefined are left out. */
  texts(name: string): Readonly<Record<string, unknown>> {
    return withoutUndefined(this.read(name, 'an object of strings', isRecord, {}))
  }

  #unknown(name: string, known: readonly string[], renamed: Readonly<Record<string, string>>): string {
    const here = this.#place === '' ? 'there is' : `${this.#place} has`
    const right = Object.hasOwn(renamed, name) ? `it is called ${renamed[name]}` : `known are ${known.join(', ')}`
    return `${here} no option ${show(name)}; ${right}`
  }
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}

export function isFullText(value: unknown): value is string {
  return isText(value) && value !== ''
}

export function isTexts(value: unknown): value is readonly string[] {
  // Spread, so that a hole in the list is seen.
  return Array.isArray(value) && [...value].every(isText)
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isWhole(value: unknown, from: number, to: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= from && Number(value) <= to
}

export function withoutUndefined(part: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined))
}

export function show(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value === 'function') return 'a function'
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // A circle, a bigint inside, an object without a prototype.
    return Object.prototype.toString.call(value)
  }
}
