/** What the control API takes and gives. The OpenAPI document is made from these, and requests are checked with them. */
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import type { PlanLine } from '../manager/contract.ts'
import { STATUSES } from '../select.ts'
import { canonicalSignal } from '../signals.ts'

/** Checked by the library itself, which tells all that is wrong with it. */
const byLibrary = new WeakSet<z.ZodType>()

export function isCheckedByLibrary(schema: unknown): boolean {
  return byLibrary.has(schema as z.ZodType)
}

const text = z.string()
const count = z.int().nonnegative()
const time = z.iso.datetime().describe('ISO 8601, UTC')
const texts = z.record(z.string(), text)
const ms = z.union([z.number().nonnegative(), z.literal('never')]).describe('In ms; "never": without end')
const msText = z.string().regex(/^\d+$/, 'must be a number of ms').transform(Number).describe('In ms')
const timeText = z
  .string()
  .regex(/^\d+(\.\d+)?$/, 'must be a time in ms since 1970')
  .transform(Number)
const flagText = z.enum(['true', 'false']).transform((value) => value === 'true')

export const states = ['pending', 'starting', 'running', 'unhealthy', 'backoff', 'stopping', 'exited', 'orphaned'] as const

const outcome = z.looseObject({ kind: z.enum(['code', 'signal', 'launch-failed', 'not-started', 'unknown']) })

const restartPolicy = z.looseObject({
  strategy: z.enum(['never', 'on-failure', 'always', 'unless-stopped']),
  maxAttempts: count,
  delayMs: z.number(),
  multiplier: z.number(),
  maxDelayMs: z.number(),
})

const probe = z.looseObject({ verdict: z.enum(['unknown', 'passing', 'failing']), failures: count, successes: count, body: z.unknown() })

const quantity = z.number().min(0).nullable()
const progress = z.object({
  percent: quantity.describe('0 to 100'),
  current: quantity,
  total: quantity,
  unit: text.nullable().describe('Of current and total: `B` for bytes, `s` for seconds, else as the output calls them'),
  rate: quantity.describe('Per second, in the unit of current'),
  etaMs: quantity,
  message: text.nullable(),
  atMs: z.number().describe('When it was said, ms since 1970'),
})

/** Fields that a newer manager adds are no error. */
export const processRecord = z
  .looseObject({
    id: text,
    command: text,
    args: z.array(text),
    env: texts.describe('What was declared; values that look secret are hidden'),
    work_dir: text,
    labels: texts,
    state: z.enum(states),
    status: z.enum(STATUSES),
    pid: z.int().nullable(),
    run: count,
    restarts: count,
    exit_code: z.int().nullable(),
    signal: text.nullable(),
    error: text.nullable(),
    created_at: time,
    started_at: time.nullable(),
    completed_at: time.nullable(),
    retry_at: time.nullable(),
    outcome: outcome.nullable(),
    ready: z.boolean(),
    ready_at: time.nullable(),
    ports: z.record(z.string(), z.int()),
    health: z
      .looseObject({ status: z.enum(['healthy', 'unhealthy', 'unknown']), startup: probe.optional(), liveness: probe.optional(), readiness: probe.optional() })
      .nullable(),
    restart: restartPolicy,
    gave_up: z.boolean(),
    waiting_for: text.nullable(),
    progress: progress.nullable().describe('How far the current or last run is, as its output says'),
    stdin: z.enum(['null', 'pipe']),
    reasons: z.array(z.object({ at: time, text })).describe('The last verdicts, oldest first'),
  })
  .meta({ id: 'ProcessRecord' })

export const problem = z
  .object({ id: text.nullable(), path: text.nullable(), message: text, atMs: z.number().describe('ms since 1970'), times: count })
  .meta({ id: 'Problem' })

export const errorBody = z
  .object({ code: text.describe('Stable, as PROCMAN_PROCESS_UNKNOWN; docs/errors.md lists them'), message: text, details: z.record(z.string(), z.unknown()) })
  .meta({ id: 'Error' })

const port = z.union([z.int(), z.literal('any'), z.looseObject({})])
const probeInput = z.looseObject({}).describe('One of http, tcp, exec, grpc, function (a name), with intervalMs, timeoutMs, failureThreshold …')

