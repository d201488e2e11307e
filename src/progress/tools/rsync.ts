/** rsync with `--info=progress2` (all files together) or `--progress` (one after the other). */
import { known, numberOf, sizeOf, spanOf } from '../quantity.ts'
import type { Recogniser } from '../sighting.ts'

const LINE = /^ *(?<current>\d[\d,]*) +(?<percent>\d{1,3})% +(?<rate>[\d.]+[kMGT]?B)\/s +(?<left>\d+:\d\d:\d\d)(?: \(xfr#\d+, (?:to|ir)-chk=\d+\/\d+\))?\s*$/

export const rsync: Recogniser = (line) => {
  const groups = LINE.exec(line)?.groups
  if (groups === undefined) return null
  const { current = '', percent = '', rate = '', left = '' } = groups
  // At the end it is the time that was spent.
  const isOver = line.includes('chk=') && percent === '100'
  return {
    percent: Number(percent),
    current: numberOf(current),
    unit: 'B',
    ...known('rate', sizeOf(rate)),
    ...(isOver ? { etaMs: 0 } : known('etaMs', spanOf(left))),
  }
}
