/** tqdm, and what prints as it does: ` 45%|####5     | 45/100 [00:10<00:12,  4.40it/s]`, and without a total `45it [00:10,  4.40it/s]`. */
import { known, numberOf, SPAN, sizeOf, spanOf } from '../quantity.ts'
import type { Recogniser, Sighting } from '../sighting.ts'

const COUNT = String.raw`[\d.]+[kMGTP]?`
const TIMES = String.raw`\[(?:${SPAN}|\?)(?:<(?<left>${SPAN}|\?))?(?:, *(?<rate>[\d.]+[kMGTP]?|\?)(?<per>[^\]\s,]*/[^\]\s,]+))?[^\]]*\]`
const BAR = new RegExp(String.raw`^(?:(?<name>.*?):? *)?\b(?<percent>\d{1,3})%\|[^|]*\| *(?<current>${COUNT})/(?<total>${COUNT}) ${TIMES}`)
const COUNTER = new RegExp(String.raw`^(?:(?<name>.*?): )?(?<current>${COUNT})(?<unit>[^\d\s\[]*) ${TIMES}`)

export const tqdm: Recogniser = (line) => {
  if (!line.includes('[') || !line.includes(':')) return null
  const bar = BAR.exec(line)?.groups
  if (bar !== undefined) return fromBar(bar)
  const counter = COUNTER.exec(line)?.groups
  return counter === undefined ? null : { ...countOf(counter), ...timesOf(counter), ...nameOf(counter) }
}

type Groups = Readonly<Record<string, string | undefined>>

function fromBar(groups: Groups): Sighting {
  const total = sizeOf(groups.total ?? '')
  return { percent: Number(groups.percent), ...countOf(groups), total, ...timesOf(groups), ...nameOf(groups), key: `${groups.name ?? ''}/${total}` }
}

function countOf({ current = '', unit, per = '' }: Groups): Sighting {
  const name = unit || unitOf(per)
  return { ...known('current', sizeOf(current)), ...(name === '' ? {} : { unit: name }) }
}

/** `it/s`, or where one takes longer than a second, `s/it`. */
function unitOf(per: string): string {
  const [first = '', second = ''] = per.split('/')
  return second === 's' ? first : second
}

function timesOf({ left = '', rate = '', per = '' }: Groups): Sighting {
  const number = sizeOf(rate)
  return { ...known('rate', per.endsWith('/s') ? number : 1 / number), ...(left === '' ? {} : known('etaMs', left === '?' ? numberOf('') : spanOf(left))) }
}

function nameOf({ name = '' }: Groups): Sighting {
  return name.trim() === '' ? {} : { message: name.trim() }
}
