/** The record of a process: what `list`, `show` and `--json` show. A projection of the machine's snapshot, never a second state. */

import type { LaunchFailure, Outcome, ProcessContext, RestartPolicy } from '../../types.ts'
import { redactEnv } from './redact.ts'

export type ProcessState = 'pending' | 'starting' | 'running' | 'unhealthy' | 'backoff' | 'stopping' | 'exited' | 'orphaned'

/** The state in the words of a job's user. */
export type ProcessStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled' | 'orphaned'

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
  readonly restart: RestartPolicy
  readonly stdin: 'null' | 'pipe'
  readonly inherit_env: boolean
  readonly stop: ProcessContext['spec']['stop']
  readonly leftovers: 'stop' | 'leave'
  readonly keeper_lost: boolean
  /** The last verdicts, oldest first. */
  readonly reasons: readonly { readonly at: string; readonly text: string }[]
}

export function toRecord(state: ProcessState, context: ProcessContext): ProcessRecord {
  const { spec, outcome } = context
  const alive = state === 'starting' || state === 'running' || state === 'unhealthy' || state === 'stopping'
  return Object.freeze({
    id: spec.id,
    command: spec.command,
    args: Object.freeze([...spec.args]),
    env: Object.freeze(redactEnv(spec.env)),
    work_dir: spec.cwd,
    labels: Object.freeze({ ...spec.labels }),
    state,
    status: statusOf(state, context),
    pid: alive && context.endedAtMs === null ? (context.identity?.pid ?? null) : null,
    run: context.run,
    restarts: context.restarts,
    exit_code: outcome?.kind === 'code' ? outcome.code : null,
    signal: outcome?.kind === 'signal' ? outcome.signal : null,
    error: errorOf(context),
    created_at: isoOf(context.createdAtMs),
    started_at: context.startedAtMs === null ? null : isoOf(context.startedAtMs),
    completed_at: alive || context.endedAtMs === null ? null : isoOf(context.endedAtMs),
    retry_at: context.retryAtMs === null ? null : isoOf(context.retryAtMs),
    outcome: outcome === null ? null : Object.freeze({ ...outcome }),
    restart: Object.freeze({ ...spec.restart }),
    stdin: spec.stdin,
    inherit_env: spec.inheritEnv,
    stop: Object.freeze({ ...spec.stop, ladder: Object.freeze(spec.stop.ladder.map((rung) => Object.freeze({ ...rung }))) }),
    leftovers: spec.leftovers,
    keeper_lost: context.keeperLost,
    reasons: Object.freeze(context.reasons.map((reason) => Object.freeze({ at: isoOf(reason.atMs), text: reason.text }))),
  })
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
  return context.outcome?.kind === 'code' && context.outcome.code === 0 ? 'completed' : 'failed'
}

function errorOf({ outcome, spec, gaveUp, reasons }: ProcessContext): string | null {
  if (outcome === null) return null
  const text = describeFailure(outcome, spec.command, spec.cwd)
  // The last reason says how it ended, too.
  return gaveUp ? (reasons.at(-1)?.text ?? text) : text
}

/** One sentence about how a run ended, or null when it ended well. */
export function describeFailure(outcome: Outcome, command: string, cwd: string): string | null {
  switch (outcome.kind) {
    case 'code':
      return outcome.code === 0 ? null : `exited with code ${outcome.code}`
    case 'signal':
      return `ended by ${outcome.signal}${outcome.core ? ' (core dumped)' : ''}`
    case 'launch-failed':
      return describeLaunchFailure(outcome, command, cwd)
    case 'not-started':
      return 'stopped before it was executed'
    case 'unknown':
      return `how it ended is not known: ${outcome.reason}`
  }
}

function describeLaunchFailure({ step, errno, path }: LaunchFailure, command: string, cwd: string): string {
  const place = path === undefined ? '' : ` in ${JSON.stringify(path)}`
  const quoted = JSON.stringify(command)
  if (step === 'cwd') return `working directory ${JSON.stringify(cwd)} cannot be entered (${errno})`
  if (step === 'interpreter') return `interpreter of ${quoted} not found (${errno}): look at its #! line`
  if (step === 'log') return `a log file or stdin${place} cannot be opened (${errno})`
  if (step === 'fork') return `no new process can be made (${errno})`
  if (step === 'intent') return `the run could not be written down${place} (${errno})`
  if (step === 'keeper') return `no keeper can be started${place} (${errno})`
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return `command ${quoted} not found (${errno})`
  if (errno === 'EACCES' || errno === 'EPERM') return `command ${quoted} is not executable (${errno})`
  if (errno === 'ENOEXEC') return `command ${quoted} is not a program of this machine, and a script needs a #! line (${errno})`
  if (errno === 'E2BIG') return `arguments and environment of ${quoted} are too long (${errno})`
  return `command ${quoted} cannot be executed (${errno})`
}

function isoOf(atMs: number): string {
  return new Date(atMs).toISOString()
}
