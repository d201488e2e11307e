/** Says what to do after a run has ended. Pure: same facts, same verdict. */
import type { Outcome, RestartPolicy } from '../../types.ts'

export interface EndFacts {
  readonly policy: RestartPolicy
  readonly outcome: Outcome
  /** Restarts by policy in a row before this end. */
  readonly attempts: number
  /** The user has asked for the end. */
  readonly cancelled: boolean
  /** When the run began; null when it was never executed. Ms since 1970. */
  readonly startedAtMs: number | null
  readonly endedAtMs: number
  /** When that was found out. Before the end: the clock has been set back meanwhile. */
  readonly nowMs: number
}

export type RestartVerdict =
  | { readonly kind: 'stay-down'; readonly reason: string }
  | { readonly kind: 'restart'; readonly atMs: number; readonly delayMs: number; readonly attempts: number; readonly reason: string }
  | { readonly kind: 'give-up'; readonly reason: string }

/** A run that could not begin because of the state directory is no sooner begun again, however short the delay of the policy is. In ms. */
const OUR_DELAY_MS = 1_000

export function decideRestart(facts: EndFacts): RestartVerdict {
  const { policy, outcome } = facts
  if (facts.cancelled) return { kind: 'stay-down', reason: 'stopped by the user' }
  if (policy.strategy === 'never') return { kind: 'stay-down', reason: 'restart policy: never' }
  if (policy.strategy === 'on-failure' && isSuccess(outcome)) return { kind: 'stay-down', reason: 'ended well, and the restart policy is on-failure' }
  const attempts = lastedLong(facts) ? 0 : facts.attempts
  // A full disk says nothing about the process: it costs none of its restarts, and when there is room it goes on.
  if (isOurs(outcome)) return again(facts, Math.max(OUR_DELAY_MS, backoffDelay(policy, attempts)), attempts, '(not counted)')
  if (policy.maxRestarts > 0 && attempts >= policy.maxRestarts) {
    return { kind: 'give-up', reason: `gave up after ${attempts} ${attempts === 1 ? 'restart' : 'restarts'} (maxRestarts ${policy.maxRestarts})` }
  }
  return again(facts, backoffDelay(policy, attempts), attempts + 1, `${attempts + 1}${policy.maxRestarts > 0 ? ` of ${policy.maxRestarts}` : ''}`)
}

function again({ policy, endedAtMs, nowMs }: EndFacts, delayMs: number, attempts: number, count: string): RestartVerdict {
  return { kind: 'restart', atMs: Math.min(endedAtMs, nowMs) + delayMs, delayMs, attempts, reason: `restart ${count} in ${delayMs} ms (${policy.strategy})` }
}

/** Wait before the restart that follows `attempts` earlier ones: delay × multiplier^attempts, capped. In ms. */
export function backoffDelay(policy: RestartPolicy, attempts: number): number {
  // 0 × Infinity is not a number: a delay of 0 stays 0 however many attempts there were.
  if (policy.delayMs === 0) return 0
  return Math.round(Math.min(policy.maxDelayMs, policy.delayMs * policy.multiplier ** attempts))
}

/** It was a file of procman's own that could not be written or opened. */
function isOurs(outcome: Outcome): boolean {
  return outcome.kind === 'launch-failed' && outcome.path !== undefined
}

function isSuccess(outcome: Outcome): boolean {
  return outcome.kind === 'code' && outcome.code === 0
}

function lastedLong({ startedAtMs, endedAtMs, policy }: EndFacts): boolean {
  return startedAtMs !== null && endedAtMs - startedAtMs >= policy.resetAfterMs
}
