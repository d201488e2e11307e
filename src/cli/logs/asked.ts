/** What the options of `logs` come to. */
import type { LabelFilter, WatchOptions } from '../../api.ts'
import { parseCount } from '../parse/count.ts'
import { parseLabelFilter } from '../parse/labels.ts'
import { parseMoment } from '../parse/moment.ts'
import { usageError } from '../report.ts'

/** As commander leaves them. */
export interface LogsOptions {
  readonly follow?: boolean
  readonly label?: readonly string[]
  readonly tail?: string
  readonly since?: string
  readonly until?: string
  readonly run?: string
  readonly grep?: string
  readonly ignoreCase?: boolean
  readonly stdout?: boolean
  readonly stderr?: boolean
  readonly json?: boolean
  readonly timestamps?: boolean
  readonly path?: boolean
  readonly rotate?: boolean
  readonly clear?: boolean
}

const CARE = ['path', 'rotate', 'clear'] as const
const FLAGS = { ignoreCase: '--ignore-case' } as const

export interface Asked {
  /** `read` the output, or see to the files. */
  readonly verb: 'read' | (typeof CARE)[number]
  readonly labels: LabelFilter | undefined
  readonly read: WatchOptions
  /** 0 and less: so many before the last one. */
  readonly run: number | undefined
  /** Something was asked for that only lines have. */
  readonly byLine: boolean
  readonly isJson: boolean
  readonly isTimed: boolean
}

export function parseLogsOptions(ids: readonly string[], options: LogsOptions, nowMs: number): Asked {
  const verb = verbOf(ids, options)
  const { label, tail, since, until, run, grep, stdout, stderr, json = false, timestamps = false, follow = false } = options
  if (label !== undefined && ids.length > 0) throw usageError('give ids or --label, not both')
  if (options.ignoreCase === true && grep === undefined) throw usageError('--ignore-case needs --grep')
  // One of the two: that stream alone. None or both: both.
  const isBoth = stdout === stderr
  const untilMs = until === undefined ? undefined : parseMoment(until, '--until', nowMs)
  if (follow && untilMs !== undefined && untilMs <= nowMs) throw usageError(`--follow needs a time to come in --until, not ${JSON.stringify(until)}`)
  return {
    verb,
    labels: label && parseLabelFilter(label),
    read: {
      follow,
      stdout: isBoth || stdout === true,
      stderr: isBoth || stderr === true,
      ...(tail === undefined ? {} : { tail: parseCount(tail, '--tail') }),
      ...(since === undefined ? {} : { since: parseMoment(since, '--since', nowMs) }),
      ...(untilMs === undefined ? {} : { until: untilMs }),
      ...(grep === undefined ? {} : { grep: parsePattern(grep, options.ignoreCase === true) }),
    },
    run: run === undefined ? undefined : parseRun(run),
    byLine: json || timestamps || [since, until, run, grep].some((option) => option !== undefined),
    isJson: json,
    isTimed: timestamps,
  }
}

/** What sees to the files takes ids and nothing else; `--path` a stream, and JSON. */
function verbOf(ids: readonly string[], options: LogsOptions): Asked['verb'] {
  const [verb, other] = CARE.filter((name) => options[name] === true)
  if (verb === undefined) return 'read'
  if (other !== undefined) throw usageError(`--${verb} and --${other} cannot both be meant`)
  const allowed = verb === 'path' ? [verb, 'stdout', 'stderr', 'json', 'stateDir'] : [verb, 'stateDir']
  const odd = Object.entries(options).find(([name, value]) => value !== undefined && !allowed.includes(name))?.[0]
  if (odd !== undefined) throw usageError(`--${verb} and ${FLAGS[odd as keyof typeof FLAGS] ?? `--${odd}`} cannot both be meant`)
  if (ids.length === 0) throw usageError(`--${verb} needs the id of a process, as in: procman logs --${verb} web`)
  return verb
}

function parsePattern(source: string, ignoreCase: boolean): RegExp {
  try {
    return new RegExp(source, ignoreCase ? 'i' : '')
  } catch (error) {
    throw usageError(`--grep ${JSON.stringify(source)} is not a regular expression: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function parseRun(text: string): number {
  const run = Number(text)
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(run))
    throw usageError(`--run ${JSON.stringify(text)} is not the number of a run; write 3 for the third, 0 for the last one, -1 for the one before it`)
  return run
}