const processInput = z
  .object({
    command: text.describe('A program. Never given to a shell'),
    args: z.array(text),
    env: texts,
    inheritEnv: z.boolean(),
    cwd: text.describe("Default: the manager's working directory"),
    labels: texts,
    id: text.describe('Default: 8 generated characters'),
    stdin: z.enum(['null', 'pipe']),
    restart: z.union([text, z.looseObject({ strategy: text })]),
    breaker: z.union([z.boolean(), z.looseObject({})]),
    stop: z.looseObject({}).describe('signal, ladder, timeoutMs'),
    leftovers: z.enum(['stop', 'leave']),
    ports: z.record(z.string(), port),
    health: z.object({ startup: probeInput, liveness: probeInput, readiness: probeInput, pauseWhenSuspended: z.boolean() }).partial(),
    ready: z.looseObject({}).describe('One of logLine (the source of a regular expression, or {source, flags}), notifyFd, delayMs'),
    startupTimeoutMs: z.number(),
    progress: z
      .union([z.boolean(), z.literal('auto'), z.looseObject({})])
      .describe(
        'Whether its output is read for progress; {pattern}: the source of a regular expression, or {source, flags}, with the groups percent, current, total, message',
      ),
    meta: z.record(z.string(), z.union([text, z.number(), z.boolean()])),
    template: z.boolean(),
    autostart: z.boolean(),
    dependsOn: z.record(z.string(), z.enum(['started', 'healthy', 'completed-successfully'])),
    origin: text.nullable(),
  })
  .partial()
  .required({ command: true })
  .describe('As `start` of the library takes it, which checks it')

/** With whatever else, which the library refuses. */
export const startBody = processInput
  .extend({ callerEnv: texts.optional().describe("The caller's environment: where it differs from the manager's, the process is given it") })
  .meta({ id: 'ProcessInput' })
byLibrary.add(startBody)

export const idParams = z.object({ id: text.describe('An id, or a unique beginning of one') })

export const listQuery = z.strictObject({
  status: z
    .union([text, z.array(text)])
    .optional()
    .describe('One or several, separated by commas'),
  label: z
    .union([text, z.array(text)])
    .optional()
    .describe('name=value or name; all must match, of several values of one name one'),
})

export const launchBody = z.strictObject({ force: z.boolean().optional() }).default({})
export const stopBody = z.strictObject({ timeout_ms: ms.optional() }).default({})
export const noBody = z.strictObject({}).default({})
export const signalBody = z.strictObject({ signal: text, target: z.enum(['group', 'command']).optional() })
export const stdinBody = z.strictObject({
  data: text.optional(),
  encoding: z.enum(['utf8', 'base64']).default('utf8'),
  close: z.boolean().default(false).describe('Closes it afterwards: the command reads its end'),
})
export const holdBody = z.strictObject({ reason: text.nullable() })
/** An actor believes what is said to it: nothing may get through that it would choke on. */
const command = <Name extends string, Fields extends z.ZodRawShape>(name: Name, fields: Fields) =>
  z.strictObject({ type: z.literal(name), atMs: z.number().optional().describe('Now, whatever is said'), ...fields })
const force = z.boolean().optional()
export const sendBody = z.strictObject({
  event: z.discriminatedUnion('type', [
    command('process.start', { force }),
    command('process.stop', { timeoutMs: z.union([z.number().nonnegative(), z.literal('never').transform(() => Number.POSITIVE_INFINITY)]).optional() }),
    command('process.restart', { force }),
    command('process.reset', {}),
    command('process.signal', {
      signal: text.refine((name) => canonicalSignal(name) !== null, 'there is no such signal on this machine'),
      target: z.enum(['group', 'command']).default('group'),
      request: text.default('').describe('Comes again in `process.signalled`'),
    }),
    command('process.refresh', {}),
  ]),
})
export const cleanupBody = z.strictObject({ older_than_ms: z.number().nonnegative().default(0) }).default({ older_than_ms: 0 })

