/** How a process is asked to end. */
import { canonicalSignal } from '../signals.ts'
import type { StopPolicy, StopRung } from '../types.ts'
import { isRecord, LONGEST_MS, Options, show } from './must.ts'

export function parseStop(given: unknown, problems: string[]): StopPolicy {
  const options = new Options(given === undefined ? {} : given, 'stop', ['signal', 'ladder', 'timeoutMs'], problems)
  const timeoutMs = options.duration('timeoutMs', 5_000)
  const signal = options.given('signal')
  const ladder = options.given('ladder')
  if (signal !== undefined && ladder !== undefined) problems.push('stop takes a signal or a ladder, not both')
  const rungs = ladder === undefined ? [{ signal: signal ?? 'SIGTERM', afterMs: 0 }] : ladder
  if (!Array.isArray(rungs)) problems.push(`stop.ladder must be a list of { signal, afterMs }, not ${show(rungs)}`)
  const parsed = Array.isArray(rungs) ? [...rungs].map((rung) => parseRung(rung, problems)) : []
  return { ladder: parsed.sort((a, b) => a.afterMs - b.afterMs), timeoutMs }
}

function parseRung(given: unknown, problems: string[]): StopRung {
  const { signal, afterMs } = isRecord(given) ? given : {}
  const name = typeof signal === 'string' ? canonicalSignal(signal) : null
  if (name === null) problems.push(`stop: there is no signal ${show(signal)} on this machine`)
  const isDuration = typeof afterMs === 'number' && afterMs >= 0 && afterMs <= LONGEST_MS
  if (!isDuration) problems.push(`stop.ladder: afterMs must be 0 to ${LONGEST_MS} ms, not ${show(afterMs)}`)
  return { signal: name ?? '', afterMs: isDuration ? afterMs : 0 }
}
