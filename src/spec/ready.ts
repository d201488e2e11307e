/** What, beside probes, makes a run ready. */
import type { ReadySpec } from '../types.ts'
import { Options, show } from './must.ts'
import { parsePattern } from './pattern.ts'

const WAYS = ['logLine', 'notifyFd', 'delayMs']

export function parseReady(given: unknown, startupTimeoutMs: number, problems: string[]): ReadySpec | null {
  if (given === undefined) return null
  const options = new Options(given, 'ready', WAYS, problems)
  const asked = WAYS.filter((way) => options.given(way) !== undefined)
  if (asked.length !== 1) {
    problems.push(`ready must have exactly one of ${WAYS.join(', ')}, not ${asked.length === 0 ? 'none' : asked.join(' and ')}`)
    return null
  }
  if (asked[0] === 'logLine') return parseLogLine(options)
  if (asked[0] === 'notifyFd') return { kind: 'notify', fd: options.whole('notifyFd', 3, [3, 255]) }
  const delayMs = options.duration('delayMs', 0)
  if (delayMs >= startupTimeoutMs) problems.push(`ready.delayMs must be less than startupTimeoutMs, ${startupTimeoutMs}, not ${show(delayMs)}`)
  return { kind: 'delay', delayMs }
}

function parseLogLine(options: Options): ReadySpec {
  return { kind: 'log-line', ...parsePattern(options, 'logLine') }
}
