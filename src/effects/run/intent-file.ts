/** The intent of a run: what it is to execute, written down before anybody is asked to. The contract is keeper/README.md. */
import { existsSync } from 'node:fs'
import { readWhole, replaceFile } from '../../files.ts'
import type { LogsSpec } from '../../output.ts'
import type { ProcessSpec } from '../../types.ts'
import { isCount, runFile, toJson } from './run-files.ts'

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
