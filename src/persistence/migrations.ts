/** From one format of a state file to the next. What is there is passed on as it is: it is checked when it has the newest form. */

type Json = Readonly<Record<string, unknown>>

/** By the number of the older format. */
export const MIGRATIONS: Readonly<Record<number, (envelope: unknown) => unknown>> = { 1: toFormat2, 2: toFormat3, 3: toFormat4 }

/**
 * Services: budgets by cause, breaker, health, ports. A policy goes on as it was, also where the defaults are others now: restarts in a row are all counted, and no
 * time of theirs is known but that of the last.
 */
function toFormat2(envelope: unknown): unknown {
  if (!isJson(envelope) || !isJson(envelope.snapshot) || !isJson(envelope.snapshot.context)) return envelope
  const { attempts, ...context } = envelope.snapshot.context
  const since = typeof context.startedAtMs === 'number' ? context.startedAtMs : 0
  const counters =
    typeof attempts === 'number' && attempts > 0 ? { crash: { streak: attempts, atMs: Array(Math.min(Math.ceil(attempts), MOST_ATTEMPTS)).fill(since) } } : {}
  const readyAtMs = context.endedAtMs === null ? (context.startedAtMs ?? null) : null
  const added = { counters, breaker: null, probes: {}, signalledAtMs: null, readyAtMs, failure: null, ports: {} }
  return { ...envelope, format: 2, snapshot: { ...envelope.snapshot, context: { ...context, ...added, spec: specToFormat2(context.spec) } } }
}

/** Projects: what a process waits for, and who declared it. */
function toFormat3(envelope: unknown): unknown {
  if (!isJson(envelope) || !isJson(envelope.snapshot) || !isJson(envelope.snapshot.context)) return envelope
  const { context } = envelope.snapshot
  return { ...envelope, format: 3, snapshot: { ...envelope.snapshot, context: { ...context, waitingFor: null, spec: specToFormat3(context.spec) } } }
}

/** Logs that are rotated, and progress. Those of older releases grow without end until the next run, and by the same defaults then. */
function toFormat4(envelope: unknown): unknown {
  if (!isJson(envelope) || !isJson(envelope.snapshot) || !isJson(envelope.snapshot.context)) return envelope
  const { context } = envelope.snapshot
  return { ...envelope, format: 4, snapshot: { ...envelope.snapshot, context: { ...context, progress: null, spec: specToFormat4(context.spec) } } }
}

const MOST_ATTEMPTS = 10_000
const LONGEST_MS = 1e12
const DEFAULT_LOGS = {
  stdout: 'files',
  stderr: 'files',
  bufferBytes: 1_048_576,
  maxSizeBytes: 10_485_760,
  maxFiles: 10,
  maxAgeMs: null,
  maxTotalBytes: null,
  compress: 'none',
}

/** Intents carry specs without a format: each step knows an older one by what it has. */
export function migrateSpec(spec: unknown): unknown {
  return specToFormat4(specToFormat3(specToFormat2(spec)))
}

function specToFormat4(spec: unknown): unknown {
  return isJson(spec) && !('logs' in spec) ? { ...spec, logs: DEFAULT_LOGS, progress: null } : spec
}

function specToFormat3(spec: unknown): unknown {
  return isJson(spec) && !('dependsOn' in spec) ? { ...spec, dependsOn: {}, origin: null } : spec
}

function specToFormat2(spec: unknown): unknown {
  if (!isJson(spec) || !isJson(spec.restart) || !('maxRestarts' in spec.restart)) return spec
  const { maxRestarts, ...restart } = spec.restart
  return {
    ...spec,
    restart: {
      ...restart,
      maxAttempts: maxRestarts,
      jitter: 0,
      windowMs: windowFor(maxRestarts, restart),
      successExitCodes: [0],
      successSignals: [],
      noRestartExitCodes: [],
    },
    breaker: null,
    ports: {},
    health: null,
    ready: null,
    startupTimeoutMs: 60_000,
    meta: {},
    template: false,
  }
}

/** Restarts in a row were counted, and a run that lasted for `resetAfterMs` ended the row: no row of so many took longer than this. In ms. */
function windowFor(maxRestarts: unknown, { resetAfterMs, maxDelayMs }: Json): number {
  return Math.min(Math.max(1, Number(maxRestarts) * (Number(resetAfterMs) + Number(maxDelayMs))), LONGEST_MS)
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
