/** Says what to do after a run has ended. Pure: same facts, same verdict. */
import type { BreakerPolicy, BreakerState, Outcome, ProcessContext, RestartCause, RestartCounter, RestartPolicy } from '../../types.ts'
import { breakerAfter } from './breaker.ts'
import { recentOf } from './recent.ts'
import { formatSpan } from './span.ts'

type Counters = ProcessContext['counters']

export interface EndFacts {
  readonly policy: RestartPolicy
  readonly breakerPolicy: BreakerPolicy | null
  readonly outcome: Outcome
  /** Procman itself has ended the run: for this cause. */
  readonly endedFor: RestartCause | null
  /** Somebody else holds one of its ports. */
  readonly hasConflict: boolean
  readonly counters: Counters
  readonly breaker: BreakerState | null
  /** The user has asked for the end. */
  readonly cancelled: boolean
  /** When the run began, and since when it was ready; null when it was not. Ms since 1970. */
  readonly startedAtMs: number | null
  readonly readyAtMs: number | null
  readonly endedAtMs: number
  /** When that was found out. Before the end: the clock has been set back meanwhile. */
  readonly nowMs: number
  /** Where in its range of jitter the wait is to be: 0 to 1. */
  readonly draw: number
}

export type RestartVerdict =
  | { readonly kind: 'stay-down'; readonly breaker: BreakerState | null; readonly reason: string }
  | {
      readonly kind: 'restart'
      readonly atMs: number
      readonly delayMs: number
      readonly counters: Counters
      readonly breaker: BreakerState | null
      readonly reason: string
    }
  | { readonly kind: 'give-up'; readonly breaker: BreakerState | null; readonly reason: string }

/** A run that could not begin because of the state directory is no sooner begun again, however short the delay of the policy is. In ms. */
const OUR_DELAY_MS = 1_000
/** Whoever fails so soon, in ms, while somebody else holds its port has failed for that. */
const EARLY_MS = 10_000

export const CAUSE_WORDS: Readonly<Record<RestartCause, string>> = {
  crash: 'its own end',
  health: 'failed health',
  start: 'failed start',
  resource: 'too much of a resource',
  port: 'a port in use',
}

export function decideRestart(facts: EndFacts): RestartVerdict {
  const { policy, outcome, breaker } = facts
  if (facts.cancelled) return { kind: 'stay-down', breaker, reason: 'stopped by the user' }
  if (policy.strategy === 'never') return { kind: 'stay-down', breaker, reason: 'restart policy: never' }
  const isWell = facts.endedFor === null && isSuccess(outcome, policy)
  if (policy.strategy === 'on-failure' && isWell)
    return { kind: 'stay-down', breaker: breakerOf(facts, false), reason: 'no failure, and the restart policy is on-failure' }
  if (outcome.kind === 'code' && policy.noRestartExitCodes.includes(outcome.code) && facts.endedFor === null)
    return { kind: 'stay-down', breaker, reason: `exit code ${outcome.code} is one of noRestartExitCodes` }
  const counters = wasSteady(facts) ? withoutStreaks(facts.counters) : facts.counters
  // A full disk says nothing about the process: it costs none of its restarts, and when there is room it goes on.
  if (isOurs(outcome)) {
    const delayMs = Math.max(OUR_DELAY_MS, backoffDelay(policy, streakOf(counters, 'crash'), facts.draw))
    return again(facts, delayMs, counters, facts.breaker, '(not counted)')
  }
  return counted(facts, counters, isWell)
}

function counted(facts: EndFacts, counters: Counters, isWell: boolean): RestartVerdict {
  const { policy } = facts
  const cause = causeOf(facts)
  const atMs = baseOf(facts)
  const { streak, atMs: times } = counters[cause] ?? { streak: 0, atMs: [] }
  const recent = recentOf(times, atMs, policy.windowMs)
  // Who found its port taken has neither failed nor passed a trial.
  const breaker = cause === 'port' ? facts.breaker : breakerOf(facts, !isWell)
  if (policy.maxAttempts > 0 && recent.length >= policy.maxAttempts) {
    const times = `${recent.length} ${recent.length === 1 ? 'restart' : 'restarts'}`
    return {
      kind: 'give-up',
      breaker,
      reason: `gave up after ${times} for ${CAUSE_WORDS[cause]} within ${formatSpan(policy.windowMs)} (maxAttempts ${policy.maxAttempts})`,
    }
  }
  const counter: RestartCounter = { streak: streak + 1, atMs: [...recent, atMs].slice(-Math.max(policy.maxAttempts, KEPT_TIMES)) }
  const next = { ...counters, [cause]: counter }
  if (breaker?.state === 'open' && breaker.openUntilMs !== null) {
    const delayMs = Math.max(0, breaker.openUntilMs - atMs)
    return { kind: 'restart', atMs: atMs + delayMs, delayMs, counters: next, breaker, reason: openReason(facts, breaker, delayMs) }
  }
  const count = `${recent.length + 1}${policy.maxAttempts > 0 ? ` of ${policy.maxAttempts}` : ''}${cause === 'crash' ? '' : ` for ${CAUSE_WORDS[cause]}`}`
  return again(facts, delayOf(facts, cause, streak), next, breaker, count)
}

