/** A process that is declared anew: what that changes in what is known of it. Pure functions from (context, event) to the parts that change. */
import type { ProbeState, ProcessContext } from '../../types.ts'
import { type Change, nowOf } from './change.ts'
import type { ProcessEvent } from './events.ts'
import { changedProbes, compareSpecs, isSame } from './respec.ts'
import { planStop } from './stop.ts'

/** A start that is over is over: what would gate it now is taken for open. */
const PASSED: ProbeState = { verdict: 'passing', failures: 0, successes: 0, results: [], body: null }

export function needsRestart(context: ProcessContext, event: ProcessEvent): boolean {
  return event.type === 'process.update' && compareSpecs(context.spec, event.spec).needsRestart
}

/** Its run gives way to the next one, in the way that it was launched to be stopped. */
export function planUpdate(context: ProcessContext, event: ProcessEvent): Change {
  if (event.type !== 'process.update') return {}
  const { restartReasons } = compareSpecs(context.spec, event.spec)
  return { stop: { ...planStop(context.spec.stop, 'restart', event.atMs), reason: `declared anew (${listed(restartReasons)})` } }
}

/** What was found by a probe that is another one now, or none, is forgotten. */
export function afterUpdate(context: ProcessContext, event: ProcessEvent): Change {
  if (event.type !== 'process.update') return {}
  const { spec } = event
  const changed: readonly string[] = changedProbes(context.spec, spec)
  return {
    spec,
    probes: changed.length === 0 ? context.probes : Object.fromEntries(Object.entries(context.probes).filter(([name]) => !changed.includes(name))),
    ...(isSame(context.spec.ready, spec.ready) ? {} : { signalledAtMs: null }),
    ...(spec.breaker === null ? { breaker: null } : {}),
  }
}

/** The same for a run that has been ready: it is not started up once more. */
export function afterUpdateOfStarted(context: ProcessContext, event: ProcessEvent): Change {
  const change = afterUpdate(context, event)
  const { spec = context.spec, probes = context.probes } = change
  const startup = spec.health?.startup == null ? {} : { startup: probes.startup ?? PASSED }
  return { ...change, probes: { ...probes, ...startup }, signalledAtMs: context.signalledAtMs ?? (spec.ready === null ? null : nowOf(event)) }
}

export function afterHold(_context: ProcessContext, event: ProcessEvent): Change {
  return event.type === 'process.hold' ? { waitingFor: event.reason } : {}
}

const MOST_LISTED = 8

function listed(words: readonly string[]): string {
  const more = words.length - MOST_LISTED
  return more > 0 ? `${words.slice(0, MOST_LISTED).join(', ')} and ${more} more` : words.join(', ')
}
