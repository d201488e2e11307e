/** From what a user passes to `start` to a complete spec. Everything wrong is told at once, with the value and what would be right. */
import { randomInt } from 'node:crypto'
import { resolve } from 'node:path'
import type { ProcessInput } from './api.ts'
import { ProcmanError } from './errors.ts'
import { ID_PATTERN } from './persistence/codec.ts'
import { canonicalSignal } from './signals.ts'
import type { ProcessSpec, RestartPolicy, StopPolicy } from './types.ts'

const DEFAULT_RESTART: RestartPolicy = { strategy: 'never', delayMs: 1_000, multiplier: 2, maxDelayMs: 60_000, maxRestarts: 0, resetAfterMs: 60_000 }
const DEFAULT_STOP_TIMEOUT_MS = 5_000
const LONGEST_MS = 7 * 24 * 3_600_000
const STOP_OPTIONS: readonly string[] = ['signal', 'ladder', 'timeoutMs']
const STRATEGIES: readonly string[] = ['never', 'on-failure', 'always']
const KNOWN = ['command', 'args', 'env', 'inheritEnv', 'cwd', 'labels', 'id', 'stdin', 'restart', 'stop', 'leftovers', 'autostart']

/** @throws PROCMAN_INVALID_SPEC with all that is wrong in `details.problems` */
export function parseProcessInput(input: ProcessInput, newId: () => string): ProcessSpec {
  const problems: string[] = []
  const must = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem)
  }
  if (typeof input !== 'object' || input === null) throw invalid([`a process spec is an object with a command, not ${show(input)}`])
  for (const key of Object.keys(input)) must(KNOWN.includes(key), `there is no option ${show(key)}; known are ${KNOWN.join(', ')}`)
  const args = input.args ?? []
  const env = input.env ?? {}
  const labels = input.labels ?? {}
  must(isText(input.command) && input.command !== '', `command must be a non-empty string without NUL, not ${show(input.command)}`)
  must(Array.isArray(args) && [...args].every(isText), `args must be strings without NUL, not ${show(args)}`)
  must(isRecord(env), `env must be an object of strings, not ${show(env)}`)
  if (isRecord(env)) for (const [name, value] of Object.entries(env)) checkVariable(name, value, must)
  must(isRecord(labels) && Object.values(labels).every((value) => typeof value === 'string'), `labels must be an object of strings, not ${show(labels)}`)
  must(input.cwd === undefined || (isText(input.cwd) && input.cwd !== ''), `cwd must be a path, not ${show(input.cwd)}`)
  must(
    input.id === undefined || (typeof input.id === 'string' && ID_PATTERN.test(input.id)),
    `id must be 1 to 100 letters, digits, ".", "_" or "-", beginning with a letter, a digit or "_", not ${show(input.id)}`,
  )
  must(oneOf(input.stdin, ['null', 'pipe']), `stdin must be "null" or "pipe", not ${show(input.stdin)}`)
  must(oneOf(input.leftovers, ['stop', 'leave']), `leftovers must be "stop" or "leave", not ${show(input.leftovers)}`)
  must(oneOf(input.inheritEnv, [true, false]), `inheritEnv must be true or false, not ${show(input.inheritEnv)}`)
  must(oneOf(input.autostart, [true, false]), `autostart must be true or false, not ${show(input.autostart)}`)
  const restart = parseRestart(input.restart, must)
  const stop = parseStop(input.stop, must)
  if (problems.length > 0) throw invalid(problems)
  return {
    id: input.id ?? newId(),
    command: input.command,
    args: [...args],
    env: Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    inheritEnv: input.inheritEnv ?? true,
    cwd: resolve(input.cwd ?? '.'),
    labels: { ...labels },
    stdin: input.stdin ?? 'null',
    restart,
    stop,
    leftovers: input.leftovers ?? 'stop',
  }
}

type Must = (holds: boolean, problem: string) => void