/** Without a limit nobody needs more of them. */
const KEPT_TIMES = 20

function openReason({ breaker: before, breakerPolicy }: EndFacts, { failuresAtMs }: BreakerState, delayMs: number): string {
  const why = before?.state === 'half-open' ? 'the trial run failed' : `${failuresAtMs.length} failures within ${formatSpan(breakerPolicy?.windowMs ?? 0)}`
  return `the circuit breaker is open (${why}): a trial run in ${formatSpan(delayMs)}`
}

function again(facts: EndFacts, delayMs: number, counters: Counters, breaker: BreakerState | null, count: string): RestartVerdict {
  const reason = `restart ${count} in ${delayMs} ms (${facts.policy.strategy})`
  return { kind: 'restart', atMs: baseOf(facts) + delayMs, delayMs, counters, breaker, reason }
}

function breakerOf(facts: EndFacts, isFailure: boolean): BreakerState | null {
  return breakerAfter({ policy: facts.breakerPolicy, state: facts.breaker, isFailure, atMs: baseOf(facts) })
}

function baseOf({ endedAtMs, nowMs }: EndFacts): number {
  return Math.min(endedAtMs, nowMs)
}

function causeOf({ outcome, endedFor, hasConflict, readyAtMs, startedAtMs, endedAtMs }: EndFacts): RestartCause {
  if (endedFor !== null) return endedFor
  if (outcome.kind === 'launch-failed') return outcome.step === 'port' ? 'port' : 'start'
  const isEarly = readyAtMs === null || startedAtMs === null || endedAtMs - startedAtMs < EARLY_MS
  return hasConflict && isEarly ? 'port' : 'crash'
}

/** Another port is tried at once. What cannot be executed will not be so in a moment: it is tried again at the slow end. */
function delayOf({ policy, outcome, draw }: EndFacts, cause: RestartCause, streak: number): number {
  if (outcome.kind === 'launch-failed' && cause === 'start') return jittered(policy, policy.maxDelayMs, draw)
  if (cause !== 'port' || outcome.kind === 'launch-failed') return backoffDelay(policy, streak, draw)
  return streak === 0 ? 0 : backoffDelay(policy, streak - 1, draw)
}

/** Wait before the restart that follows `attempts` earlier ones: delay × multiplier^attempts, capped, longer or shorter by the jitter. In ms. */
export function backoffDelay(policy: RestartPolicy, attempts: number, draw: number): number {
  // 0 × Infinity is not a number: a delay of 0 stays 0 however many attempts there were.
  if (policy.delayMs === 0) return 0
  return jittered(policy, Math.min(policy.maxDelayMs, policy.delayMs * policy.multiplier ** attempts), draw)
}

/** The cap holds for the longest of them, too: at the cap they are spread below it. */
function jittered({ jitter, maxDelayMs }: RestartPolicy, delayMs: number, draw: number): number {
  const shortest = delayMs * (1 - jitter)
  const longest = Math.max(shortest, Math.min(delayMs * (1 + jitter), maxDelayMs))
  return Math.round(shortest + (longest - shortest) * draw)
}

/** It was a file of procman's own that could not be written or opened. */
function isOurs(outcome: Outcome): boolean {
  return outcome.kind === 'launch-failed' && outcome.path !== undefined
}

export function isSuccess(outcome: Outcome, policy: RestartPolicy): boolean {
  if (outcome.kind === 'code') return policy.successExitCodes.includes(outcome.code)
  return outcome.kind === 'signal' && policy.successSignals.includes(outcome.signal)
}

function wasSteady({ readyAtMs, endedAtMs, policy }: EndFacts): boolean {
  return readyAtMs !== null && endedAtMs - readyAtMs >= policy.resetAfterMs
}

function streakOf(counters: Counters, cause: RestartCause): number {
  return counters[cause]?.streak ?? 0
}

/** The waits begin anew; what the window has counted it forgets by itself. */
export function withoutStreaks(counters: Counters): Counters {
  return Object.fromEntries(Object.entries(counters).map(([cause, counter]) => [cause, { ...counter, streak: 0 }]))
}
