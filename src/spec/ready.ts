/** What, beside probes, makes a run ready. */
import { types } from 'node:util'
import type { ReadySpec } from '../types.ts'
import { Options, show } from './must.ts'

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
  const line = options.need('logLine', 'a regular expression, or its source', isPattern, '')
  // Each line is looked at by itself: with g or y the place of the last match would count.
  if (typeof line !== 'string') return { kind: 'log-line', source: line.source, flags: line.flags.replace(/[gy]/g, '') }
  try {
    new RegExp(line)
  } catch (error) {
    options.problems.push(
      `ready.logLine must be the source of a regular expression, not ${show(line)}: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  return { kind: 'log-line', source: line, flags: '' }
}

function isPattern(value: unknown): value is string | RegExp {
  return types.isRegExp(value) || (typeof value === 'string' && value !== '')
}
