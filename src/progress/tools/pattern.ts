/** A user's own regular expression, with the named groups percent, current, total and message, any of them. What a line does not say is as it was said before. */
import { known, numberOf, sizeOf } from '../quantity.ts'
import type { Recogniser, Sighting } from '../sighting.ts'

export function createPattern(source: string, flags: string): Recogniser {
  const pattern = new RegExp(source, flags)
  let last: Sighting = {}
  return (line) => {
    const groups = pattern.exec(line)?.groups
    if (groups === undefined) return null
    const said = sightingOf(groups)
    const { percent: _, ...others } = last
    const isNewCount = said.percent === undefined && (said.current !== undefined || said.total !== undefined)
    last = { ...(isNewCount ? others : last), ...said }
    return last
  }
}

function sightingOf({ percent = '', current = '', total = '', message }: Readonly<Record<string, string | undefined>>): Sighting {
  const isSize = [current, total].some((text) => /[a-z]/i.test(text) && Number.isFinite(sizeOf(text)))
  return {
    ...known('percent', numberOf(percent.replace('%', '').trim())),
    ...known('current', sizeOf(current)),
    ...known('total', sizeOf(total)),
    ...(isSize ? { unit: 'B' } : {}),
    ...(message === undefined ? {} : { message }),
  }
}
