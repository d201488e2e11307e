/** How what is found out of a run that is up (ports, probes, readiness) changes what is known of the process. Pure functions from (context, event) to the parts that change. */
import type { ProcessContext } from '../../types.ts'
import { trialMs } from './breaker.ts'
import { type Change, noted, nowOf } from './change.ts'
import type { ProcessEvent } from './events.ts'
import { afterResult, describeProbe } from './health.ts'
import { redactUrl } from './redact.ts'
import { withoutStreaks } from './restart.ts'
import { formatSpan } from './span.ts'

export function afterPorts(context: ProcessContext, event: ProcessEvent): Change {
  if (event.type !== 'run.ports-assigned') return {}
  const moved = Object.entries(event.ports).filter(([name, port]) => Object.hasOwn(context.ports, name) && context.ports[name] !== port)
  if (moved.length === 0) return { ports: event.ports }
  const text = moved.map(([name, port]) => `port ${name} is ${port} now: ${context.ports[name]} was not free`).join('; ')
  return { ports: event.ports, ...noted(context, event.atMs, text) }
}

/** One more answer of a probe. What turns the verdict goes on record as a reason. */
export function afterProbe(context: ProcessContext, event: ProcessEvent): Change {
  if (event.type !== 'probe.failed' && event.type !== 'probe.passed') return {}
  const { probe, atMs, latencyMs, body } = event
  const spec = context.spec.health?.[probe] ?? null
  if (spec === null) return {}
  const before = context.probes[probe]
  const state = afterResult(spec, before, { atMs, latencyMs, cause: event.type === 'probe.failed' ? event.reason : null }, body)
  const probes = { ...context.probes, [probe]: state }
  if (state.verdict === (before?.verdict ?? 'unknown')) return { probes }
  if (state.verdict === 'failing') return { probes, ...noted(context, nowOf(event), describeProbe(probe, state)) }
  return before?.verdict === 'failing' ? { probes, ...noted(context, nowOf(event), `${probe} probe passes again`) } : { probes }
}

/** What is known once the event is taken in: guards ask what it leads to. */
export function withProbe(context: ProcessContext, event: ProcessEvent): ProcessContext {
  return { ...context, ...afterProbe(context, event), ...afterSignal(context, event) }
}

export function afterSignal(_context: ProcessContext, event: ProcessEvent): Change {
  return event.type === 'ready.signalled' ? { signalledAtMs: event.atMs } : {}
}

export function afterProgress(_context: ProcessContext, event: ProcessEvent): Change {
  if (event.type !== 'run.progressed') return {}
  const { message } = event.progress
  return { progress: message === null ? event.progress : { ...event.progress, message: redactUrl(message) } }
}

export function afterReady(_context: ProcessContext, event: ProcessEvent): Change {
  return { readyAtMs: nowOf(event) }
}

export function afterUnready(): Change {
  return { readyAtMs: null }
}

/** It has been up and ready for long: the waits begin anew, and a trial run has passed. */
export function afterSteady(context: ProcessContext, event: ProcessEvent): Change {
  if (event.type !== 'run.steadied') return {}
  const { spec, breaker, counters } = context
  const { afterMs } = event
  const hasPassed = breaker?.state === 'half-open' && spec.breaker !== null && afterMs >= trialMs(spec.breaker, spec.restart.resetAfterMs)
  return {
    ...(hasPassed ? { breaker: null } : {}),
    ...(afterMs >= spec.restart.resetAfterMs ? { counters: withoutStreaks(counters) } : {}),
    ...noted(context, event.atMs, `ready for ${formatSpan(afterMs)}: ${hasPassed ? 'the circuit breaker is closed' : 'the waits before restarts begin anew'}`),
  }
}

/** Ready for so long, in ms, something that counts against it is forgotten. Null: nothing does. */
export function steadyAfterMs({ spec, breaker, counters }: ProcessContext): number | null {
  if (breaker?.state === 'half-open' && spec.breaker !== null) return trialMs(spec.breaker, spec.restart.resetAfterMs)
  return Object.values(counters).some(({ streak }) => streak > 0) ? spec.restart.resetAfterMs : null
}
