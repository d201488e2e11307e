/** How facts and commands change what is known of a process. Pure functions from (context, event) to the parts that change. */

import { placeOf } from '../../spread.ts'
import type { Outcome, ProbeName, ProcessContext, ProcessSpec, StopInProgress } from '../../types.ts'
import { breakerOnStart, isOpen } from './breaker.ts'
import { type Change, noted, nowOf } from './change.ts'
import { describeFailure } from './describe.ts'
import type { ProcessEvent } from './events.ts'
import { describeProbe, notReadyReason } from './health.ts'
import { decideRestart } from './restart.ts'
import { formatSpan } from './span.ts'
import { hastenStop, planStop } from './stop.ts'

export function contextOf(spec: ProcessSpec, createdAtMs: number): ProcessContext {
  return {
    spec,
    run: 0,
    identity: null,
    createdAtMs,
    startedAtMs: null,
    endedAtMs: null,
    outcome: null,
    restarts: 0,
    counters: {},
    breaker: null,
    probes: {},
    signalledAtMs: null,
    readyAtMs: null,
    failure: null,
    ports: {},
    retryAtMs: null,
    retryDelayMs: null,
    stop: null,
    cancelled: false,
    keeperLost: false,
    gaveUp: false,
    waitingFor: null,
    progress: null,
    reasons: [],
  }
}

/** Facts name their run; one of an older run must not touch the current one. */
export function isCurrent(context: ProcessContext, event: ProcessEvent): boolean {
  return 'run' in event && event.run === context.run
}

/**
 * The next run begins: everything that belonged to the last one is forgotten, the history stays, and its ports are wanted again. A start by command costs nothing,
 * and clears what was counted; behind a breaker whose cooldown is over it is the trial run all the same.
 */
export function nextRun(context: ProcessContext, event: ProcessEvent): Change {
  const isRetry = event.type === 'deadline.passed'
  return {
    run: context.run + 1,
    restarts: context.restarts + (context.run === 0 ? 0 : 1),
    counters: isRetry ? context.counters : {},
    breaker: isForced(event) ? null : breakerOnStart(context.breaker),
    probes: {},
    signalledAtMs: null,
    readyAtMs: null,
    failure: null,
    identity: null,
    startedAtMs: null,
    endedAtMs: null,
    outcome: null,
    retryAtMs: null,
    retryDelayMs: null,
    stop: null,
    cancelled: false,
    keeperLost: false,
    gaveUp: false,
    waitingFor: null,
    progress: null,
    ports: wantedAgain(context),
  }
}

/** Those that it was declared anew without, or elsewhere, are not. */
function wantedAgain({ spec, ports }: ProcessContext): ProcessContext['ports'] {
  const isWanted = ([name, port]: [string, number]) => {
    const wanted = Object.hasOwn(spec.ports, name) ? spec.ports[name] : undefined
    return wanted !== undefined && (wanted.from === 0 || (port >= wanted.from && port <= wanted.to))
  }
  return Object.fromEntries(Object.entries(ports).filter(isWanted))
}

function isForced(event: ProcessEvent): boolean {
  return event.type === 'process.reset' || ('force' in event && event.force === true)
}

/** An open breaker is in the way of what a user wants to begin, unless he insists. */
export function mayBegin(context: ProcessContext, event: ProcessEvent): boolean {
  return isForced(event) || !isOpen(context.breaker, 'atMs' in event ? event.atMs : 0)
}

export function afterLaunch(_context: ProcessContext, event: ProcessEvent): Change {
  return event.type === 'run.launched' ? { identity: event.identity, startedAtMs: event.atMs } : {}
}

export function afterReset(context: ProcessContext, event: ProcessEvent): Change {
  return { counters: {}, breaker: null, ...noted(context, nowOf(event), 'reset by the user: nothing counts against it') }
}

/** The command has ended; what it left behind is still being stopped. */
export function afterExit(context: ProcessContext, event: ProcessEvent): Change {
  return event.type === 'run.exited' ? { outcome: event.outcome, endedAtMs: endTimeOf(context, event.atMs) } : {}
}

/** What an end says; anything but an end is a bug in the chart. */
export function endOf(_context: ProcessContext, event: ProcessEvent): { readonly outcome: Outcome; readonly atMs: number; readonly nowMs: number } {
  if (event.type === 'run.ended' || event.type === 'run.exited') return event
  throw new Error(`internal: ${event.type} is not the end of a run`)
}

/** Nothing ends before it began, whatever the clock was set to meanwhile. */
function endTimeOf({ startedAtMs }: ProcessContext, atMs: number): number {
  return Math.max(atMs, startedAtMs ?? atMs)
}

export function shallRestart(context: ProcessContext, event: ProcessEvent): boolean {
  return verdictOf(context, event).kind === 'restart'
}

