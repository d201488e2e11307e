/** The probes of a process. */
import type { ProbeFunction } from '../effects/probe/ports.ts'
import type { HealthSpec, ProbeCheck, ProbeName, ProbeSpec } from '../types.ts'
import type { About } from './about.ts'
import { CHECKS } from './checks.ts'
import { isFullText, Options } from './must.ts'

type Probed = About & { readonly id: string }

const PROBES: readonly ProbeName[] = ['startup', 'liveness', 'readiness']
const KINDS = ['http', 'tcp', 'exec', 'grpc', 'function'] as const
const TIMING = ['intervalMs', 'startIntervalMs', 'timeoutMs', 'initialDelayMs', 'failureThreshold', 'successThreshold', 'onFailure']
const MOST_PROBES = 10_000

/** @returns null: no probe. @param functions takes up what was given as a function, by the name that the spec has of it */
export function parseHealth(given: unknown, about: Probed, functions: Map<string, ProbeFunction>, problems: string[]): HealthSpec | null {
  const options = new Options(given === undefined ? {} : given, 'health', [...PROBES, 'pauseWhenSuspended'], problems)
  const [startup, liveness, readiness] = PROBES.map((probe) => {
    const asked = options.given(probe)
    return asked === undefined ? null : parseProbe(asked, probe, about, functions, problems)
  })
  const pauseWhenSuspended = options.flag('pauseWhenSuspended', false)
  if (!startup && !liveness && !readiness) return null
  return { startup: startup ?? null, liveness: liveness ?? null, readiness: readiness ?? null, pauseWhenSuspended }
}

function parseProbe(given: unknown, probe: ProbeName, about: Probed, functions: Map<string, ProbeFunction>, problems: string[]): ProbeSpec {
  const options = new Options(given, `health.${probe}`, [...KINDS, ...TIMING], problems)
  const intervalMs = options.duration('intervalMs', 30_000, 1)
  return {
    check: parseCheck(options, probe, about, functions),
    intervalMs,
    startIntervalMs: options.duration('startIntervalMs', Math.min(intervalMs, 1_000), 1),
    timeoutMs: options.duration('timeoutMs', 5_000, 1),
    initialDelayMs: options.duration('initialDelayMs', 0),
    failureThreshold: options.whole('failureThreshold', 3, [1, MOST_PROBES]),
    successThreshold: options.whole('successThreshold', 1, [1, MOST_PROBES]),
    onFailure: probe === 'liveness' ? options.oneOf('onFailure', ['restart', 'report'], 'restart') : options.oneOf('onFailure', ['report'], 'report'),
  }
}

function parseCheck(options: Options, probe: ProbeName, about: Probed, functions: Map<string, ProbeFunction>): ProbeCheck {
  const [kind, ...more] = KINDS.filter((name) => options.given(name) !== undefined)
  if (kind === undefined || more.length > 0) {
    const has = kind === undefined ? 'none' : [kind, ...more].join(' and ')
    options.problems.push(`health.${probe} must have exactly one of ${KINDS.join(', ')}, not ${has}`)
    return { kind: 'function', name: '' }
  }
  if (kind !== 'function') return CHECKS[kind](options.given(kind), options.placeOf(kind), about, options.problems)
  const asked = options.need('function', 'a function, or the name of one of the manager’s probes', isFunctionOrName, '')
  if (typeof asked === 'string') return { kind: 'function', name: asked }
  const name = `${about.id}/${probe}`
  functions.set(name, asked)
  return { kind: 'function', name }
}

function isFunctionOrName(value: unknown): value is ProbeFunction | string {
  return typeof value === 'function' || isFullText(value)
}
