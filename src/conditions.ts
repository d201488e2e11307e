/** What can be waited for, as far as a record tells: for the supervisor and the lock-free reader alike. */
import { ProcmanError } from './errors.ts'
import type { ProcessRecord } from './machines/process/record.ts'

/** `ready`: up, and all that it was to wait for has come. `healthy`: ready, and every probe passes. `settled`: exited or orphaned. */
export type WaitCondition = 'ready' | 'healthy' | 'settled'

const CONDITIONS: readonly WaitCondition[] = ['ready', 'healthy', 'settled']

/** @throws PROCMAN_INVALID_ARGUMENT */
export function mustBeCondition(condition: unknown): asserts condition is WaitCondition {
  if ((CONDITIONS as readonly unknown[]).includes(condition)) return
  const message = `what is waited for must be one of ${CONDITIONS.join(', ')}, not ${JSON.stringify(condition) ?? String(condition)}`
  throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', message, { details: { condition } })
}

export function holds(record: ProcessRecord, condition: WaitCondition): boolean {
  if (condition === 'settled') return isSettled(record)
  return record.ready && (condition === 'ready' || record.health === null || record.health.status === 'healthy')
}

/** A run has ended; or it has not begun, and nothing is to begin. @param run undefined: no run is meant */
export function isRunOver(record: Pick<ProcessRecord, 'run' | 'state'>, run: number | undefined): boolean {
  if (run === undefined || record.run < run) return false
  return record.run > run || record.state === 'backoff' || record.state === 'exited' || record.state === 'orphaned'
}

/** It has settled, and only a user can start it again. */
export function isHopeless(record: ProcessRecord, condition: WaitCondition): boolean {
  return condition !== 'settled' && isSettled(record)
}

/** @returns PROCMAN_NOT_READY, with the last reason */
export function notReady(record: ProcessRecord, condition: WaitCondition): ProcmanError {
  const { id, state } = record
  return new ProcmanError('PROCMAN_NOT_READY', `process ${id} is ${state}, and was not ${condition}: ${lastReason(record)}`, {
    details: { id, state, condition },
  })
}

/** As "process web is not ready after 30000 ms, it is starting: readiness probe failed 4 times: connection refused". */
export function tooLate(record: ProcessRecord, condition: WaitCondition, timeoutMs: number): string {
  return condition === 'settled'
    ? `process ${record.id} is still ${record.state} after ${timeoutMs} ms`
    : `process ${record.id} is not ${condition} after ${timeoutMs} ms, it is ${record.state}: ${lastReason(record)}`
}

function lastReason({ state, waiting_for, error, reasons, completed_at, health }: ProcessRecord): string {
  // How the run has ended, and when the next one begins.
  const verdict = state === 'backoff' ? reasons.findLast(({ at }) => at === completed_at)?.text : null
  const unasked = health !== null && health.status === 'unknown' ? 'not all of its probes have passed yet' : null
  return verdict ?? waiting_for ?? error ?? unasked ?? reasons.at(-1)?.text ?? 'no reason is known'
}

function isSettled({ state }: ProcessRecord): boolean {
  return state === 'exited' || state === 'orphaned'
}
