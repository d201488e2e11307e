/** Says in plain words why a process is in its state, what was counted, and when the next thing will happen. Pure. */
import { intervalInForce } from '../../probe-interval.ts'
import type { ProbeName, RestartCause } from '../../types.ts'
import { trialMs } from './breaker.ts'
import type { HealthRecord, ProbeRecord } from './health-record.ts'
import type { ProcessRecord } from './record.ts'
import { CAUSE_WORDS } from './restart.ts'
import { formatSpan } from './span.ts'
import type { ProcessState } from './states.ts'

/**
 * @param nowMs ms since 1970: what is counted and how long things take is told as of then
 * @returns one sentence a line, the answer first
 */
export function explainProcess(record: ProcessRecord, nowMs: number): readonly string[] {
  return [
    ...stateLines(record, nowMs),
    ...progressLines(record, nowMs),
    ...probeLines(record, nowMs),
    ...countLines(record, nowMs),
    ...breakerLines(record, nowMs),
  ]
}

function stateLines(record: ProcessRecord, nowMs: number): readonly string[] {
  const { id, run, pid, retry_at } = record
  const up = `${id} (run ${run}${pid === null ? '' : `, pid ${pid}`})`
  switch (record.state) {
    case 'pending':
      return [`${id} was created and has not been started yet${heldWords(record)}.`]
    case 'starting': {
      if (record.started_at === null) return [`${id} is being launched (run ${run}).`]
      const by = record.ready_by === null ? [] : [`It is stopped as a failed start ${inOrAgo(record.ready_by, nowMs)}, unless it is ready by then.`]
      return [`${up} is up for ${since(record.started_at, nowMs)} and not ready yet: ${record.waiting_for}.`, ...by]
    }
    case 'running': {
      const before = reasonUpTo(record, record.started_at)
      return [`${up} is up, and ready for ${since(record.ready_at ?? record.started_at, nowMs)}${before === undefined ? '' : `; before that: ${before}`}.`]
    }
    case 'unhealthy':
      return [`${up} is up and not well: ${record.waiting_for}.`]
    case 'backoff':
      return [`${id} is down, and is started again ${inOrAgo(retry_at, nowMs)}: ${verdictOf(record)}.`]
    case 'stopping': {
      const kill = record.stopping === null ? '' : `; whatever is left is killed ${inOrAgo(record.stopping.kill_at, nowMs)}`
      return [`${up} is being stopped, ${stopWords(record)}${kill}.`]
    }
    case 'exited':
    case 'orphaned': {
      if (run === 0) return [`${id} was stopped by the user before it was ever started${heldWords(record)}.`]
      const held = record.waiting_for === null ? [] : [`It may not start yet${heldWords(record)}.`]
      const next = record.gave_up ? [`It is not started again by itself: start it with restart when the cause is gone.`] : []
      return [`${id} has been down for ${since(record.completed_at, nowMs)} (run ${run}): ${verdictOf(record)}.`, ...held, ...next]
    }
  }
}

function progressLines({ progress, pid }: ProcessRecord, nowMs: number): readonly string[] {
  if (progress === null || progress.percent === null || pid === null) return []
  return [`By its output, ${Math.floor(progress.percent)} % was done ${formatSpan(Math.max(0, nowMs - progress.atMs))} ago.`]
}

/** Who holds it back says what it does, as "waits for db to be healthy: db is starting". */
function heldWords({ waiting_for }: ProcessRecord): string {
  return waiting_for === null ? '' : `: ${waiting_for.startsWith('waits ') ? 'it ' : ''}${waiting_for}`
}

/** What was decided when the last run had ended, with how it ended; a stop by the user came after that. */
function verdictOf(record: ProcessRecord): string {
  const { status, error, completed_at } = record
  if (status === 'cancelled') return `stopped by the user${error === null ? '' : ` (${error})`}`
  return reasonUpTo(record, completed_at) ?? error ?? 'ended well'
}

/** The last thing that went on record until then. */
function reasonUpTo({ reasons }: ProcessRecord, iso: string | null): string | undefined {
  return iso === null ? undefined : reasons.findLast(({ at }) => at <= iso)?.text
}

function stopWords({ stopping, waiting_for }: ProcessRecord): string {
  switch (stopping?.purpose) {
    case 'restart':
      return stopping.reason === undefined ? 'to be restarted by the user' : `to be restarted: ${stopping.reason}`
    case 'leftovers':
      return 'since its command has ended and left something behind'
    case 'unhealthy':
    case 'unready':
      return `since it failed: ${waiting_for}`
    default:
      return 'by the user'
  }
}

