/** What becomes of the answers of probes: what an effect is to know of a process, and which changes can wait for the disk. */
import type { HealthView } from '../effects/probe/ports.ts'
import { steadyAfterMs } from '../machines/process/attendance.ts'
import type { ProbeName, ProbeState, ProcessContext } from '../types.ts'
import type { ActorSnapshot } from './wait.ts'

/**
 * Another answer of a probe that turned nothing. These come all the time: they are on disk within seconds, and at once only while failures add up to a verdict.
 */
export function isUneventfulAnswer(before: ActorSnapshot, after: ActorSnapshot): boolean {
  const { probes } = after.context
  if (before.value !== after.value || before.context.probes === probes) return false
  const isQuiet = ([name, probe]: [string, ProbeState]) =>
    probe.verdict === before.context.probes[name as ProbeName]?.verdict && (probe.failures === 0 || probe.verdict === 'failing')
  return (
    Object.entries(probes).every(isQuiet) &&
    Object.keys(after.context).every((key) => key === 'probes' || isSame(before.context, after.context, key as keyof ProcessContext))
  )
}

export function viewOf({ value, context }: ActorSnapshot): HealthView {
  const { startedAtMs, signalledAtMs, readyAtMs, probes } = context
  const hasBeenReady = value === 'running' || value === 'unhealthy'
  return { startedAtMs, signalledAtMs, readyAtMs, hasBeenReady, probes, steadyAfterMs: steadyAfterMs(context) }
}

function isSame(before: ProcessContext, after: ProcessContext, key: keyof ProcessContext): boolean {
  return before[key] === after[key]
}