/** The run is over and its tree is gone: the verdict, with its reason, goes on record. */
export function settledWith(context: ProcessContext, event: ProcessEvent): Change {
  const { outcome } = endOf(context, event)
  const atMs = endTimeOf(context, endOf(context, event).atMs)
  const ended = { outcome, endedAtMs: atMs, readyAtMs: null, stop: null }
  if (context.stop?.purpose === 'restart' && !context.cancelled) return { ...ended, ...noted(context, atMs, restartedWords(context.stop)) }
  const verdict = verdictOf(context, event)
  const how = describeFailure(outcome, context.spec.command, context.spec.cwd)
  const conflict =
    event.type === 'run.ended' && event.conflict !== undefined ? `, and port ${event.conflict.port} (${event.conflict.name}) is held by somebody else` : ''
  return {
    ...ended,
    ...noted(context, atMs, `${context.failure === null ? how : context.failure.reason}${conflict}: ${verdict.reason}`),
    retryAtMs: verdict.kind === 'restart' ? verdict.atMs : null,
    retryDelayMs: verdict.kind === 'restart' ? verdict.delayMs : null,
    counters: verdict.kind === 'restart' ? verdict.counters : context.counters,
    breaker: verdict.breaker,
    gaveUp: verdict.kind === 'give-up',
  }
}

export function afterKeeperLoss(context: ProcessContext, event: ProcessEvent): Change {
  // Facts are told again to each state that watches the run.
  if (event.type !== 'run.keeper-lost' || context.keeperLost) return {}
  return {
    keeperLost: true,
    ...noted(
      context,
      event.atMs,
      'the keeper cannot be reached (killed, or its files deleted): the command is watched by its identity, its exit code will not be known',
    ),
  }
}

export function afterNote(context: ProcessContext, event: ProcessEvent): Change {
  if (event.type === 'stop.escalated') return noted(context, event.atMs, `${event.signal} sent`)
  return {}
}

/** A stop, a restart, a failed health check, or leftovers of a command that ended: each is a ladder of signals. */
export function afterStopRequest(context: ProcessContext, event: ProcessEvent): Change {
  const policy = context.spec.stop
  switch (event.type) {
    case 'process.stop': {
      const stop = planStop(policy, 'stop', event.atMs, event.timeoutMs)
      return { stop: context.stop === null ? stop : hastenStop(context.stop, stop) }
    }
    case 'process.restart':
      return { stop: planStop(policy, 'restart', event.atMs), ...(isForced(event) ? { breaker: null } : {}) }
    case 'run.exited':
      return { stop: planStop(policy, 'leftovers', event.nowMs) }
    case 'probe.failed':
      return unhealthyStop(context, event, event.probe)
    // Its failing probe was only reported until now.
    case 'process.update':
      return unhealthyStop(context, event, 'liveness')
    case 'startup.timed-out': {
      const reason = `not ready within ${formatSpan(context.spec.startupTimeoutMs)}: ${notReadyReason(context)}`
      return { stop: planStop(policy, 'unready', event.atMs), failure: { cause: 'start', reason }, ...noted(context, event.atMs, reason) }
    }
    default:
      throw new Error(`internal: ${event.type} does not stop a process`)
  }
}

function unhealthyStop(context: ProcessContext, event: ProcessEvent, probe: ProbeName): Change {
  return {
    stop: planStop(context.spec.stop, 'unhealthy', nowOf(event)),
    failure: { cause: 'health', reason: describeProbe(probe, context.probes[probe]) },
  }
}

function restartedWords({ reason }: StopInProgress): string {
  return reason === undefined ? 'restarted by the user' : `restarted: ${reason}`
}

/** The user wants it down: no retry, whatever was planned. */
export function afterCancel(context: ProcessContext, event: ProcessEvent): Change {
  return { cancelled: true, retryAtMs: null, retryDelayMs: null, waitingFor: null, ...noted(context, nowOf(event), 'stopped by the user') }
}

function verdictOf(context: ProcessContext, event: ProcessEvent) {
  const { outcome, atMs, nowMs } = endOf(context, event)
  return decideRestart({
    policy: context.spec.restart,
    breakerPolicy: context.spec.breaker,
    outcome,
    endedFor: context.failure?.cause ?? null,
    hasConflict: event.type === 'run.ended' && event.conflict !== undefined,
    counters: context.counters,
    breaker: context.breaker,
    cancelled: context.cancelled,
    startedAtMs: context.startedAtMs,
    readyAtMs: context.readyAtMs,
    endedAtMs: atMs,
    nowMs,
    draw: placeOf(`${context.spec.id}/${context.createdAtMs}/${context.run}`),
  })
}
