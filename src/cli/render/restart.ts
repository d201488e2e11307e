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

export function policyRows(policy: RestartPolicy): readonly Row[] {
  const { strategy, resetAfterMs, successExitCodes, successSignals, noRestartExitCodes } = policy
  const successes = [...successExitCodes, ...successSignals].join(', ')
  const isService = strategy !== 'never'
  const lines = [
    isService ? `${strategy}, ${renderWaits(policy)}, ${renderLimit(policy)}` : strategy,
    ...(isService ? [`the waits begin anew once it was ready for ${renderSpan(resetAfterMs)}`] : []),
    ...(successes === '0' ? [] : [`no failure: ${successes === '' ? 'none' : successes}`]),
    ...(isService && noRestartExitCodes.length > 0 ? [`not after exit code ${noRestartExitCodes.join(', ')}`] : []),
  ]
  return lines.map((line, index) => [index === 0 ? 'restart' : '', line])
}

function renderWaits({ delayMs, multiplier, maxDelayMs, jitter }: RestartPolicy): string {
  const spread = jitter === 0 ? '' : ` (${Math.round(jitter * 100)} % more or less)`
  return `after ${renderSpan(delayMs)}, then x${multiplier} up to ${renderSpan(maxDelayMs)}${spread}`
}

function renderLimit({ maxAttempts, windowMs }: RestartPolicy): string {
  return maxAttempts === 0 ? 'without limit' : `at most ${maxAttempts} for one cause within ${renderSpan(windowMs)}`
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
