/** The kinds of values that keys have. Where a value comes from a variable it is a text: a number or a flag may be written as one. */
import { DURATION_PATTERN, readDuration } from '../../duration.ts'
import { canonicalSignal } from '../../signals.ts'
import { readSize, SIZE_PATTERN } from '../../size.ts'
import { suggest } from '../../suggest.ts'
import { leaf, list, mustBe, oneOf, orReference, quote, Refused, record } from './leaf.ts'

const A_WEEK_MS = 7 * 86_400_000
const A_CENTURY_MS = 36_525 * 86_400_000
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** A text; a number or a flag is taken as it is written. */
export const text = leaf('a text ("" for an empty one)', { type: ['string', 'number', 'boolean'] }, ['text', 'number', 'flag'], (given) =>
  readText(String(given)),
)

export const fullText = leaf('a text that is not empty', { type: 'string', minLength: 1 }, ['text'], (given) =>
  given === '' ? undefined : readText(String(given)),
)

export const texts = list('a list of texts', text)

export const flag = leaf('true or false', orReference({ type: 'boolean' }), ['flag', 'text'], (given) => {
  if (typeof given === 'boolean') return given
  return given === 'true' ? true : given === 'false' ? false : undefined
})

export const duration = durationFrom(0, A_WEEK_MS, 'at most 7d')
/** What nothing could happen in. */
export const longDuration = durationFrom(1, A_WEEK_MS, 'from 1ms to 7d')
/** Of what is kept. */
export const age = durationFrom(1, A_CENTURY_MS, 'from 1ms to 36525d')

function durationFrom(leastMs: number, mostMs: number, range: string) {
  const words = `a duration such as 500ms, 30s or 1m30s, ${range}`
  return leaf(words, orReference({ title: 'duration', type: ['string', 'integer'], pattern: DURATION_PATTERN.source }), ['text', 'number'], (given) => {
    const read = readDuration(String(given))
    if (typeof read !== 'number') return new Refused(`must be ${words}: ${typeof given === 'number' ? given : quote(given)} ${read.problem}`)
    return read >= leastMs && read <= mostMs ? read : undefined
  })
}

/** Bytes. */
export const size = sizeFrom(1, Number.MAX_SAFE_INTEGER, 'more than 0')

/** @returns whole bytes */
export function sizeFrom(leastBytes: number, mostBytes: number, range: string) {
  return leaf(
    `a size such as 512MB, 1GB or a number of bytes, ${range}`,
    orReference({ title: 'size', type: ['string', 'integer'], pattern: SIZE_PATTERN.source, exclusiveMinimum: 0 }),
    ['text', 'number'],
    (given) => {
      const bytes = readSize(String(given))
      return bytes !== undefined && bytes >= leastBytes && bytes <= mostBytes ? bytes : undefined
    },
  )
}

/** A whole number. */
export function whole(from: number, to: number) {
  const words = to === Number.MAX_SAFE_INTEGER ? `a whole number, ${from} or more` : `a whole number from ${from} to ${to}`
  const maximum = to === Number.MAX_SAFE_INTEGER ? {} : { maximum: to }
  return leaf(words, orReference({ type: 'integer', minimum: from, ...maximum }), ['number', 'text'], (given) => {
    const number = readNumber(given)
    return Number.isSafeInteger(number) && number >= from && number <= to ? number : undefined
  })
}

/** @param from inclusive */
export function number(from: number, to: number) {
  return leaf(`a number from ${from} to ${to}`, orReference({ type: 'number', minimum: from, maximum: to }), ['number', 'text'], (given) => {
    const value = readNumber(given)
    return value >= from && value <= to ? value : undefined
  })
}

export const moreThanZero = leaf('a number more than 0', orReference({ type: 'number', exclusiveMinimum: 0 }), ['number', 'text'], (given) => {
  const value = readNumber(given)
  return value > 0 && Number.isFinite(value) ? value : undefined
})

/** What another program calls it. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = { never: ['no', 'false', 'none'], on_failure: ['exit_on_failure', 'unexpected'] }

/** One of some words; `on-failure` is `on_failure`. */
export function word<const Word extends string>(words: readonly Word[]) {
  const right = words.length === 1 ? String(words[0]) : `one of ${words.join(', ')}`
  return leaf<Word>(right, orReference({ enum: words }), ['text'], (given) => {
    const asked = String(given)
    const found = words.find((one) => one === asked || one.replaceAll('_', '-') === asked)
    if (found !== undefined) return found
    const plain = asked.toLowerCase().replaceAll('-', '_')
    const near = suggest(plain, words)[0] ?? words.find((one) => plain.endsWith(`_${one}`) || ELSEWHERE[one]?.includes(plain))
    return near === undefined ? undefined : new Refused(`${mustBe(right, given)}; did you mean ${near}?`)
  })
}

export const signal = leaf('the name of a signal, as SIGTERM', { title: 'signal', type: ['string', 'integer'] }, ['text', 'number'], (given) => {
  const name = canonicalSignal(String(given))
  return name ?? new Refused(`there is no signal ${quote(given)} on this machine`)
})

const VARIABLE = { pattern: /^[^=\0]+$/, words: 'a name of a variable' }
const ANY_KEY = { pattern: /^[^\0]+$/, words: 'a name' }

export const environment = record('a map of variables', text, VARIABLE)
export const labels = record('a map of texts', text, ANY_KEY)
export const headers = record('a map of texts', text, ANY_KEY)

/** Keeps what a number or a flag is. */
export const meta = record(
  'a map of texts, numbers and flags',
  leaf('a text, a number, true or false', { type: ['string', 'number', 'boolean'] }, ['text', 'number', 'flag'], (given) => {
    if (typeof given === 'number' && !Number.isFinite(given)) return undefined
    return given as string | number | boolean
  }),
  ANY_KEY,
)

/** A command line, which is split in words, or the words. */
export const commandLine = oneOf('a command line, or a list of its words', [
  fullText,
  list('a command line, or a list of its words', text).min(1, { error: 'has no words: the first one is the program' }),
])

export const oneOrMoreTexts = oneOf('a text, or a list of texts', [fullText, list('a list of texts', fullText)])

function readText(given: string): string | Refused {
  return given.includes('\0') ? new Refused('has a NUL, which no program can be given') : given
}

function readNumber(given: unknown): number {
  if (typeof given === 'number') return given
  return typeof given === 'string' && NUMBER.test(given) ? Number(given) : Number.NaN
}

export const regularExpression = leaf<string | RegExp>('a regular expression', { type: 'string', minLength: 1 }, ['text', 'other'], (given) => {
  if (given instanceof RegExp) return given
  return typeof given === 'string' && given !== '' ? given : undefined
})
