/** What probes and signs of readiness make of a process. Pure. */
import type { ProbeName, ProbeResult, ProbeSpec, ProbeState, ProcessContext } from '../../types.ts'

const KEPT_RESULTS = 20
const UNASKED: ProbeState = { verdict: 'unknown', failures: 0, successes: 0, results: [], body: null }

/** So many in a row turn the verdict, in both directions; fewer leave it. */
export function afterResult(spec: ProbeSpec, state: ProbeState = UNASKED, result: ProbeResult, body: string | null): ProbeState {
  const failures = result.cause === null ? 0 : state.failures + 1
  const successes = result.cause === null ? state.successes + 1 : 0
  return { verdict: verdictOf(spec, state, failures, successes), failures, successes, results: [...state.results, result].slice(-KEPT_RESULTS), body }
}

function verdictOf(spec: ProbeSpec, state: ProbeState, failures: number, successes: number): ProbeState['verdict'] {
  if (failures >= spec.failureThreshold) return 'failing'
  return successes >= spec.successThreshold ? 'passing' : state.verdict
}

type Health = Pick<ProcessContext, 'spec' | 'probes' | 'signalledAtMs'>

/** All that it was to wait for has come, and it lives. */
export function isReady(health: Health): boolean {
  return hasStarted(health) && health.probes.liveness?.verdict !== 'failing'
}

/** All that it was to wait for has come, but its liveness probe fails, and nobody wants it to be started again for that. */
export function isUpUnwell(health: Health): boolean {
  return hasStarted(health) && health.probes.liveness?.verdict === 'failing' && !shallRestartUnhealthy(health)
}

function hasStarted({ spec, probes, signalledAtMs }: Health): boolean {
  const passes = (name: ProbeName) => (spec.health?.[name] ?? null) === null || probes[name]?.verdict === 'passing'
  return (spec.ready === null || signalledAtMs !== null) && passes('startup') && passes('readiness')
}

/** Ready as soon as it is launched: nothing else was asked for. */
export function isReadyOnceLaunched({ spec, signalledAtMs }: Health): boolean {
  return isReady({ spec, probes: {}, signalledAtMs })
}

export function failingProbe({ probes }: Pick<ProcessContext, 'probes'>): ProbeName | null {
  if (probes.liveness?.verdict === 'failing') return 'liveness'
  return probes.readiness?.verdict === 'failing' ? 'readiness' : null
}

/** Its liveness probe fails, and somebody wants it to be started again for that. */
export function shallRestartUnhealthy({ spec, probes }: Health): boolean {
  return probes.liveness?.verdict === 'failing' && spec.health?.liveness?.onFailure === 'restart' && spec.restart.strategy !== 'never'
}

/** As "liveness probe failed 3 times: status 503". */
export function describeProbe(name: ProbeName, state: ProbeState | undefined): string {
  const { failures, results } = state ?? UNASKED
  const cause = results.findLast((result) => result.cause !== null)?.cause ?? 'no answer'
  return `${name} probe failed${failures > 1 ? ` ${failures} times` : ''}: ${cause}`
}

/** The last thing that is known to be in the way of being ready. */
export function notReadyReason(context: Health): string {
  const { spec, probes, signalledAtMs } = context
  const failing = failingProbe(context)
  if (failing !== null) return describeProbe(failing, probes[failing])
  for (const name of ['startup', 'liveness', 'readiness'] as const) {
    const state = probes[name]
    if (state !== undefined && state.failures > 0) return describeProbe(name, state)
  }
  for (const name of ['startup', 'readiness'] as const)
    if ((spec.health?.[name] ?? null) !== null && probes[name]?.verdict !== 'passing') return `its ${name} probe has not passed yet`
  if (spec.ready === null || signalledAtMs !== null) return 'it is not launched yet'
  switch (spec.ready.kind) {
    case 'log-line':
      return `no line of its output matches /${spec.ready.source}/${spec.ready.flags} yet`
    case 'notify':
      return `no newline on descriptor ${spec.ready.fd} yet`
    case 'delay':
      return `${spec.ready.delayMs} ms have not passed since its launch`
  }
}
