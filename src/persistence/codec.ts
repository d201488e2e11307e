/** Between a persisted XState snapshot and the text of `state.json`. Pure. What comes from a file is believed only as far as it was checked. */
import * as v from 'valibot'
import type { ProcessContext, ProcessSpec } from '../types.ts'

export const FORMAT = 1

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

const time = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8.64e15))
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))
const text = v.pipe(
  v.string(),
  v.check((value) => !value.includes('\0'), 'has a NUL'),
)
const duration = v.pipe(v.number(), v.finite(), v.minValue(0))
/** A time that was calculated: any number that is one, also a fraction. */
const moment = v.pipe(v.number(), v.minValue(0), v.maxValue(8.64e15))
/** Not `v.record`: that drops names such as "prototype" and "constructor", which are good names of labels and variables. */
const texts = v.custom<Readonly<Record<string, string>>>(isRecordOfTexts, 'must be an object of strings')

export const ID_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/

const specSchema = v.object({
  id: v.pipe(v.string(), v.regex(ID_PATTERN)),
  command: text,
  args: v.array(text),
  env: v.pipe(
    texts,
    v.check((env) => Object.entries(env).every(([name, value]) => !name.includes('\0') && !value.includes('\0')), 'has a NUL'),
  ),
  inheritEnv: v.boolean(),
  cwd: text,
  labels: texts,
  stdin: v.picklist(['null', 'pipe']),
  restart: v.object({
    strategy: v.picklist(['never', 'on-failure', 'always']),
    delayMs: duration,
    multiplier: v.pipe(v.number(), v.finite(), v.minValue(1)),
    maxDelayMs: duration,
    maxRestarts: count,
    resetAfterMs: duration,
  }),
  stop: v.object({ ladder: v.array(v.object({ signal: v.string(), afterMs: duration })), timeoutMs: duration }),
  leftovers: v.picklist(['stop', 'leave']),
})

const outcomeSchema = v.variant('kind', [
  v.object({ kind: v.literal('code'), code: count }),
  v.object({ kind: v.literal('signal'), signal: v.string(), core: v.boolean() }),
  v.object({ kind: v.literal('launch-failed'), step: v.picklist(['intent', 'cwd', 'log', 'fork', 'command', 'interpreter', 'keeper']), errno: v.string() }),
  v.object({ kind: v.literal('not-started') }),
  v.object({ kind: v.literal('unknown'), reason: v.string() }),
])

const rungs = v.array(v.object({ signal: v.string(), atMs: moment }))

const contextSchema = v.object({
  spec: specSchema,
  run: count,
  identity: v.nullable(v.object({ pid: v.pipe(v.number(), v.integer(), v.minValue(2)), start: v.string(), boot: v.string() })),
  createdAtMs: time,
  startedAtMs: v.nullable(time),
  endedAtMs: v.nullable(time),
  outcome: v.nullable(outcomeSchema),
  restarts: count,
  attempts: count,
  retryAtMs: v.nullable(moment),
  stop: v.nullable(v.object({ purpose: v.picklist(['stop', 'restart', 'leftovers']), rungs, killAtMs: moment })),
  cancelled: v.boolean(),
  keeperLost: v.boolean(),
  gaveUp: v.boolean(),
  reasons: v.array(v.object({ atMs: time, text: v.string() })),
})

const envelopeSchema = v.object({ format: v.number(), savedAt: v.string(), snapshot: v.looseObject({ value: v.picklist(STATES), context: contextSchema }) })

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
  const parsed = v.safeParse(envelopeSchema, migrated.envelope)
  if (!parsed.success) return damaged(parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`).join('; '))
  const { value, context } = parsed.output.snapshot
  if (context.spec.id !== id) return damaged(`it belongs to process ${JSON.stringify(context.spec.id)}`)
  return { kind: 'ok', snapshot: { value, context, children: childrenOf(value, context) } }
}

/** From one format to the next, by the number of the older one. Format 1 is the first. */
const MIGRATIONS: Readonly<Record<number, (envelope: unknown) => unknown>> = {}

function migrate(raw: unknown): { kind: 'ok'; envelope: unknown } | { kind: 'damaged'; reason: string } {
  let envelope = raw
  for (;;) {
    const format = typeof envelope === 'object' && envelope !== null && 'format' in envelope ? envelope.format : undefined
    if (format === FORMAT) return { kind: 'ok', envelope }
    const step = typeof format === 'number' ? MIGRATIONS[format] : undefined
    if (step === undefined) return damaged(`its format is ${JSON.stringify(format)}, and this version reads up to ${FORMAT}`)
    envelope = step(envelope)
  }
}

/**
 * The effects that go on in each state, with their input. They are made from the checked context instead of being read from the file, so a file can
 * never make an effect act on another process, and a state that gained an effect in a newer version has it after a restore.
 */
function childrenOf(value: ProcessStateName, context: ProcessContext): Readonly<Record<string, unknown>> {
  const run = { id: context.spec.id, run: context.run }
  switch (value) {
    case 'starting':
      return { run: { ...run, launch: context.spec } }
    case 'running':
    case 'unhealthy':
      return { run }
    case 'stopping':
      return { run, terminate: { ...run, rungs: context.stop?.rungs ?? [], killAtMs: context.stop?.killAtMs ?? 0 } }
    case 'backoff':
      return { waitUntil: { atMs: context.retryAtMs ?? 0 } }
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
  const parsed = v.safeParse(specSchema, raw)
  return parsed.success && parsed.output.id === id ? parsed.output : null
}

function isRecordOfTexts(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((part) => typeof part === 'string')
}

function damaged(reason: string): { readonly kind: 'damaged'; readonly reason: string } {
  return { kind: 'damaged', reason }
}
