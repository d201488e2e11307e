/** wget with dots (what it prints to a file) and with a bar, and the bars of wget2. */
import { known, sizeOf, spanOf } from '../quantity.ts'
import type { Recogniser, Sighting } from '../sighting.ts'

const DOTS = /^ *(?<from>\d+)K(?: [. ,]*[.,])? +(?:(?<percent>\d{1,3})% +)?(?<rate>\d[\d.]*[KMGT]?)(?:[ =](?<left>[\d.]+[dhms][\ddhms]*))?\s*$/
/** A row that goes on: what it comes to stands at its end. */
const ROW_BEGUN = /^ *\d+K [. ,]*$/
const BAR =
  /^(?<name>.*?) *(?:(?<percent>\d{1,3})% ?)?\[[ +]*[<=>]*[ =>]*\] +(?<current>[\d.,]+[KMGT]?) +(?<rate>[\d.]+ ?[KMGT]?B\/s|--\.-KB\/s)(?: +eta (?<left>[\dsmhd ]+)| +in [\d.smhd ]+)?\s*$/
const LENGTH = /^Length: (?:(\d+) |unspecified)/
const SAVING = /^Saving to: [‘'"](.+)[’'"]$/
const SAVED = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \([^)]+\) - .* saved \[(\d+)(?:\/\d+)?\]$/
const ROW = 50 * 1024

export function createWget(): Recogniser {
  let total = Number.NaN
  let name = ''
  let rowBytes = ROW
  return (line) => {
    const length = LENGTH.exec(line)
    const saving = SAVING.exec(line)
    if (length !== null) total = Number(length[1] ?? Number.NaN)
    if (saving !== null) name = saving[1] ?? ''
    if (length !== null || saving !== null) return null
    const saved = SAVED.exec(line)
    if (saved !== null) return { percent: 100, current: Number(saved[1]), total: Number(saved[1]), unit: 'B', ...named(name) }
    const dots = DOTS.exec(line)?.groups
    if (dots !== undefined && /[.,]{2}/.test(line)) {
      const from = Number(dots.from) * 1024
      // The second row tells how much one stands for.
      if (rowBytes === ROW && from > 0) rowBytes = from
      if (from === 0) rowBytes = ROW
      const isWhole = dots.percent === '100' && Number.isFinite(total)
      return {
        ...fromBoth(dots, total),
        current: isWhole ? total : Math.min(from + (from === 0 ? 0 : rowBytes), total || Number.MAX_SAFE_INTEGER),
        ...named(name),
      }
    }
    if (ROW_BEGUN.test(line)) return {}
    const bar = line.includes('[') && line.includes('B/s') ? BAR.exec(line)?.groups : undefined
    if (bar === undefined) return null
    const rate = known('rate', sizeOf((bar.rate ?? '').replace('/s', ''), 1024))
    return { ...fromBoth(bar, total), ...known('current', sizeOf(bar.current ?? '', 1024)), ...rate, ...named(bar.name ?? ''), ...keyOf(bar.name ?? '', name) }
  }
}

/** The rate of a row of dots is how fast that row was: what one buffer had is there at once. It is left to those who see them all. */
function fromBoth({ percent, left = '' }: Readonly<Record<string, string | undefined>>, total: number): Sighting {
  const isLeft = percent !== undefined && percent !== '100'
  return {
    unit: 'B',
    ...(percent === undefined ? {} : { percent: Number(percent), ...known('total', total) }),
    ...(isLeft ? known('etaMs', spanOf(left)) : {}),
  }
}

/** wget2 has one for each file. */
function keyOf(shown: string, saving: string): Sighting {
  return saving === '' ? { key: shown } : {}
}

function named(name: string): Sighting {
  return name.trim() === '' ? {} : { message: name.trim() }
}