const PROBES = ['startup', 'liveness', 'readiness'] as const

function probeLines({ health, state }: ProcessRecord, nowMs: number): readonly string[] {
  if (health === null || state === 'backoff' || state === 'exited' || state === 'pending') return []
  return PROBES.flatMap((name) => {
    const probe = health[name]
    return probe === undefined ? [] : [`Its ${name} probe ${probeWords(probe, nowMs, intervalOf(name, health, state))}.`]
  })
}

/** Null: it is not asked now. */
function intervalOf(name: ProbeName, health: HealthRecord, state: ProcessState): number | null {
  const probe = health[name]
  const isStartedUp = health.startup === undefined || health.startup.verdict === 'passing'
  if (probe === undefined || state === 'stopping' || (name === 'startup') === isStartedUp) return null
  return intervalInForce(name, probe.spec, state !== 'starting')
}

function probeWords({ verdict, failures, results, spec }: ProbeRecord, nowMs: number, intervalMs: number | null): string {
  const last = results.at(-1)
  if (last === undefined) return 'has not been asked yet'
  const answer = last.cause === null ? `passed in ${last.latency_ms} ms` : last.cause
  const count = failures > 0 ? `, ${failures} ${failures === 1 ? 'failure' : 'failures'} in a row of ${spec.failureThreshold} that make it failing` : ''
  const nextMs = intervalMs === null ? 0 : Date.parse(last.at) + intervalMs - nowMs
  const next = nextMs > 0 ? `; asked again in ${formatSpan(nextMs)}` : ''
  return `is ${verdict === 'unknown' ? 'not decided yet' : verdict} (asked ${since(last.at, nowMs)} ago: ${answer}${count}${next})`
}

function countLines({ attempts, restart }: ProcessRecord, nowMs: number): readonly string[] {
  return Object.entries(attempts).flatMap(([cause, counter]) => {
    const recent = (counter?.at ?? []).filter((at) => Date.parse(at) > nowMs - restart.windowMs).length
    if (recent === 0) return []
    const limit = restart.maxAttempts === 0 ? '' : ` of at most ${restart.maxAttempts}`
    return [
      `Counted for ${CAUSE_WORDS[cause as RestartCause]}: ${recent}${limit} ${recent === 1 && limit === '' ? 'restart' : 'restarts'} within ${formatSpan(restart.windowMs)}, ${counter?.in_a_row} in a row.`,
    ]
  })
}

function breakerLines({ breaker, state, restart }: ProcessRecord, nowMs: number): readonly string[] {
  if (breaker === null) return []
  const isUp = state !== 'exited' && state !== 'orphaned' && state !== 'backoff'
  switch (breaker.state) {
    case 'open':
      return [`Its circuit breaker is open${openWords(breaker.open_until, state === 'backoff', nowMs)}`]
    case 'half-open':
      return [
        `Its circuit breaker is half-open: ${isUp ? 'this' : 'the next'} run is the trial, which closes it once it was ready for ${formatSpan(trialMs(breaker.policy, restart.resetAfterMs))}.`,
      ]
    case 'closed': {
      const { failures, windowMs } = breaker.policy
      const recent = breaker.failures_at.filter((at) => Date.parse(at) > nowMs - windowMs).length
      return recent === 0 ? [] : [`Its circuit breaker is closed: ${recent} of the ${failures} failures within ${formatSpan(windowMs)} that open it.`]
    }
  }
}

/** What has given up or was stopped is started by nobody but the user. */
function openWords(untilIso: string | null, isWaiting: boolean, nowMs: number): string {
  if (isWaiting) return `: a trial run ${inOrAgo(untilIso, nowMs)}; restart --force or reset closes it.`
  const leftMs = untilIso === null ? 0 : Date.parse(untilIso) - nowMs
  if (leftMs <= 0) return ', and its cooldown is over: the next run is the trial.'
  return `: nothing starts it in the next ${formatSpan(leftMs)} but restart --force; reset closes it.`
}

function since(iso: string | null, nowMs: number): string {
  return iso === null ? 'an unknown time' : formatSpan(Math.max(0, nowMs - Date.parse(iso)))
}

function inOrAgo(iso: string | null, nowMs: number): string {
  if (iso === null) return 'soon'
  const ms = Date.parse(iso) - nowMs
  return ms > 0 ? `in ${formatSpan(ms)}` : 'as soon as a manager lives (it is due)'
}
