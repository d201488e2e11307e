/** curl: its meter, `-#`, and the meter of several transfers at once. */
import { known, sizeOf, spanOf } from '../quantity.ts'
import type { Recogniser, Sighting } from '../sighting.ts'

const SIZE = String.raw`[\d.]+[kMGTP]?`
const TIME = String.raw`--:--:--|\d+:\d\d:\d\d|\d+d \d\dh|\d+d|\d+y`
const METER = new RegExp(
  String.raw`^\s*(?<percent>\d+) +(?<total>${SIZE}) +(?<down>\d+) +(?<received>${SIZE}) +(?<up>\d+) +(?<sent>${SIZE}) +${SIZE} +${SIZE} +(?:${TIME}) +(?:${TIME}) +(?<left>${TIME}) +(?<rate>${SIZE})\s*$`,
)
const PARALLEL = new RegExp(
  String.raw`^\s*(?<down>\d+|--) +(?<up>\d+|--) +(?<received>${SIZE}) +(?<sent>${SIZE}) +\d+ +\d+ +(?:${TIME}) +(?:${TIME}) +(?<left>${TIME}) +(?<rate>${SIZE})\s*$`,
)
const HASHES = /^#* +(\d{1,3}\.\d)%\s*$/
/** Without a length, `-#` has something fly from one side to the other. */
const HEAD = /^\s*% Total +% Received % Xferd |^ +Dload +Upload +Total +Spent +Left +Speed$|^DL% UL% +Dled +Uled /
const FLYING = /^[-#=O ]+$/

export const curl: Recogniser = (line) => {
  const meter = METER.exec(line)?.groups
  if (meter !== undefined) return fromMeter(meter)
  const parallel = PARALLEL.exec(line)?.groups
  if (parallel !== undefined) return { ...movedOf(parallel), ...known('percent', Number(parallel.down === '--' ? parallel.up : parallel.down)) }
  const hashes = HASHES.exec(line)
  if (hashes !== null) return { percent: Number(hashes[1]) }
  return HEAD.test(line) || (FLYING.test(line) && line.includes('#')) ? {} : null
}

type Groups = Readonly<Record<string, string | undefined>>

/** Where the length is not known, its total is what has come, and what has come is 0 % of it. */
function fromMeter(meter: Groups): Sighting {
  const total = sizeOf(meter.total ?? '', 1024)
  const moved = movedOf(meter)
  const isKnown = total > 0 && (Number(meter.down) > 0 || Number(meter.up) > 0 || (moved.current ?? 0) < total)
  return isKnown ? { ...moved, total, percent: Number(meter.percent) } : moved
}

function movedOf({ received = '', sent = '', left = '', rate = '' }: Groups): Sighting {
  return {
    current: sizeOf(received, 1024) + sizeOf(sent, 1024),
    unit: 'B',
    ...known('rate', sizeOf(rate, 1024)),
    ...known('etaMs', spanOf(left)),
  }
}
