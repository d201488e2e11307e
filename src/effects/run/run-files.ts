/** The run files of a run: names, and reading them without trusting them. The contract is keeper/README.md. */
import {
  closeSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { signalName } from '../../signals.ts'
import type { Identity, Outcome, ProcessSpec } from '../../types.ts'

export type RunFile = 'intent' | 'claim' | 'ctl' | 'alive' | 'in' | 'child' | 'exit' | 'rest'

export function runFile(jobDir: string, run: number, file: RunFile): string {
  return join(jobDir, `run-${run}.${file}`)
}

export type Claim = { readonly kind: 'void' } | { readonly kind: 'keeper'; readonly keeper: Identity } | { readonly kind: 'damaged' }

export interface Child {
  readonly pid: number
  readonly start: string
  readonly atMs: number
  readonly stdout: number
  readonly stderr: number
}

export interface RunExit {
  readonly outcome: Outcome
  readonly atMs: number
}

type Json = Readonly<Record<string, unknown>>

/** @returns the JSON object in the file; null when there is none, and `damaged` when it is something else. */
function readJson(path: string): Json | null | 'damaged' {
  // Most looks are for a file that is not there yet, and an exception costs more than the look.
  if (!existsSync(path)) return null
  const text = readRegularFile(path)
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Json) : 'damaged'
  } catch {
    return 'damaged'
  }
}

/** Reads without waiting: a FIFO that somebody has put in the file's place must not block the loop. */
function readRegularFile(path: string): string | null {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    return ''
  }
  try {
    return readFileSync(fd, 'utf8')
  } catch {
    return ''
  } finally {
    closeSync(fd)
  }
}

export function readClaim(jobDir: string, run: number): Claim | null {
  const json = readJson(runFile(jobDir, run, 'claim'))
  if (json === null) return null
  if (json === 'damaged') return { kind: 'damaged' }
  if (json.void === true) return { kind: 'void' }
  if (!isPid(json.pid) || typeof json.start !== 'string' || typeof json.boot !== 'string') return { kind: 'damaged' }
  return { kind: 'keeper', keeper: { pid: json.pid, start: json.start, boot: json.boot } }
}

export function readChild(jobDir: string, run: number): Child | null {
  const json = readJson(runFile(jobDir, run, 'child'))
  if (json === null || json === 'damaged') return null
  if (!isPid(json.pid) || typeof json.start !== 'string' || !isTime(json.at)) return null
  return { pid: json.pid, start: json.start, atMs: json.at, stdout: isTime(json.out) ? json.out : 0, stderr: isTime(json.err) ? json.err : 0 }
}

export function readExit(jobDir: string, run: number): RunExit | null {
  const json = readJson(runFile(jobDir, run, 'exit'))
  if (json === null) return null
  if (json === 'damaged' || !isTime(json.at)) return { outcome: { kind: 'unknown', reason: 'the exit file is damaged' }, atMs: modifiedAtMs(jobDir, run) }
  return { outcome: outcomeOf(json), atMs: json.at }
}

/** The keeper wrote it when the command ended: the next best that is known of a damaged one. */
function modifiedAtMs(jobDir: string, run: number): number {
  return Math.floor(lstatSync(runFile(jobDir, run, 'exit'), { throwIfNoEntry: false })?.mtimeMs ?? 0)
}

const STEPS = ['intent', 'cwd', 'log', 'fork', 'command', 'interpreter'] as const

function outcomeOf(json: Json): Outcome {
  if (json.kind === 'code' && isTime(json.code)) return { kind: 'code', code: json.code }
  if (json.kind === 'signal' && isTime(json.signal)) return { kind: 'signal', signal: signalName(json.signal), core: json.core === true }
  const step = STEPS.find((known) => known === json.step)
  if (json.kind === 'failed' && step !== undefined) return { kind: 'launch-failed', step, errno: typeof json.errno === 'string' ? json.errno : 'EUNKNOWN' }
  return { kind: 'unknown', reason: 'the exit file is damaged' }
}

/** Claims a run that nobody has claimed, so that a keeper that comes late loses. @returns false when somebody was faster */
export function voidClaim(jobDir: string, run: number, nowMs: number): boolean {
  const temp = `${runFile(jobDir, run, 'claim')}.${process.pid}.tmp`
  writeFileSync(temp, JSON.stringify({ v: 1, void: true, at: nowMs }), { mode: 0o600 })
  try {
    linkSync(temp, runFile(jobDir, run, 'claim'))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    unlinkSync(temp)
  }
}

export interface Intent {
  readonly token: string
  readonly spec: ProcessSpec
  readonly env: Readonly<Record<string, string>>
}

/** Writes down what a run is to execute. The spec goes along, so that a process can be rebuilt from its run files alone. */
export function writeIntent(jobDir: string, run: number, { token, spec, env }: Intent): void {
  const fields = [
    'v=1',
    `token=${token}`,
    `cwd=${spec.cwd}`,
    ...[spec.command, ...spec.args].map((arg) => `arg=${arg}`),
    ...Object.entries(env).map(([name, value]) => `env=${name}=${value}`),
    `stdin=${spec.stdin}`,
    'stdout=stdout.log',
    'stderr=stderr.log',
    `leftovers=${spec.leftovers}`,
    `graceMs=${spec.stop.timeoutMs}`,
    `spec=${JSON.stringify(spec)}`,
  ]
  const path = runFile(jobDir, run, 'intent')
  writeFileSync(`${path}.tmp`, fields.join('\0'), { mode: 0o600 })
  renameSync(`${path}.tmp`, path)
}

export function hasIntent(jobDir: string, run: number): boolean {
  return existsSync(runFile(jobDir, run, 'intent'))
}

/** @returns the spec that was written down for a run, unchecked; null when it cannot be read */
export function readIntendedSpec(jobDir: string, run: number): unknown {
  const text = readRegularFile(runFile(jobDir, run, 'intent'))
  const field = text?.split('\0').find((each) => each.startsWith('spec='))
  if (field === undefined) return null
  try {
    return JSON.parse(field.slice('spec='.length))
  } catch {
    return null
  }
}

const NAME = /^run-(\d{1,15})\.([a-z]+)/

/** @returns the numbers of all runs that have files here, ascending */
export function listRuns(jobDir: string): readonly number[] {
  const runs = new Set<number>()
  for (const name of readdirSync(jobDir)) {
    const match = NAME.exec(name)
    if (match?.[1] !== undefined) runs.add(Number(match[1]))
  }
  return [...runs].sort((a, b) => a - b)
}

/** Removes what only a living run needs, and all of runs older than the last `kept`. What remains, `child` and `exit`, tells where a run's output begins. */
export function pruneRuns(jobDir: string, current: number, kept: number): void {
  for (const name of readdirSync(jobDir)) {
    const match = NAME.exec(name)
    if (match === null) continue
    const run = Number(match[1])
    const isRecord = match[2] === 'child' || match[2] === 'exit'
    if (run < current && (!isRecord || run <= current - kept)) rmSync(join(jobDir, name), { force: true })
  }
}

function isPid(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 1
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