export const waitQuery = z.strictObject({ for: z.enum(['ready', 'healthy', 'settled']).default('settled'), timeout_ms: msText.optional() })
export const eventsQuery = z.strictObject({
  after: text.optional().describe('The id of the last event that was seen: as the header Last-Event-ID'),
  snapshots: flagText.optional().describe("Also what the process's actor holds, for clients that stand in for it"),
})
export const logsQuery = z.strictObject({
  follow: flagText.default(true).describe('Go on until the process has ended, or end with what is there now'),
  tail: z.string().regex(/^\d+$/, 'must be a number of lines').transform(Number).optional().describe('Begin so many lines before the end of each stream'),
  stdout: flagText.default(true),
  stderr: flagText.default(true),
  run: z
    .string()
    .regex(/^[1-9]\d*$/, 'must be the number of a run')
    .transform(Number)
    .optional()
    .describe('Only what this run has written'),
  since: timeText.optional().describe('Only what arrived from then on, in ms since 1970'),
  until: timeText.optional().describe('Only what arrived until then, in ms since 1970'),
  grep: text
    .optional()
    .describe('Only lines that match this regular expression (of JavaScript); of `chunks` and `raw` it says only which lines count for `tail`'),
  grep_flags: text.optional(),
  format: z
    .enum(['lines', 'chunks', 'raw'])
    .default('lines')
    .describe(
      'lines: {text, stream, run, partial?, cut?}; chunks: {data, stream, run} with data in base64; both with {at?, seq?, unattended?, gapBytes?}; raw: the bytes alone',
    ),
  after: text.optional().describe('The id of the last event that was seen: as the header Last-Event-ID'),
})

const managerStatus = z
  .looseObject({
    pid: z.int(),
    version: text,
    kind: z.enum(['daemon', 'up', 'command', 'library']),
    started_at: time,
    state_dir: text,
    config: text.nullable(),
    is_watching: z.boolean(),
    config_error: text.nullable(),
    listen: text.nullable(),
    log_level: text,
    log_file: text.nullable(),
    rss_bytes: count,
    processes: count,
    problems: z.array(text),
    collection: z
      .array(
        z.looseObject({
          name: text,
          type: text,
          destination: text,
          state: z.enum(['ok', 'retrying']),
          lag_bytes: count,
          behind_since: time.nullable(),
          delivered: count,
          refused: count,
          lost_bytes: count,
          error: text.nullable(),
          retry_at: time.nullable(),
        }),
      )
      .describe('How far the targets of log_collection are'),
  })
  .meta({ id: 'ManagerStatus' })

export const status = z
  .object({
    api: z.literal('v1'),
    pid: z.int(),
    version: text,
    state_dir: text,
    processes: count,
    problems: z.array(problem),
    manager: managerStatus.nullable().describe('Null: a program that uses the library, without a config file'),
  })
  .meta({ id: 'Status' })

export const applyRequest = z
  .strictObject({
    path: text
      .refine((path) => isAbsolute(path), 'must be absolute: the manager has another working directory than who asks')
      .optional()
      .describe('Of the config file, absolute. Default: the one in force'),
    env: texts.optional(),
    start_down: z.boolean().optional().describe('Also starts what a user has stopped or what has failed'),
    replace: z.boolean().optional(),
    watch: z.boolean().optional(),
  })
  .default({})
export const applyReport = z
  .object({
    lines: z.array(
      z.object({ id: text, action: z.enum(['start', 'create', 'restart', 'update', 'stop', 'remove', 'keep'] satisfies PlanLine['action'][]), reason: text }),
    ),
    warnings: z.array(text),
    failures: z.array(z.object({ id: text, message: text, code: text })),
  })
  .meta({ id: 'ApplyReport' })
export const downBody = z.strictObject({ keep: z.boolean().optional(), timeout_ms: ms.optional() }).default({})
export const logLevelBody = z.strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']) })

export const recordList = z.object({ processes: z.array(processRecord) })
export const explanation = z.object({ id: text, state: z.enum(states), lines: z.array(text) })
const streamStats = z.object({
  diskBytes: count,
  from: count.describe('Of all bytes that it has ever put out, the first one that is kept'),
  to: count,
  gapBytes: count.describe('Between the two, and not kept'),
  lostBytes: count.describe('Could not be kept: the disk was full'),
  rotatedFiles: count,
  compressedFiles: count,
})
export const logFiles = z.object({
  paths: z.object({ stdout: z.array(text), stderr: z.array(text) }).describe('Oldest first, the live one last'),
  stats: z.object({ stdout: streamStats, stderr: streamStats }),
})
export const removedIds = z.object({ removed: z.array(text) })
export const done = z.object({}).describe('Done')
export const stream = z.string().describe('text/event-stream')
