/** From what a user passes to `start` to a complete spec. Everything wrong is told at once, with the value and what would be right. */
import { randomInt } from 'node:crypto'
import { isAbsolute } from 'node:path'
import type { ProcessInput } from '../api.ts'
import type { ProbeFunction } from '../effects/probe/ports.ts'
import { ProcmanError } from '../errors.ts'
import { ID_PATTERN } from '../persistence/spec-shape.ts'
import { checkTemplates } from '../template.ts'
import type { ProcessSpec } from '../types.ts'
import { pathFrom } from './about.ts'
import { parseDependencies } from './depends-on.ts'
import { parseEnv } from './env.ts'
import { parseHealth } from './health.ts'
import { checkOutput, parseLogs } from './logs.ts'
import { isFullText, isRecord, isTexts, Options, show, withoutUndefined } from './must.ts'
import { parsePorts } from './ports.ts'
import { parseProgress } from './progress.ts'
import { parseReady } from './ready.ts'
import { parseBreaker, parseRestart } from './restart.ts'
import { parseStop } from './stop.ts'

const KNOWN = [
  'command',
  'args',
  'env',
  'inheritEnv',
  'cwd',
  'labels',
  'id',
  'stdin',
  'restart',
  'breaker',
  'stop',
  'leftovers',
  'ports',
  'health',
  'ready',
  'startupTimeoutMs',
  'meta',
  'template',
  'dependsOn',
  'origin',
  'logs',
  'progress',
  'autostart',
]

export interface ParsedInput {
  readonly spec: ProcessSpec
  /** What was given as a probe's function, by the name that the spec has of it: `<id>/<probe>`. */
  readonly functions: ReadonlyMap<string, ProbeFunction>
}

/** @throws PROCMAN_INVALID_SPEC with all that is wrong in `details.problems` */
export function parseProcessInput(input: ProcessInput, newId: () => string): ParsedInput {
  if (typeof input !== 'object' || input === null) throw invalid([`a process spec is an object with a command, not ${show(input)}`])
  const problems: string[] = []
  const functions = new Map<string, ProbeFunction>()
  const spec = parseSpec(new Options({ ...input }, '', KNOWN, problems), newId, functions)
  problems.push(...checkTemplates(spec), ...checkOutput(spec))
  if (problems.length > 0) throw invalid(problems)
  return { spec, functions }
}

/** The same for a process that there is, and that is declared anew. */
export function parseAgain(input: ProcessInput, id: string): ParsedInput {
  const parsed = parseProcessInput(input, () => id)
  if (parsed.spec.id !== id) throw invalid([`id must be ${show(id)}, as the process is called, or absent, not ${show(parsed.spec.id)}`])
  return parsed
}

function parseSpec(options: Options, newId: () => string, functions: Map<string, ProbeFunction>): ProcessSpec {
  const { problems } = options
  const template = options.flag('template', true)
  const ports = parsePorts(options.given('ports'), problems)
  const restart = parseRestart(options.given('restart'), problems)
  const startupTimeoutMs = options.duration('startupTimeoutMs', 60_000, 1)
  const id = options.read('id', '1 to 100 letters, digits, ".", "_" or "-", beginning with a letter, a digit or "_"', isId, null) ?? newId()
  const cwd = pathFrom(process.cwd(), options.read('cwd', 'a path', isFullText, '.'), template)
  const ownPort = template && Object.keys(ports).length === 1 ? '${port}' : null
  // Only the caller of `start` acts on it.
  options.flag('autostart', true)
  return {
    id,
    command: options.need('command', 'a non-empty string without NUL', isFullText, ''),
    args: [...options.read('args', 'strings without NUL', isTexts, [])],
    env: parseEnv(options),
    inheritEnv: options.flag('inheritEnv', true),
    cwd,
    labels: parseLabels(options),
    stdin: options.oneOf('stdin', ['null', 'pipe'], 'null'),
    restart,
    breaker: parseBreaker(options.given('breaker'), restart.strategy, problems),
    stop: parseStop(options.given('stop'), problems),
    leftovers: options.oneOf('leftovers', ['stop', 'leave'], 'stop'),
    ports,
    health: parseHealth(options.given('health'), { id, cwd, ownPort, ports, template }, functions, problems),
    ready: parseReady(options.given('ready'), startupTimeoutMs, problems),
    startupTimeoutMs,
    meta: parseMeta(options),
    template,
    dependsOn: parseDependencies(options, id),
    origin: options.read('origin', 'an absolute path, or null', isPlace, null),
    logs: parseLogs(options.given('logs'), problems),
    progress: parseProgress(options.given('progress'), problems),
  }
}

function isPlace(value: unknown): value is string | null {
  return value === null || (isFullText(value) && isAbsolute(value))
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value)
}

function parseLabels(options: Options): ProcessSpec['labels'] {
  const areLabels = (value: unknown): value is Record<string, string> => isRecord(value) && Object.values(value).every((label) => typeof label === 'string')
  return { ...options.read('labels', 'an object of strings', areLabels, {}) }
}

function parseMeta(options: Options): ProcessSpec['meta'] {
  const meta: [string, string | number | boolean][] = []
  for (const [name, value] of Object.entries(withoutUndefined(options.read('meta', 'an object', isRecord, {})))) {
    if (typeof value === 'string' || typeof value === 'boolean') meta.push([name, value])
    // JSON has no -0.
    else if (typeof value === 'number' && Number.isFinite(value)) meta.push([name, value + 0])
    else options.problems.push(`meta.${name} must be a string, a number, true or false, not ${show(value)}`)
  }
  return Object.fromEntries(meta)
}

const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** @returns 8 characters; the first is a letter, so that no id looks like an option or a number */
export function generateId(): string {
  const pick = (letters: string) => letters[randomInt(letters.length)] ?? ''
  return pick(ID_LETTERS.slice(0, 26)) + Array.from({ length: 7 }, () => pick(ID_LETTERS)).join('')
}

function invalid(problems: readonly string[]): ProcmanError {
  return new ProcmanError('PROCMAN_INVALID_SPEC', problems.join('; '), { details: { problems } })
}
