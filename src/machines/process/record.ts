/** The record of a process: what `list`, `show` and `--json` show. A projection of the machine's snapshot, never a second state. */

import type { Outcome, ProcessContext, ProcessSpec, RestartPolicy, StopPurpose } from '../../types.ts'
import { describeFailure } from './describe.ts'
import { notReadyReason } from './health.ts'
import { type HealthRecord, toHealthRecord } from './health-record.ts'
import { isoOf } from './iso.ts'
import { redactEnv } from './redact.ts'
import { isSuccess } from './restart.ts'
import { type AttemptsRecord, type BreakerRecord, toAttemptsRecord, toBreakerRecord } from './restart-record.ts'
import type { ProcessState, ProcessStatus } from './states.ts'

/** Immutable. Times are ISO 8601 UTC; `exit_code`, `signal` and `completed_at` are null while unknown; secrets are redacted. */
export interface ProcessRecord {
  readonly id: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly work_dir: string
  readonly labels: Readonly<Record<string, string>>
  readonly state: ProcessState
  readonly status: ProcessStatus
  readonly pid: number | null
  readonly run: number
  readonly restarts: number
  readonly exit_code: number | null
  readonly signal: string | null
  readonly error: string | null
  readonly created_at: string
  readonly started_at: string | null
  readonly completed_at: string | null
  readonly retry_at: string | null
  readonly outcome: Outcome | null
  /** Up and ready: what it needs to work is there. */
  readonly ready: boolean
  readonly ready_at: string | null
  /** The ports of the current or last run, by name. */
  readonly ports: Readonly<Record<string, number>>
  /** Null: it has no probes. */
  readonly health: HealthRecord | null
  readonly restart: RestartPolicy
  /** What was counted against it. */
  readonly attempts: AttemptsRecord
  readonly breaker: BreakerRecord | null
  readonly gave_up: boolean
  /** What, beside probes, makes it ready. */
  readonly ready_when: ProcessContext['spec']['ready']
  /** While it starts: when it is stopped unless it is ready. Null: there is nothing to wait for. */
  readonly ready_by: string | null
  /** Up and not ready, or down and held back: what is in the way. */
  readonly waiting_for: string | null
  /** While it stops: why, and when whatever is left is killed. `reason`: of a restart that the user has not asked for. */
  readonly stopping: { readonly purpose: StopPurpose; readonly kill_at: string; readonly reason?: string } | null
  readonly meta: ProcessContext['spec']['meta']
  readonly stdin: 'null' | 'pipe'
  readonly inherit_env: boolean
  readonly stop: ProcessContext['spec']['stop']
  readonly leftovers: 'stop' | 'leave'
  /** By id: what it waits for before it may start. */
  readonly depends_on: ProcessSpec['dependsOn']
  /** Directory of the project that declared it; null: none. */
  readonly origin: string | null
  /** How its output is kept. */
  readonly logs: ProcessSpec['logs']
  /** How far the current or last run is, as its output says; null: it says nothing, or nobody asked for it. */
  readonly progress: ProcessContext['progress']
  readonly keeper_lost: boolean
  /** The last verdicts, oldest first. */
  readonly reasons: readonly { readonly at: string; readonly text: string }[]
}

