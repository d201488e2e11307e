/** The run files of a run: names, and reading them without trusting them. The contract is keeper/README.md. */
import { existsSync, linkSync, lstatSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, readWhole, replaceFile, withTemp } from '../../files.ts'
import type { LogsSpec } from '../../output.ts'
import { signalName } from '../../signals.ts'
import type { Identity, Outcome, ProcessSpec } from '../../types.ts'

export type RunFile = 'intent' | 'claim' | 'ctl' | 'alive' | 'in' | 'child' | 'exit' | 'rest' | 'ready' | 'notify'

export function runFile(jobDir: string, run: number, file: RunFile): string {
  return join(jobDir, `run-${run}.${file}`)
}

export type Claim = { readonly kind: 'void'; readonly atMs: number } | { readonly kind: 'keeper'; readonly keeper: Identity } | { readonly kind: 'damaged' }

export interface Child {
  readonly pid: number
  readonly start: string
  /** Null: written by a keeper that did not say. */
  readonly boot: string | null
  readonly atMs: number
  /** Where in the log of each stream this run begins: a logical offset. */
  readonly stdout: number
  readonly stderr: number
  /** The descriptor of the keeper that holds what is captured in memory. Null: it is not. */
  readonly stdoutFd: number | null
  readonly stderrFd: number | null
}

export interface RunExit {
  readonly outcome: Outcome
  readonly atMs: number
}

type Json = Readonly<Record<string, unknown>>

/** @returns the JSON object in the file; null when there is none, and `damaged` when it is something else. @throws what may pass, see `readWhole` */
function readJson(path: string): Json | null | 'damaged' {
  // Most looks are for a file that is not there yet, and an exception costs more than the look.
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return null
  const found = readWhole(path)
  if (found.kind === 'missing') return null
  return found.kind === 'odd' ? 'damaged' : toJson(found.text)
}

function toJson(text: string): Json | 'damaged' {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Json) : 'damaged'
  } catch {
    return 'damaged'
  }
}

/** All that run files say of a run. */
export interface RunRecord {
  /** Also null when the others say it all. */
  readonly claim: Claim | null
  readonly child: Child | null
  readonly exit: RunExit | null
}

/** Where a keeper had no room for another file, what belongs into it is a further line of the claim. In this order: who has ended has been written down before. */
export function readRun(jobDir: string, run: number): RunRecord {
  const exit = readJson(runFile(jobDir, run, 'exit'))
  const child = toChild(readJson(runFile(jobDir, run, 'child')))
  // The claim has nothing to add.
  if (exit !== null && child !== null && child.boot !== null) return { claim: null, child, exit: toExit(exit, jobDir, run) }
  const { claim, lines } = readClaimFile(jobDir, run)
  return {
    claim,
    child: child ?? toChild(lines.find((line) => 'pid' in line) ?? null),
    exit: exit === null ? toLateExit(lines, jobDir, run) : toExit(exit, jobDir, run),
  }
}

/** @returns the claim, and what else was written into its room, as far as it is whole */
function readClaimFile(jobDir: string, run: number): { readonly claim: Claim | null; readonly lines: readonly Json[] } {
  const path = runFile(jobDir, run, 'claim')
  const found = lstatSync(path, { throwIfNoEntry: false }) === undefined ? null : readWhole(path)
  if (found === null || found.kind === 'missing') return { claim: null, lines: [] }
  if (found.kind === 'odd') return { claim: { kind: 'damaged' }, lines: [] }
  const [first = '', ...rest] = found.text.split('\n', 4)
  const lines = rest.flatMap((line) => {
    const json = line === '' ? 'damaged' : toJson(line)
    return json === 'damaged' ? [] : [json]
  })
  return { claim: toClaim(toJson(first)), lines }
}

export function readClaim(jobDir: string, run: number): Claim | null {
  return readClaimFile(jobDir, run).claim
}

function toClaim(json: Json | 'damaged'): Claim {
  if (json === 'damaged') return { kind: 'damaged' }
  if (json.void === true) return { kind: 'void', atMs: isTime(json.at) ? json.at : 0 }
  if (!isPid(json.pid) || typeof json.start !== 'string' || typeof json.boot !== 'string') return { kind: 'damaged' }
  return { kind: 'keeper', keeper: { pid: json.pid, start: json.start, boot: json.boot } }
}

export function readChild(jobDir: string, run: number): Child | null {
  return toChild(readJson(runFile(jobDir, run, 'child'))) ?? readRun(jobDir, run).child
}

