/** What becomes of what is found out of a run that is up: what an effect is to know of its process, and which changes can wait for the disk. */
import type { HealthView } from '../effects/probe/ports.ts'
import { steadyAfterMs } from '../machines/process/attendance.ts'
import type { Progress } from '../output.ts'
import type { ProbeName, ProbeState, ProcessContext } from '../types.ts'
import type { ActorSnapshot } from './wait.ts'

/**
 * Another answer of a probe that turned nothing. These come all the time: they are on disk within seconds, and at once only while failures add up to a verdict.
 */
function isUneventfulAnswer(before: ActorSnapshot, after: ActorSnapshot): boolean {
  const { probes } = after.context
  if (before.value !== after.value || before.context.probes === probes) return false
  const isQuiet = ([name, probe]: [string, ProbeState]) =>
    probe.verdict === before.context.probes[name as ProbeName]?.verdict && (probe.failures === 0 || probe.verdict === 'failing')
  return Object.entries(probes).every(isQuiet) && isAllThatChanged('probes', before, after)
}

/** How soon a change has to be on disk. Of progress only another percent, or something else to do: what lies between is found in the output again. */
export function urgencyOf(before: ActorSnapshot, after: ActorSnapshot): 'now' | 'soon' | 'never' {
  if (isUneventfulAnswer(before, after)) return 'soon'
  if (!isMereProgress(before, after)) return 'now'
  const [last, next] = [before.context.progress, after.context.progress]
  return wholeOf(last) !== wholeOf(next) || last?.message !== next?.message ? 'soon' : 'never'
}

/**
 * A run that is being launched is on record by its intent, which outranks an older snapshot, and a retry that is due already by the end of the run before it:
 * a file less to write at each start and restart.
 */
export function isOnRecordOtherwise({ value, context }: ActorSnapshot): boolean {
  return (value === 'starting' && context.identity === null) || (value === 'backoff' && context.retryAtMs !== null && context.retryAtMs <= Date.now())
}

/** It says how far it is, and nothing else. */
function isMereProgress(before: ActorSnapshot, after: ActorSnapshot): boolean {
  return before.value === after.value && before.context.progress !== after.context.progress && isAllThatChanged('progress', before, after)
}

function wholeOf(progress: Progress | null): number | null {
  return progress === null || progress.percent === null ? null : Math.floor(progress.percent)
}

function isAllThatChanged(part: keyof ProcessContext, before: ActorSnapshot, after: ActorSnapshot): boolean {
  return Object.keys(after.context).every((key) => key === part || isSame(before.context, after.context, key as keyof ProcessContext))
}

export function viewOf({ value, context }: ActorSnapshot): HealthView {
  const { startedAtMs, signalledAtMs, readyAtMs, probes } = context
  const hasBeenReady = value === 'running' || value === 'unhealthy'
  return { startedAtMs, signalledAtMs, readyAtMs, hasBeenReady, probes, steadyAfterMs: steadyAfterMs(context) }
}

function isSame(before: ProcessContext, after: ProcessContext, key: keyof ProcessContext): boolean {
  return before[key] === after[key]
}