export function toRecord(state: ProcessState, context: ProcessContext): ProcessRecord {
  const { spec, outcome, stop } = context
  const alive = state === 'starting' || state === 'running' || state === 'unhealthy' || state === 'stopping'
  const declared = declarationOf(spec)
  // One by one: V8 gives an object that begins with a spread its slow form, and a record is made at each change of a process.
  return Object.freeze({
    id: declared.id,
    command: declared.command,
    args: declared.args,
    env: declared.env,
    work_dir: declared.work_dir,
    labels: declared.labels,
    restart: declared.restart,
    ready_when: declared.ready_when,
    meta: declared.meta,
    stdin: declared.stdin,
    inherit_env: declared.inherit_env,
    stop: declared.stop,
    leftovers: declared.leftovers,
    depends_on: declared.depends_on,
    origin: declared.origin,
    logs: declared.logs,
    progress: context.progress,
    state,
    status: statusOf(state, context),
    pid: alive && context.endedAtMs === null ? (context.identity?.pid ?? null) : null,
    run: context.run,
    restarts: context.restarts,
    exit_code: outcome?.kind === 'code' ? outcome.code : null,
    signal: outcome?.kind === 'signal' ? outcome.signal : null,
    error: errorOf(context),
    created_at: isoOf(context.createdAtMs),
    started_at: isoOrNull(context.startedAtMs),
    completed_at: alive ? null : isoOrNull(context.endedAtMs),
    retry_at: isoOrNull(context.retryAtMs),
    outcome: outcome === null ? null : Object.freeze({ ...outcome }),
    ready: state === 'running',
    ready_at: isoOrNull(context.readyAtMs),
    ready_by: state === 'starting' && context.startedAtMs !== null ? isoOf(context.startedAtMs + spec.startupTimeoutMs) : null,
    waiting_for: waitingFor(state, context),
    ports: Object.freeze({ ...context.ports }),
    health: toHealthRecord(state, context),
    attempts: toAttemptsRecord(context),
    breaker: toBreakerRecord(context),
    gave_up: context.gaveUp,
    stopping:
      stop === null
        ? null
        : Object.freeze({
            purpose: stop.purpose,
            kill_at: isoOf(stop.killAtMs),
            ...(stop.reason === undefined ? {} : { reason: stop.reason }),
          }),
    keeper_lost: context.keeperLost,
    reasons: Object.freeze(context.reasons.map((reason) => Object.freeze({ at: isoOf(reason.atMs), text: reason.text }))),
  })
}

type Declaration = Pick<
  ProcessRecord,
  | 'id'
  | 'command'
  | 'args'
  | 'env'
  | 'work_dir'
  | 'labels'
  | 'restart'
  | 'ready_when'
  | 'meta'
  | 'stdin'
  | 'inherit_env'
  | 'stop'
  | 'leftovers'
  | 'depends_on'
  | 'origin'
  | 'logs'
>

/** What seldom changes is made once. */
const declarations = new WeakMap<ProcessSpec, Declaration>()

function declarationOf(spec: ProcessSpec): Declaration {
  const declaration = declarations.get(spec) ?? toDeclaration(spec)
  declarations.set(spec, declaration)
  return declaration
}

function toDeclaration(spec: ProcessSpec): Declaration {
  return {
    id: spec.id,
    command: spec.command,
    args: Object.freeze([...spec.args]),
    env: Object.freeze(redactEnv(spec.env)),
    work_dir: spec.cwd,
    labels: Object.freeze({ ...spec.labels }),
    restart: Object.freeze({ ...spec.restart }),
    ready_when: spec.ready,
    meta: Object.freeze({ ...spec.meta }),
    stdin: spec.stdin,
    inherit_env: spec.inheritEnv,
    stop: Object.freeze({ ...spec.stop, ladder: Object.freeze(spec.stop.ladder.map((rung) => Object.freeze({ ...rung }))) }),
    leftovers: spec.leftovers,
    depends_on: Object.freeze({ ...spec.dependsOn }),
    origin: spec.origin,
    logs: Object.freeze({ ...spec.logs }),
  }
}

function waitingFor(state: ProcessState, context: ProcessContext): string | null {
  if (state === 'stopping') return context.failure?.reason ?? null
  if (state === 'pending' || state === 'exited' || state === 'orphaned') return context.waitingFor
  return state === 'starting' || state === 'unhealthy' ? notReadyReason(context) : null
}

function statusOf(state: ProcessState, context: ProcessContext): ProcessStatus {
  switch (state) {
    case 'pending':
      return 'pending'
    case 'starting':
    case 'running':
    case 'unhealthy':
    case 'backoff':
    case 'stopping':
      return 'running'
    case 'orphaned':
      return 'orphaned'
    case 'exited':
      return exitedStatus(context)
  }
}

function exitedStatus(context: ProcessContext): ProcessStatus {
  if (context.cancelled) return 'cancelled'
  const isWell = context.failure === null && !context.gaveUp && context.outcome !== null && isSuccess(context.outcome, context.spec.restart)
  return isWell ? 'completed' : 'failed'
}

function errorOf({ outcome, spec, failure, gaveUp, endedAtMs, reasons }: ProcessContext): string | null {
  if (outcome === null) return null
  const text = failure === null ? (isSuccess(outcome, spec.restart) ? null : describeFailure(outcome, spec.command, spec.cwd)) : failure.reason
  // The verdict says how it ended, too.
  return gaveUp ? (reasons.findLast(({ atMs }) => atMs === endedAtMs)?.text ?? text) : text
}

function isoOrNull(atMs: number | null): string | null {
  return atMs === null ? null : isoOf(atMs)
}
