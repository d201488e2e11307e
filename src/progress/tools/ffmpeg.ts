/** ffmpeg: the longest of its inputs is the whole, in seconds of what is made; `speed` is how many of them it makes in one. Also what `-progress` writes. */
import { spanOf } from '../quantity.ts'
import type { Recogniser, Sighting } from '../sighting.ts'

const DURATION = /^\s*Duration: (\d+:\d\d:\d\d(?:\.\d+)?),/
const STATS = /\b(L?)size= *(?:N\/A|\d+)\S* +time=-?(\d+:\d\d:\d\d(?:\.\d+)?|N\/A) .*?speed= *([\d.]+(?:e[+-]\d+)?)?/
const OUT_TIME = /^out_time=(\d+:\d\d:\d\d\.\d+)\s*$/
const SPEED = /^speed= *([\d.]+)x\s*$/
const END = /^progress=end\s*$/
/** The last frame begins before the end. */
const NEARLY = 98

export function createFfmpeg(): Recogniser {
  let total: number | null = null
  let made = 0
  let speed: number | null = null
  const sight = (isLast: boolean): Sighting => {
    const rate = speed === null ? {} : { rate: speed }
    if (total === null) return { current: made, unit: 's', ...rate }
    const percent = Math.min(100, (made / total) * 100)
    if (isLast && percent >= NEARLY) return { percent: 100, current: total, total, unit: 's', ...rate }
    return { percent, current: Math.min(made, total), total, unit: 's', ...rate }
  }
  return (line) => {
    const duration = DURATION.exec(line)
    if (duration !== null) {
      total = Math.max(total ?? 0, secondsOf(duration[1] ?? ''))
      return null
    }
    const stats = line.includes('time=') ? STATS.exec(line) : null
    if (stats !== null) {
      if (stats[2] !== 'N/A') made = secondsOf(stats[2] ?? '')
      speed = stats[3] === undefined ? speed : Number(stats[3])
      return sight(stats[1] === 'L')
    }
    const said = SPEED.exec(line)
    if (said !== null) speed = Number(said[1])
    const time = OUT_TIME.exec(line)
    if (time === null) return END.test(line) && made > 0 ? sight(true) : null
    made = secondsOf(time[1] ?? '')
    return sight(false)
  }
}

function secondsOf(clock: string): number {
  return spanOf(clock) / 1_000
}
