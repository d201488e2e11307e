/** The rows about restarts: the policy, what was counted, the circuit breaker. */
import type { BreakerRecord, ProcessRecord, RestartCause, RestartPolicy } from '../../index.ts'
import type { Row } from './row.ts'
import { renderAgo, renderSpan, renderTime } from './time.ts'

const CAUSES: Readonly<Record<RestartCause, string>> = {
  crash: 'its own end',
  health: 'failed health',
  start: 'failed start',
  resource: 'too much of a resource',
  port: 'a port in use',
}

/** Only what there is: nothing for a process that nobody starts again. */
export function restartRows(record: ProcessRecord, nowMs: number): readonly Row[] {
  const { breaker, gave_up, attempts, restart } = record
  return [
    ...Object.entries(attempts).map(([cause, counter], index): Row => {
      const limit = restart.maxAttempts === 0 ? '' : ` of ${restart.maxAttempts}`
      const recent = countSince(counter.at, nowMs - restart.windowMs)
      const last = counter.at.at(-1)
      const details = [`${counter.in_a_row} in a row`, ...(last === undefined ? [] : [`the last ${renderAgo(last, nowMs)}`])].join(', ')
      return [index === 0 ? 'attempts' : '', `${CAUSES[cause as RestartCause]}: ${recent}${limit} within ${renderSpan(restart.windowMs)} (${details})`]
    }),
    ...(breaker === null ? [] : [['breaker', renderBreaker(breaker, nowMs)] as const]),
    ...(gave_up ? [['gave up', 'yes'] as const] : []),
  ]
}

export function renderPolicy(policy: RestartPolicy): string {
  const successes = [...policy.successExitCodes, ...policy.successSignals].join(', ')
  const isUsual = successes === '0'
  const exits = isUsual ? [] : [`no failure: ${successes === '' ? 'none' : successes}`]
  if (policy.strategy === 'never') return ['never', ...exits].join('; ')
  const { delayMs, multiplier, maxDelayMs, jitter, maxAttempts, windowMs, resetAfterMs, noRestartExitCodes } = policy
  const spread = jitter === 0 ? '' : `, each up to ${Math.round(jitter * 100)} % longer or shorter`
  const waits = `after ${renderSpan(delayMs)}, then x${multiplier} up to ${renderSpan(maxDelayMs)}${spread}`
  const limit = maxAttempts === 0 ? 'without limit' : `at most ${maxAttempts} for one cause within ${renderSpan(windowMs)}`
  const never = noRestartExitCodes.length === 0 ? [] : [`not after code ${noRestartExitCodes.join(', ')}`]
  return [`${policy.strategy}, ${waits}, ${limit}`, `the waits begin anew once it was ready for ${renderSpan(resetAfterMs)}`, ...exits, ...never].join('; ')
}

function renderBreaker({ state, failures_at, open_until, policy }: BreakerRecord, nowMs: number): string {
  const { failures, windowMs, cooldownMs } = policy
  const rule = `${failures} failures within ${renderSpan(windowMs)} open it for ${renderSpan(cooldownMs)}`
  switch (state) {
    case 'closed':
      return `closed, ${countSince(failures_at, nowMs - windowMs)} counted; ${rule}`
    case 'open':
      return `open until ${renderTime(open_until, nowMs)}; restart --force or reset closes it`
    case 'half-open':
      return 'half-open: this run is the trial'
  }
}

function countSince(times: readonly string[], sinceMs: number): number {
  return times.filter((at) => Date.parse(at) > sinceMs).length
}
