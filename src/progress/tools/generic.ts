/** What many programs print: `45/100`, `[3/10]`, `12.3/45.6 MB`, `3 of 10 files`, `45%`. */
import { known, SPAN, sizeOf, spanOf } from '../quantity.ts'
import type { Recogniser, Sighting } from '../sighting.ts'
import { type Count, findCount } from './count.ts'
import { findPercent, type Percent } from './percent.ts'

const SIZE_RATE = /(\d[\d.,]*) ?([kKMGT]?i?B(?:ytes)?)\/s(?:ec)?\b/
const RATE = /(\d[\d.,]*) ?[a-zA-Z]*\/s(?:ec)?\b/
const ETA = new RegExp(String.raw`\b(?:eta|remaining|left)\b[:= ]*(${SPAN})|(${SPAN}) (?:left|remaining)\b`, 'i')
/** As far as rounding goes. */
const SAME = 1.5

export const generic: Recogniser = (line) => {
  const percent = findPercent(line)
  const count = findCount(line)
  const found = count === null ? percent : countOrPercent(count, percent)
  return found === null ? null : { ...found.sighting, ...timesIn(line, found.sighting), ...messageAround(line, found) }
}

/** One that is of something else, as of this file of so many, goes up and down: the count is of the whole. */
function countOrPercent(count: Count, percent: Percent | null): Found {
  if (percent === null) return count
  const { current, total } = count.sighting
  const agrees = Math.abs((current / total) * 100 - percent.sighting.percent) <= SAME
  if (!agrees) return percent.at === 0 ? percent : count
  const { isVague, ...both } = { ...count.sighting, percent: percent.sighting.percent }
  const areVague = isVague === true && percent.sighting.isVague === true
  return { sighting: areVague ? { ...both, isVague } : both, at: Math.min(count.at, percent.at), end: count.end }
}

interface Found {
  readonly sighting: Sighting
  readonly at: number
  readonly end: number
}

function timesIn(line: string, { unit }: Sighting): Sighting {
  const size = SIZE_RATE.exec(line)
  const rate = size === null ? RATE.exec(line)?.[1] : undefined
  const eta = ETA.exec(line)
  return {
    ...(size !== null && unit === 'B' ? known('rate', sizeOf(`${size[1]}${size[2]}`)) : {}),
    ...(rate !== undefined && unit !== 'B' ? known('rate', sizeOf(rate)) : {}),
    ...(eta === null ? {} : known('etaMs', spanOf(eta[1] ?? eta[2] ?? ''))),
  }
}

/** What stands before it, or else behind it. */
function messageAround(line: string, { at, end }: Found): Sighting {
  const behind = line.slice(end).split(/\s{2,}|\||\[/)[0] ?? ''
  const message = words(line.slice(0, at)) || (RATE.test(behind) || ETA.test(behind) ? '' : words(behind))
  return message === '' ? {} : { message }
}

function words(text: string): string {
  const plain = text.replace(/[█▉▊▋▌▍▎▏░▒▓━╸╺⠀-⣿■□]+|[#=]{2,}>?|[.]{3,}/g, ' ').replace(/\[\s*\]|\(\s*\)|\|\s*\|/g, ' ')
  return /[a-z]/i.test(plain) ? plain.replace(/^[\s\])}>:|,.-]+|[\s[({<:|,.-]+$/g, '').replace(/\s+/g, ' ') : ''
}
