/** Options of `start` and `run` to the library's `ProcessInput`. */
import { resolve } from 'node:path'
import type { ProcessInput } from '../../api.ts'
import type { Io } from '../io.ts'
import { usageError } from '../report.ts'
import { parseChoice } from './choice.ts'
import { parseCount } from './count.ts'
import { parseDuration } from './duration.ts'
import { parseEnv } from './env.ts'
import { parseLabels } from './labels.ts'
import { parseSignal } from './signal.ts'

/** As commander leaves them. */
export interface SpecOptions {
  readonly id?: string
  readonly label?: readonly string[]
  readonly env?: readonly string[]
  readonly inheritEnv: boolean
  readonly cwd?: string
  readonly stdin?: boolean
  readonly restart?: string
  readonly restartDelay?: string
  readonly maxRestarts?: string
  readonly stopSignal?: string
  readonly stopTimeout?: string
  readonly leaveLeftovers?: boolean
}

/** @param argv the command and its arguments, byte for byte */
export function parseSpec(argv: readonly string[], options: SpecOptions, io: Pick<Io, 'env' | 'cwd'>): ProcessInput {
  const [command, ...args] = argv
  if (command === undefined) throw usageError('no command given; write it after --, as in: procman start -- sleep 60')
  if (command === '') throw usageError('the command is an empty string')
  const stop = parseStop(options)
  return {
    command,
    args,
    cwd: resolve(io.cwd, options.cwd ?? '.'),
    env: parseEnv(options.env ?? [], io.env),
    inheritEnv: options.inheritEnv,
    labels: parseLabels(options.label ?? []),
    stdin: options.stdin === true ? 'pipe' : 'null',
    restart: parseRestart(options),
    leftovers: options.leaveLeftovers === true ? 'leave' : 'stop',
    ...(options.id === undefined ? {} : { id: options.id }),
    ...(stop === undefined ? {} : { stop }),
  }
}

/** True where the process is to be started again by a manager that lives. */
export function mayRestart(input: ProcessInput): boolean {
  const { restart } = input
  return (typeof restart === 'object' ? restart.strategy : (restart ?? 'never')) !== 'never'
}

function parseRestart(options: SpecOptions): NonNullable<ProcessInput['restart']> {
  const strategy = parseChoice(options.restart ?? 'never', '--restart', ['never', 'on-failure', 'always'])
  const detail = options.restartDelay !== undefined ? '--restart-delay' : options.maxRestarts !== undefined ? '--max-restarts' : null
  if (strategy === 'never' && detail !== null) throw usageError(`${detail} needs --restart on-failure or --restart always`)
  return {
    strategy,
    ...(options.restartDelay === undefined ? {} : { delayMs: parseDuration(options.restartDelay, '--restart-delay') }),
    ...(options.maxRestarts === undefined ? {} : { maxRestarts: parseCount(options.maxRestarts, '--max-restarts') }),
  }
}

function parseStop(options: SpecOptions): ProcessInput['stop'] | undefined {
  if (options.stopSignal === undefined && options.stopTimeout === undefined) return undefined
  return {
    ...(options.stopSignal === undefined ? {} : { signal: parseSignal(options.stopSignal) }),
    ...(options.stopTimeout === undefined ? {} : { timeoutMs: parseDuration(options.stopTimeout, '--stop-timeout') }),
  }
}