function toChild(json: Json | 'damaged' | null): Child | null {
  if (json === null || json === 'damaged') return null
  if (!isPid(json.pid) || typeof json.start !== 'string' || !isTime(json.at)) return null
  const boot = typeof json.boot === 'string' ? json.boot : null
  const { out, err, outFd, errFd } = json
  return {
    pid: json.pid,
    start: json.start,
    boot,
    atMs: json.at,
    stdout: isCount(out) ? out : 0,
    stderr: isCount(err) ? err : 0,
    stdoutFd: isCount(outFd) ? outFd : null,
    stderrFd: isCount(errFd) ? errFd : null,
  }
}

export function readExit(jobDir: string, run: number): RunExit | null {
  const exit = readJson(runFile(jobDir, run, 'exit'))
  return exit === null ? toLateExit(readClaimFile(jobDir, run).lines, jobDir, run) : toExit(exit, jobDir, run)
}

/**
 * When the command said on its descriptor that it is ready (`ReadySpec` of kind `notify`), in ms since 1970. To be asked when `notify` has been let go of.
 * @returns null when it has not, or when what lies there cannot be understood
 */
export function readReady(jobDir: string, run: number): number | null {
  const file = readJson(runFile(jobDir, run, 'ready'))
  const ready = file ?? readClaimFile(jobDir, run).lines.find((line) => !('pid' in line || 'kind' in line)) ?? null
  return ready !== null && ready !== 'damaged' && isTime(ready.at) ? ready.at : null
}

/** Of what stands in a claim only an end that can be understood is one. */
function toLateExit(lines: readonly Json[], jobDir: string, run: number): RunExit | null {
  const line = lines.find((each) => 'kind' in each)
  const exit = line === undefined ? null : toExit(line, jobDir, run)
  return exit?.outcome.kind === 'unknown' ? null : exit
}

function toExit(json: Json | 'damaged', jobDir: string, run: number): RunExit {
  if (json === 'damaged' || !isTime(json.at)) return { outcome: { kind: 'unknown', reason: 'the exit file is damaged' }, atMs: modifiedAtMs(jobDir, run) }
  return { outcome: outcomeOf(json, jobDir), atMs: json.at }
}

/** The keeper wrote it when the command ended: the next best that is known of a damaged one. */
function modifiedAtMs(jobDir: string, run: number): number {
  return Math.floor(lstatSync(runFile(jobDir, run, 'exit'), { throwIfNoEntry: false })?.mtimeMs ?? 0)
}

const STEPS = ['intent', 'cwd', 'log', 'fork', 'command', 'interpreter'] as const

/** How a command ended, as far as a keeper can tell. */
export type End = Exclude<Outcome, { readonly kind: 'not-started' }>

/** @param line what a keeper in the mode `guard` tells: the same as it would write to an exit file */
export function endIn(line: string): End {
  const json = toJson(line)
  return json === 'damaged' ? { kind: 'unknown', reason: `the guard says ${JSON.stringify(line)}` } : outcomeOf(json, '')
}

function outcomeOf(json: Json, jobDir: string): End {
  if (json.kind === 'code' && isCount(json.code)) return { kind: 'code', code: json.code }
  if (json.kind === 'signal' && isCount(json.signal)) return { kind: 'signal', signal: signalName(json.signal), core: json.core === true }
  const step = STEPS.find((known) => known === json.step)
  if (json.kind === 'failed' && step !== undefined) {
    const errno = typeof json.errno === 'string' ? json.errno : 'EUNKNOWN'
    return { kind: 'launch-failed', step, errno, ...(step === 'log' || step === 'intent' ? { path: jobDir } : {}) }
  }
  return { kind: 'unknown', reason: 'the exit file is damaged' }
}

/** Claims a run that nobody has claimed, so that a keeper that comes late loses. @returns false when somebody was faster */
export function voidClaim(jobDir: string, run: number, nowMs: number): boolean {
  const path = runFile(jobDir, run, 'claim')
  let isFirst = true
  withTemp(path, JSON.stringify({ v: 1, void: true, at: nowMs }), (temp) => {
    try {
      linkSync(temp, path)
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
      isFirst = false
    }
    rmSync(temp, { force: true })
  })
  return isFirst
}

export interface Intent {
  readonly token: string
  /** As declared: a process can be rebuilt from it. */
  readonly spec: ProcessSpec
  /** With its templates filled in: what is executed. */
  readonly filled: ProcessSpec
  readonly env: Readonly<Record<string, string>>
  readonly ports: Readonly<Record<string, number>>
}

/** Writes down what a run is to execute. The spec goes along, so that a process can be rebuilt from its run files alone. */
export function writeIntent(jobDir: string, run: number, { token, spec, filled, env, ports }: Intent): void {
  const fields = [
    'v=1',
    `token=${token}`,
    `cwd=${filled.cwd}`,
    ...[filled.command, ...filled.args].map((arg) => `arg=${arg}`),
    ...Object.entries(env).map(([name, value]) => `env=${name}=${value}`),
    `stdin=${spec.stdin}`,
    'stdout=stdout.log',
    'stderr=stderr.log',
    `leftovers=${spec.leftovers}`,
    `graceMs=${spec.stop.timeoutMs}`,
    ...(spec.ready?.kind === 'notify' ? [`notify=${spec.ready.fd}`] : []),
    ...logFields(spec.logs),
    `ports=${JSON.stringify(ports)}`,
    `spec=${JSON.stringify(spec)}`,
  ]
  replaceFile(runFile(jobDir, run, 'intent'), fields.join('\0'))
}

