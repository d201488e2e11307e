/** What a reader of logs may ask for. */
import { ProcmanError } from '../../errors.ts'
import type { AttachOptions, WatchOptions } from '../../log-api.ts'
import type { LogRange } from './contract.ts'

/** @throws PROCMAN_INVALID_ARGUMENT */
export function checkLogOptions({ tail = 0, run = 1, since = 0, until = 0, grep }: WatchOptions): void {
  if (tail !== Number.POSITIVE_INFINITY && !isCount(tail, 0)) throw invalid('tail', 'a whole number of lines from 0', tail)
  if (!isCount(run, 1)) throw invalid('run', 'a whole number from 1', run)
  for (const [name, time] of Object.entries({ since, until }))
    if (!Number.isFinite(toMs(time))) throw invalid(name, 'a valid Date or a number of ms since 1970', time)
  if (grep !== undefined && !(grep instanceof RegExp)) throw invalid('grep', 'a RegExp', grep)
}

/** @param options that mean something. With `since`, a line that had begun before comes whole: what is before it is for who reads lines to leave out */
export function rangeOf({ run, since, until }: AttachOptions): LogRange {
  return {
    ...(run !== undefined && { run }),
    ...(since !== undefined && { since: Math.ceil(toMs(since)) * 1000 }),
    ...(until !== undefined && { until: Math.floor(toMs(until)) * 1000 + 999 }),
  }
}

/** @returns NaN for what is no time */
export function toMs(time: number | Date): number {
  if (typeof time === 'number') return time
  return time instanceof Date ? time.getTime() : Number.NaN
}

/** A pattern with the flag g or y keeps where it matched last: here each line is looked at from its beginning. */
export function wantsOf(grep: RegExp | undefined): ((text: string) => boolean) | undefined {
  if (grep === undefined) return undefined
  const pattern = new RegExp(grep.source, grep.flags.replace(/[gy]/g, ''))
  return (text) => pattern.test(text)
}

function isCount(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least
}

function invalid(name: string, what: string, value: unknown): ProcmanError {
  return new ProcmanError('PROCMAN_INVALID_ARGUMENT', `${name} must be ${what}, not ${typeof value} ${String(value)}`, { details: { [name]: value } })
}
