/** What happens next to a process, and when, if nobody commands anything else. */
import type { ProcessRecord } from '../../index.ts'
import { renderAgo, renderTime } from './time.ts'

const PROBES = ['startup', 'liveness', 'readiness'] as const

export function renderNext(record: ProcessRecord, nowMs: number): string {
  const { state, retry_at, ready_by, stopping, breaker, gave_up, waiting_for } = record
  switch (state) {
    case 'starting':
      return ready_by === null ? '-' : `stopped as a failed start ${renderDue(ready_by, nowMs)}, unless it is ready by then`
    case 'running':
    case 'unhealthy':
      return renderNextProbe(record, nowMs)
    case 'backoff':
      return `${breaker?.state === 'open' ? 'a trial run' : 'started again'} ${renderDue(retry_at, nowMs)}`
    case 'stopping':
      return stopping === null ? '-' : `whatever is left is killed ${renderDue(stopping.kill_at, nowMs)}`
    case 'exited':
      if (gave_up) return 'nothing by itself: start it with restart when the cause is gone'
      return waiting_for ?? '-'
    case 'pending':
    case 'orphaned':
      return waiting_for ?? '-'
  }
}

/** Those that were asked before: when the first question comes, only the manager knows. */
function renderNextProbe({ health }: ProcessRecord, nowMs: number): string {
  const [soonest] = PROBES.flatMap((name) => {
    const probe = name === 'startup' ? undefined : health?.[name]
    const last = probe?.results.at(-1)
    return probe === undefined || last === undefined ? [] : [{ name, atMs: Date.parse(last.at) + probe.spec.intervalMs }]
  }).sort((one, other) => one.atMs - other.atMs)
  return soonest === undefined ? '-' : `${soonest.name} probe ${renderDue(new Date(soonest.atMs).toISOString(), nowMs)}`
}

function renderDue(iso: string | null, nowMs: number): string {
  if (iso === null) return 'soon'
  return Date.parse(iso) > nowMs ? `at ${renderTime(iso, nowMs)}` : `as soon as it can be (due ${renderAgo(iso, nowMs)})`
}
