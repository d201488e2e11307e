/** Says in plain words why a process is in its state, what was counted, and when the next thing will happen. Pure. */
import type { RestartCause } from '../../types.ts'
import type { ProbeRecord } from './health-record.ts'
import type { ProcessRecord } from './record.ts'
import { CAUSE_WORDS } from './restart.ts'
import { formatSpan } from './span.ts'

/**
 * @param nowMs ms since 1970: what is counted and how long things take is told as of then
 * @returns one sentence a line, the answer first
 */
export function explainProcess(record: ProcessRecord, nowMs: number): readonly string[] {
  return [...stateLines(record, nowMs), ...probeLines(record, nowMs), ...countLines(record, nowMs), ...breakerLines(record, nowMs)]
}

function stateLines(record: ProcessRecord, nowMs: number): readonly string[] {
  const { id, run, pid, error, retry_at } = record
  const last = record.reasons.at(-1)?.text
  const up = `${id} (run ${run}${pid === null ? '' : `, pid ${pid}`})`
  switch (record.state) {
    case 'pending':
      return [`${id} was created and has not been started yet.`]
    case 'starting': {
      if (record.started_at === null) return [`${id} is being launched (run ${run}).`]
      const by = record.ready_by === null ? [] : [`Unless it is ready by then, it is stopped as a failed start ${inOrAgo(record.ready_by, nowMs)}.`]
      return [`${up} is up for ${since(record.started_at, nowMs)} and not ready yet: ${record.waiting_for}.`, ...by]
    }
    case 'running':
      return [
        `${up} is up, and ready for ${since(record.ready_at ?? record.started_at, nowMs)}${run > 1 && last !== undefined ? `; before that: ${last}` : ''}.`,
      ]
    case 'unhealthy':
      return [`${up} is up and not well: ${record.waiting_for}.`]
    case 'backoff':
      return [`${id} is down, and is started again ${inOrAgo(retry_at, nowMs)}: ${last}.`]
    case 'stopping': {
      const kill = record.stopping === null ? '' : `; whatever is left is killed ${inOrAgo(record.stopping.kill_at, nowMs)}`
      return [`${up} is being stopped, ${stopWords(record)}${kill}.`]
    }
    case 'exited': {
      const how = record.status === 'cancelled' ? 'was stopped by the user' : (error ?? 'ended well')
      const why = record.gave_up || last === undefined || last.startsWith(how) ? (last ?? how) : `${how} (${last})`
      const next = record.gave_up ? [`It is not started again by itself: start it with restart when the cause is gone.`] : []
      return [`${id} is down since ${since(record.completed_at, nowMs)} (run ${run}): ${why}.`, ...next]
    }
    case 'orphaned':
      return [`${id} is down (run ${run}): ${error ?? 'how it ended is not known'}.`]
  }
}

function stopWords({ stopping, waiting_for, reasons }: ProcessRecord): string {
  switch (stopping?.purpose) {
    case 'restart':
      return 'to be restarted by the user'
    case 'leftovers':
      return 'since its command has ended and left something behind'
    case 'unhealthy':
    case 'unready':
      return `to be started again: ${waiting_for ?? reasons.at(-1)?.text}`
    default:
      return 'by the user'
  }
}

const PROBES = ['startup', 'liveness', 'readiness'] as const

function probeLines({ health, state }: ProcessRecord, nowMs: number): readonly string[] {
  if (health === null || state === 'backoff' || state === 'exited' || state === 'pending') return []
  return PROBES.flatMap((name) => {
    const probe = health[name]
    return probe === undefined ? [] : [`Its ${name} probe ${probeWords(probe, nowMs)}.`]
  })
}

function probeWords({ verdict, failures, results, spec }: ProbeRecord, nowMs: number): string {
  const last = results.at(-1)
  if (last === undefined) return 'has not been asked yet'
  const answer = last.cause === null ? `passed in ${last.latency_ms} ms` : last.cause
  const count = failures > 0 ? `, ${failures} ${failures === 1 ? 'failure' : 'failures'} in a row of ${spec.failureThreshold} that make it failing` : ''
  return `is ${verdict === 'unknown' ? 'not decided yet' : verdict} (asked ${since(last.at, nowMs)} ago: ${answer}${count})`
}

function countLines({ attempts, restart }: ProcessRecord, nowMs: number): readonly string[] {
  return Object.entries(attempts).flatMap(([cause, counter]) => {
    const recent = (counter?.at ?? []).filter((at) => Date.parse(at) > nowMs - restart.windowMs).length
    if (recent === 0) return []
    const limit = restart.maxAttempts === 0 ? '' : ` of at most ${restart.maxAttempts}`
    return [
      `Counted for ${CAUSE_WORDS[cause as RestartCause]}: ${recent}${limit} restarts within ${formatSpan(restart.windowMs)}, ${counter?.in_a_row} in a row.`,
    ]
  })
}

function breakerLines({ breaker }: ProcessRecord, nowMs: number): readonly string[] {
  if (breaker === null) return []
  const { failures, windowMs } = breaker.policy
  const recent = breaker.failures_at.filter((at) => Date.parse(at) > nowMs - windowMs).length
  if (breaker.state === 'open') return [`Its circuit breaker is open: a trial run ${inOrAgo(breaker.open_until, nowMs)}; restart --force or reset closes it.`]
  if (breaker.state === 'half-open') return ['Its circuit breaker is half-open: this run is the trial.']
  return recent === 0 ? [] : [`Its circuit breaker is closed: ${recent} failures of the ${failures} within ${formatSpan(windowMs)} that open it.`]
}

function since(iso: string | null, nowMs: number): string {
  return iso === null ? 'an unknown time' : formatSpan(Math.max(0, nowMs - Date.parse(iso)))
}

function inOrAgo(iso: string | null, nowMs: number): string {
  if (iso === null) return 'soon'
  const ms = Date.parse(iso) - nowMs
  return ms > 0 ? `in ${formatSpan(ms)}` : 'as soon as a manager lives (it is due)'
}
