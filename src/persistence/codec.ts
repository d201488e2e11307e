/** Between a persisted XState snapshot and the text of `state.json`. Pure. What comes from a file is believed only as far as it was checked. */
import type { ProcessContext, ProcessSpec } from '../types.ts'
import { boolean, byKind, dictionaryOf, type Issue, integer, listOf, nullable, number, oneOf, orElse, partial, shape, string } from './check.ts'
import { MIGRATIONS, migrateSpec } from './migrations.ts'
import { port, specShape } from './spec-shape.ts'

export const FORMAT = 4

/** The persisted snapshot of a process actor. */
export interface ProcessSnapshot {
  readonly value: ProcessStateName
  readonly context: ProcessContext
  /** The input of each effect that goes on in this state, by name. */
  readonly children: Readonly<Record<string, unknown>>
}

/** What `createActor(…, { snapshot })` takes. */
export function toRestorable({ value, context, children }: ProcessSnapshot): object {
  return {
    status: 'active',
    value,
    context,
    historyValue: {},
    children: Object.fromEntries(Object.entries(children).map(([src, input]) => [src, childOf(src, input)])),
  }
}

export type ProcessStateName = (typeof STATES)[number]
const STATES = ['pending', 'starting', 'running', 'unhealthy', 'backoff', 'stopping', 'exited', 'orphaned'] as const

export type Decoded = { readonly kind: 'ok'; readonly snapshot: ProcessSnapshot } | { readonly kind: 'damaged'; readonly reason: string }

const LAST_MS = 8.64e15
const time = integer(0, LAST_MS)
/** Far above what anything counts to, and far enough below what a number can hold to be counted on from. */
const count = integer(0, 1e12)
const duration = number(0)
/** A time that was calculated: any number that is one, also a fraction. */
const moment = number(0, LAST_MS)

const outcomeShape = byKind({
  code: { code: count },
  signal: { signal: string, core: boolean },
  'launch-failed': {
    step: oneOf(['intent', 'cwd', 'log', 'fork', 'command', 'interpreter', 'keeper', 'port', 'template']),
    errno: string,
    path: orElse(string, undefined),
    detail: orElse(string, undefined),
  },
  'not-started': {},
  unknown: { reason: string },
})

const causes = ['crash', 'health', 'start', 'resource', 'port'] as const
const counterShape = shape({ streak: count, atMs: listOf(moment) })
const probeShape = shape({
  verdict: oneOf(['unknown', 'passing', 'failing']),
  failures: count,
  successes: count,
  results: listOf(shape({ atMs: moment, latencyMs: duration, cause: nullable(string) })),
  body: nullable(string),
})

const contextShape = shape({
  spec: specShape,
  run: count,
  identity: nullable(shape({ pid: integer(2), start: string, boot: string })),
  createdAtMs: time,
  startedAtMs: nullable(time),
  endedAtMs: nullable(time),
  outcome: nullable(outcomeShape),
  restarts: count,
  counters: partial({ crash: counterShape, health: counterShape, start: counterShape, resource: counterShape, port: counterShape }),
  breaker: nullable(shape({ state: oneOf(['closed', 'open', 'half-open']), failuresAtMs: listOf(moment), openUntilMs: nullable(moment) })),
  probes: partial({ startup: probeShape, liveness: probeShape, readiness: probeShape }),
  signalledAtMs: nullable(moment),
  readyAtMs: nullable(moment),
  failure: nullable(shape({ cause: oneOf(causes), reason: string })),
  ports: dictionaryOf(port),
  retryAtMs: nullable(moment),
  retryDelayMs: orElse(nullable(duration), null),
  stop: nullable(
    shape({
      purpose: oneOf(['stop', 'restart', 'leftovers', 'unhealthy', 'unready']),
      askedAtMs: orElse(moment, 0),
      rungs: listOf(shape({ signal: string, atMs: moment })),
      killAtMs: moment,
      reason: orElse(string, undefined),
    }),
  ),
  cancelled: boolean,
  keeperLost: boolean,
  gaveUp: boolean,
  waitingFor: nullable(string),
  progress: nullable(
    shape({
      percent: nullable(number(0, 100)),
      current: nullable(number(0)),
      total: nullable(number(0)),
      unit: nullable(string),
      rate: nullable(number(0)),
      etaMs: nullable(duration),
      message: nullable(string),
      atMs: moment,
    }),
  ),
  reasons: listOf(shape({ atMs: moment, text: string })),
})