const SINKS = { files: 'file', memory: 'memory', none: 'none' } as const

/** What a keeper is to know of logs: it rotates on its own. */
function logFields(logs: LogsSpec): readonly string[] {
  const limits = { logSize: logs.maxSizeBytes, logFiles: logs.maxFiles, logAge: logs.maxAgeMs, logTotal: logs.maxTotalBytes, logBuffer: logs.bufferBytes }
  return [
    `stdoutTo=${SINKS[logs.stdout]}`,
    `stderrTo=${SINKS[logs.stderr]}`,
    ...Object.entries(limits).flatMap(([name, limit]) => (limit === null ? [] : [`${name}=${limit}`])),
  ]
}

export function hasIntent(jobDir: string, run: number): boolean {
  return existsSync(runFile(jobDir, run, 'intent'))
}

export interface FoundIntent {
  readonly token: string
  /** Unchecked. */
  readonly spec: unknown
  readonly env: Readonly<Record<string, string>>
  /** Null: it does not say. */
  readonly ports: Readonly<Record<string, number>> | null
}

/** @returns what was written down for a run; null when it cannot be read */
export function readIntent(jobDir: string, run: number): FoundIntent | null {
  const found = readWhole(runFile(jobDir, run, 'intent'))
  if (found.kind !== 'text') return null
  const fields = found.text.split('\0')
  const textOf = (key: string) => fields.find((field) => field.startsWith(key))?.slice(key.length) ?? ''
  try {
    return { token: textOf('token='), spec: JSON.parse(textOf('spec=')), env: toEnv(fields), ports: toPorts(textOf('ports=')) }
  } catch {
    return null
  }
}

/**
 * Which streams the keeper of a run rotates when it is asked to.
 * @returns none when it was launched by a release that did not rotate; null when there is no intent
 */
export function keptStreams(jobDir: string, run: number): readonly ('stdout' | 'stderr')[] | null {
  const found = readWhole(runFile(jobDir, run, 'intent'))
  if (found.kind !== 'text') return null
  const fields = found.text.split('\0')
  return (['stdout', 'stderr'] as const).filter((stream) => fields.includes(`${stream}To=file`))
}

function toEnv(fields: readonly string[]): Readonly<Record<string, string>> {
  const variables = fields.flatMap((field) => (field.startsWith('env=') ? [field.slice('env='.length)] : []))
  return Object.fromEntries(variables.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]))
}

/** @returns null for an intent of a release that knew no ports, and for what is none */
function toPorts(text: string): Readonly<Record<string, number>> | null {
  const json = text === '' ? 'damaged' : toJson(text)
  if (json === 'damaged' || Array.isArray(json)) return null
  const entries = Object.entries(json).filter((entry): entry is [string, number] => isCount(entry[1]) && entry[1] >= 1 && entry[1] <= 65_535)
  return entries.length === Object.keys(json).length ? Object.fromEntries(entries) : null
}

const NAME = /^run-(\d{1,15})\.([a-z]+)/

/** @returns all run files that are here, by run, ascending */
export function listRunFiles(jobDir: string): readonly { readonly run: number; readonly file: string }[] {
  const found = readdirSync(jobDir).flatMap((name) => {
    const match = NAME.exec(name)
    return match?.[2] !== undefined && match[0] === name ? [{ run: Number(match[1]), file: match[2] }] : []
  })
  return found.sort((a, b) => a.run - b.run)
}

/** @returns the numbers of all runs that have this file here, ascending */
export function runsWith(jobDir: string, file: RunFile): readonly number[] {
  return listRunFiles(jobDir).flatMap((each) => (each.file === file ? [each.run] : []))
}

/**
 * Lists what only a living run needs, and all of runs older than the last `kept`: to be removed. What remains of a past run, `child` and `exit`, tells where
 * its output begins.
 */
export function staleRunFiles(jobDir: string, current: number, kept: number): string[] {
  return readdirSync(jobDir).flatMap((name) => {
    const match = NAME.exec(name)
    if (match === null) return []
    const run = Number(match[1])
    const isRecord = match[2] === 'child' || match[2] === 'exit'
    return run < current && (!isRecord || run <= current - kept) ? [join(jobDir, name)] : []
  })
}

function isPid(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 1
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** What a Date can hold. */
function isTime(value: unknown): value is number {
  return isCount(value) && value <= 8.64e15
}
