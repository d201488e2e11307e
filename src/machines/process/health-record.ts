/** What is shown of a process's health. Secrets of probes (headers, keys, variables, passwords in addresses) are hidden. */
import type { ProbeCheck, ProbeName, ProbeSpec, ProbeState, ProcessContext, TlsOptions } from '../../types.ts'
import { isoOf } from './iso.ts'
import { REDACTED, redactEnv, redactJson, redactUrl } from './redact.ts'
import type { ProcessState } from './states.ts'

export interface ProbeRecord {
  readonly verdict: ProbeState['verdict']
  /** In a row. */
  readonly failures: number
  /** In a row. */
  readonly successes: number
  /** The last twenty of this run, oldest first. `cause` null: it passed. */
  readonly results: readonly { readonly at: string; readonly latency_ms: number; readonly cause: string | null }[]
  /** What an HTTP probe was answered last: parsed when it is JSON, else text. */
  readonly body: unknown
  readonly spec: ProbeSpec
}

export interface HealthRecord extends Readonly<Partial<Record<ProbeName, ProbeRecord>>> {
  /** `unknown`: it is not up, or has not been asked yet. A startup probe that has passed speaks for a liveness probe that was not asked yet. */
  readonly status: 'healthy' | 'unhealthy' | 'unknown'
}

const NAMES: readonly ProbeName[] = ['startup', 'liveness', 'readiness']
/** Deeper JSON is left as text: whoever shows it may not be able to. */
const DEEPEST = 100

export function toHealthRecord(state: ProcessState, { spec, probes }: ProcessContext): HealthRecord | null {
  if (spec.health === null) return null
  const declared = NAMES.flatMap((name) => {
    const probe = spec.health?.[name] ?? null
    return probe === null ? [] : [[name, recordOf(probe, probes[name])] as const]
  })
  return Object.freeze({ status: statusOf(state, declared), ...Object.fromEntries(declared) })
}

function statusOf(state: ProcessState, probes: readonly (readonly [ProbeName, ProbeRecord])[]): HealthRecord['status'] {
  if (state === 'unhealthy') return 'unhealthy'
  if (state !== 'running' && state !== 'starting') return 'unknown'
  if (probes.some(([, { verdict }]) => verdict === 'failing')) return 'unhealthy'
  return state === 'running' && probes.every((probe) => passes(probe, probes)) ? 'healthy' : 'unknown'
}

/** The startup probe speaks for the liveness probe until that one is asked, which may be an interval later. */
function passes([name, { verdict }]: readonly [ProbeName, ProbeRecord], probes: readonly (readonly [ProbeName, ProbeRecord])[]): boolean {
  return verdict === 'passing' || (name === 'liveness' && verdict === 'unknown' && probes.some(([other]) => other === 'startup'))
}

/** A probe that was not asked since is shown as before: a record is made at each change of a process. */
const known = new WeakMap<ProbeState, ProbeRecord>()
const UNASKED: ProbeState = { verdict: 'unknown', failures: 0, successes: 0, results: [], body: null }

function recordOf(spec: ProbeSpec, state: ProbeState | undefined): ProbeRecord {
  if (state === undefined) return toProbeRecord(spec, UNASKED)
  const record = known.get(state)
  if (record !== undefined) return record
  const made = toProbeRecord(spec, state)
  known.set(state, made)
  return made
}

/** What is long is made when somebody looks at it: answers come all the time, and few are looked at. */
function toProbeRecord(spec: ProbeSpec, { verdict, failures, successes, results, body }: ProbeState): ProbeRecord {
  const shownResults = lazy(() => Object.freeze(results.map(({ atMs, latencyMs, cause }) => ({ at: isoOf(atMs), latency_ms: latencyMs, cause }))))
  const shownBody = lazy(() => (body === null ? null : parsed(body)))
  return Object.freeze({
    verdict,
    failures,
    successes,
    get results() {
      return shownResults()
    },
    get body() {
      return shownBody()
    },
    spec: redacted(spec),
  })
}

function lazy<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

const redactedSpecs = new WeakMap<ProbeSpec, ProbeSpec>()

function redacted(spec: ProbeSpec): ProbeSpec {
  const safe = redactedSpecs.get(spec) ?? Object.freeze({ ...spec, check: redactCheck(spec.check) })
  redactedSpecs.set(spec, safe)
  return safe
}

function parsed(body: string): unknown {
  const json = jsonIn(body)
  return json === undefined || isDeeper(json, DEEPEST) ? redactUrl(body) : redactJson(json)
}

function jsonIn(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((part) => isDeeper(part, levels - 1))
}

function redactCheck(check: ProbeCheck): ProbeCheck {
  switch (check.kind) {
    case 'http':
      return { ...check, url: redactUrl(check.url), headers: redactEnv(check.headers), tls: redactTls(check.tls) }
    case 'grpc':
      return check.tls === null ? check : { ...check, tls: redactTls(check.tls) }
    case 'exec':
      return { ...check, env: redactEnv(check.env) }
    case 'tcp':
    case 'function':
      return check
  }
}

/** A path is no secret; the key itself is. */
function redactTls(tls: TlsOptions): TlsOptions {
  return tls.key?.includes('-----BEGIN') ? { ...tls, key: REDACTED } : tls
}
