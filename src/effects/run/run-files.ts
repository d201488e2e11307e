/** The run files of a run: names, and reading them without trusting them. The contract is keeper/README.md. */
import { linkSync, lstatSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, readWhole, withTemp } from '../../files.ts'
import { signalName } from '../../signals.ts'
import type { Identity, Outcome } from '../../types.ts'

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

/** @returns the JSON object in the text, or `damaged` */
export function toJson(text: string): Json | 'damaged' {
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

/** Runs whose command was recorded, ascending. Empty when the directory is not there any more. */
export function recordedRunsIn(jobDir: string): readonly number[] {
  try {
    return runsWith(jobDir, 'child')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
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

/** A whole number, from 0. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** What a Date can hold. */
function isTime(value: unknown): value is number {
  return isCount(value) && value <= 8.64e15
}
