/** `45/100`, `12.3/45.6 MB`, `3 of 10`, where it is progress: not a date, a path, a fraction, a mark or a network. */
import { sizeOf } from '../quantity.ts'
import type { Sighting } from '../sighting.ts'
import { AT_WORK, NO_COUNT } from './words.ts'

export interface Count {
  readonly sighting: Sighting & { readonly current: number; readonly total: number }
  /** Where it stands in the line. */
  readonly at: number
  readonly end: number
}

const NUMBER = String.raw`\d[\d,]*(?:\.\d+)?`
const UNIT = '[kKMGTP]?i?B(?:ytes)?|bytes|[kKMGTP](?![A-Za-z])'
const COUNT = new RegExp(
  String.raw`(?<![\w.,/:\\%$€+-])(?<current>${NUMBER}) ?(?<unit>${UNIT})?(?<mid>/| / | (?:out )?of )(?<total>${NUMBER})(?: ?(?<totalUnit>${UNIT}))?(?![\w/\\%-]|[.,:]\d)`,
  'g',
)
const NOUN =
  /^ ?(?<noun>(?:file|item|step|test|task|page|row|record|chunk|part|block|frame|object|image|layer|package|crate|module|doc|document|line|entr(?:y|ies)|job|batch(?:es)?|epoch|target|segment|user|message|request|url|repo|commit|video|track|song|book|byte|bit)s?)\b/i
const FRACTION =
  /^ ?(?:cups?|tsp|tbsp|tea ?spoons?|table ?spoons?|inch(?:es)?|in|lbs?|oz|pounds?|ounces?|miles?|hours?|days?|weeks?|years?|acres?|of|off|price|size|speed)\b|^ ?["″]/i
const DONE_AFTER = /^ (?:done|complete|\w+ed)\b/i
const TIME_AFTER = /^[ ,T]+\d{1,2}:\d\d/
const DAY_BEFORE = /\b(?:on|since|until|till|from|by|at|due|before|after) $/i
const DAYS = 31
const MONTHS = 12

export function findCount(line: string): Count | null {
  if (!line.includes('/') && !line.includes(' of ')) return null
  for (const match of line.matchAll(COUNT)) {
    const count = countOf(line, match)
    if (count !== null) return NO_COUNT.test(line) ? null : count
  }
  return null
}

function countOf(line: string, match: RegExpExecArray): Count | null {
  const { current = '', total = '', totalUnit, unit = totalUnit, mid = '/' } = match.groups ?? {}
  const before = line.slice(0, match.index)
  const after = line.slice(match.index + match[0].length)
  const [done, all] = [sizeOf(`${current}${unit ?? ''}`), sizeOf(`${total}${totalUnit ?? unit ?? ''}`)]
  if (!(done <= all) || all === 0 || after.startsWith(' of ') || /\S*:\/\/\S*$/.test(before)) return null
  if (unit === undefined && isSomethingElse(before, after, Number(current), Number(total))) return null
  const named = NOUN.exec(after)
  const noun = named?.groups?.noun
  const isSure = unit !== undefined || noun !== undefined || isShaped(before, after, mid) || AT_WORK.test(before) || DONE_AFTER.test(after)
  return {
    sighting: {
      current: done,
      total: all,
      ...(unit === undefined ? (noun === undefined ? {} : { unit: noun }) : { unit: 'B' }),
      key: `/${all}`,
      ...(isSure && all > 1 ? {} : { isVague: true }),
    },
    at: match.index,
    end: match.index + match[0].length + (named?.[0].length ?? 0),
  }
}

/** In brackets, alone, at an end of the line, or behind a colon. */
function isShaped(before: string, after: string, mid: string): boolean {
  if (/[[({|]\s*$/.test(before)) return /^\s*[\])}|:,]/.test(after)
  if (mid.includes('of')) return false
  return after.trim() === '' || /^\s*[[|:]/.test(after) || (before.trim() === '' && !/^ [a-z]/i.test(after)) || /[:\]|#=]\s*$/.test(before)
}

function isSomethingElse(before: string, after: string, first: number, second: number): boolean {
  if (FRACTION.test(after)) return true
  const isDay = first >= 1 && second >= 1 && Math.min(first, second) <= MONTHS && Math.max(first, second) <= DAYS
  return isDay && (TIME_AFTER.test(after) || DAY_BEFORE.test(before))
}