function parseRestart(given: ProcessInput['restart'], must: Must): RestartPolicy {
  if (given !== undefined && typeof given !== 'string' && !isRecord(given)) {
    must(false, `restart must be one of ${STRATEGIES.join(', ')}, or an object, not ${show(given)}`)
    return DEFAULT_RESTART
  }
  const restart = { ...DEFAULT_RESTART, ...(typeof given === 'string' ? { strategy: given } : withoutUndefined(given ?? {})) }
  must(
    STRATEGIES.includes(restart.strategy),
    `restart must be one of ${STRATEGIES.join(', ')}, not ${show(typeof given === 'string' ? given : restart.strategy)}`,
  )
  for (const key of Object.keys(restart))
    must(Object.hasOwn(DEFAULT_RESTART, key), `restart has no option ${show(key)}; known are ${Object.keys(DEFAULT_RESTART).join(', ')}`)
  for (const key of ['delayMs', 'maxDelayMs', 'resetAfterMs'] as const)
    must(isDuration(restart[key]), `restart.${key} must be 0 to ${LONGEST_MS} ms, not ${show(restart[key])}`)
  must(
    typeof restart.multiplier === 'number' && restart.multiplier >= 1 && restart.multiplier <= 1_000,
    `restart.multiplier must be 1 to 1000, not ${show(restart.multiplier)}`,
  )
  must(
    Number.isSafeInteger(restart.maxRestarts) && restart.maxRestarts >= 0,
    `restart.maxRestarts must be a whole number, 0 for no limit, not ${show(restart.maxRestarts)}`,
  )
  return restart
}

function parseStop(given: ProcessInput['stop'], must: Must): StopPolicy {
  if (given !== undefined && !isRecord(given)) {
    must(false, `stop must be an object, not ${show(given)}`)
    return { ladder: [], timeoutMs: DEFAULT_STOP_TIMEOUT_MS }
  }
  for (const key of Object.keys(given ?? {})) must(STOP_OPTIONS.includes(key), `stop has no option ${show(key)}; known are ${STOP_OPTIONS.join(', ')}`)
  const timeoutMs = given?.timeoutMs ?? DEFAULT_STOP_TIMEOUT_MS
  must(isDuration(timeoutMs), `stop.timeoutMs must be 0 to ${LONGEST_MS} ms, not ${show(timeoutMs)}`)
  must(given?.signal === undefined || given.ladder === undefined, 'stop takes a signal or a ladder, not both')
  const ladder = given?.ladder ?? [{ signal: given?.signal ?? 'SIGTERM', afterMs: 0 }]
  if (!Array.isArray(ladder)) {
    must(false, `stop.ladder must be a list of { signal, afterMs }, not ${show(ladder)}`)
    return { ladder: [], timeoutMs }
  }
  for (const rung of ladder) {
    must(typeof rung?.signal === 'string' && canonicalSignal(rung.signal) !== null, `stop: there is no signal ${show(rung?.signal)} on this machine`)
    must(isDuration(rung?.afterMs), `stop.ladder: afterMs must be 0 to ${LONGEST_MS} ms, not ${show(rung?.afterMs)}`)
  }
  const rungs = ladder.map((rung) => ({ signal: canonicalSignal(String(rung?.signal)) ?? '', afterMs: Number(rung?.afterMs) }))
  return { ladder: rungs.sort((a, b) => a.afterMs - b.afterMs), timeoutMs }
}

function checkVariable(name: string, value: unknown, must: Must): void {
  must(name !== '' && isText(name) && !name.includes('='), `env: ${show(name)} is not a name of a variable`)
  must(value === undefined || isText(value), `env: ${name} must be a string without NUL, not ${show(value)}`)
}

const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** @returns 8 characters; the first is a letter, so that no id looks like an option or a number */
export function generateId(): string {
  const pick = (letters: string) => letters[randomInt(letters.length)] ?? ''
  return pick(ID_LETTERS.slice(0, 26)) + Array.from({ length: 7 }, () => pick(ID_LETTERS)).join('')
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= LONGEST_MS
}

function withoutUndefined<Part extends object>(part: Part): Part {
  return Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined)) as Part
}

function oneOf(value: unknown, allowed: readonly unknown[]): boolean {
  return value === undefined || allowed.includes(value)
}

function show(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // A circle, a bigint inside, an object without a prototype.
    return Object.prototype.toString.call(value)
  }
}

function invalid(problems: readonly string[]): ProcmanError {
  return new ProcmanError('PROCMAN_INVALID_SPEC', problems.join('; '), { details: { problems } })
}