const envelopeShape = shape({ format: number(1), savedAt: string, snapshot: shape({ value: oneOf(STATES), context: contextShape }) })

export function encodeSnapshot(snapshot: unknown, savedAtMs: number): string {
  return JSON.stringify({ format: FORMAT, savedAt: new Date(savedAtMs).toISOString(), snapshot })
}

/** @param id the directory that the text was found in: a snapshot that speaks of another process is damaged */
export function decodeSnapshot(json: string, id: string): Decoded {
  let raw: unknown
  try {
    raw = JSON.parse(json)
  } catch (error) {
    return damaged(`it is not JSON (${error instanceof Error ? error.message : String(error)})`)
  }
  const migrated = migrate(raw)
  if (migrated.kind === 'damaged') return migrated
  const issues: Issue[] = []
  const envelope = envelopeShape(migrated.envelope, '', issues)
  if (issues.length > 0) return damaged(issues.map(({ path, what }) => `${path}: ${what}`).join('; '))
  const { value, context } = envelope.snapshot
  if (context.spec.id !== id) return damaged(`it belongs to process ${JSON.stringify(context.spec.id)}`)
  return { kind: 'ok', snapshot: snapshotOf(value, context) }
}

/** Each step is taken once, whatever it makes of a damaged file: one that left the format as it was had the manager migrate it for ever. */
function migrate(raw: unknown): { kind: 'ok'; envelope: unknown } | { kind: 'damaged'; reason: string } {
  const format = typeof raw === 'object' && raw !== null && 'format' in raw ? raw.format : undefined
  if (format === FORMAT) return { kind: 'ok', envelope: raw }
  if (typeof format !== 'number' || MIGRATIONS[format] === undefined)
    return damaged(`its format is ${JSON.stringify(format)}, and this version reads up to ${FORMAT}`)
  let envelope = raw
  for (let from = format; from < FORMAT; from++) envelope = MIGRATIONS[from]?.(envelope)
  return { kind: 'ok', envelope }
}

/** The one way to make a snapshot: with every effect of its state. */
export function snapshotOf(value: ProcessStateName, context: ProcessContext): ProcessSnapshot {
  return { value, context, children: childrenOf(value, context) }
}

/**
 * The effects that go on in each state, with their input. They are made from the checked context instead of being read from the file, so a file can
 * never make an effect act on another process, and a state that gained an effect in a newer version has it after a restore.
 */
function childrenOf(value: ProcessStateName, context: ProcessContext): Readonly<Record<string, unknown>> {
  const run = { id: context.spec.id, run: context.run }
  switch (value) {
    case 'starting':
      return { run: { ...run, launch: true }, probeHealth: run }
    case 'running':
    case 'unhealthy':
      return { run, probeHealth: run }
    case 'stopping':
      return { run, terminate: { ...run, askedAtMs: context.stop?.askedAtMs ?? 0, rungs: context.stop?.rungs ?? [], killAtMs: context.stop?.killAtMs ?? 0 } }
    case 'backoff':
      return { waitUntil: { atMs: context.retryAtMs ?? 0, ...(context.retryDelayMs === null ? {} : { atMostMs: context.retryDelayMs }) } }
    case 'pending':
    case 'exited':
    case 'orphaned':
      return {}
  }
}

function childOf(src: string, input: unknown) {
  return { src, syncSnapshot: false, snapshot: { status: 'active', output: undefined, error: undefined, input } }
}

/** Checks a spec that was found in an intent. @returns null when it is not one, or is another process's */
export function decodeSpec(raw: unknown, id: string): ProcessSpec | null {
  const issues: Issue[] = []
  const spec = specShape(migrateSpec(raw), '', issues)
  return issues.length === 0 && spec.id === id ? spec : null
}

function damaged(reason: string): { readonly kind: 'damaged'; readonly reason: string } {
  return { kind: 'damaged', reason }
}
