/** A point in time, as people write it: how long ago, a time of day, a date. */
import { readDuration } from '../../duration.ts'
import { usageError } from '../report.ts'

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/i
const TIME = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/
const DAY_MS = 86_400_000

/**
 * `10m` is so long ago; `09:30` the last time that it was so late; `2026-01-31`, `2026-01-31T09:30`, `2026-01-31 09:30:05.2Z`: where no zone is given, that of this machine.
 * @param option as the user wrote it, for the message
 * @returns ms since 1970
 */
export function parseMoment(text: string, option: string, nowMs: number): number {
  const ago = readDuration(text)
  const moment = typeof ago === 'number' ? nowMs - ago : (readDate(text) ?? readTimeOfDay(text, nowMs))
  if (moment !== undefined) return moment
  throw usageError(
    `${option} ${JSON.stringify(text)} is no time; write how long ago, as 10m or 1h30m, a time of day, as 09:30, or a date, as 2026-01-31 or 2026-01-31T09:30:00Z`,
  )
}

function readDate(text: string): number | undefined {
  const [, year = '', month = '', day = '', time = '00:00', zone = ''] = DATE.exec(text) ?? []
  // The 31st of February is the 3rd of March for Date.
  if (new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() !== Number(day)) return undefined
  const moment = Date.parse(`${year}-${month}-${day}T${time}${zone.toUpperCase()}`)
  return Number.isNaN(moment) ? undefined : moment
}

function readTimeOfDay(text: string, nowMs: number): number | undefined {
  const [found, hours, minutes, seconds = 0] = TIME.exec(text) ?? []
  if (found === undefined) return undefined
  const today = new Date(nowMs).setHours(Number(hours), Number(minutes), Number(seconds), 0)
  return today <= nowMs ? today : new Date(nowMs - DAY_MS).setHours(Number(hours), Number(minutes), Number(seconds), 0)
}
