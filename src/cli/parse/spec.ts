/** Options of `start` and `run` to the library's `ProcessInput`. */
import { resolve } from 'node:path'
import type { ProcessInput } from '../../api.ts'
import type { Io } from '../io.ts'
import { usageError } from '../report.ts'
import { parseDuration } from './duration.ts'
import { parseEnv } from './env.ts'
import { type HealthOptions, parseHealth } from './health.ts'
import { parsePairs } from './labels.ts'
import { type LogOptions, parseLogs } from './logs.ts'
import { parsePorts } from './ports.ts'
import { parseProgress } from './progress.ts'
import { parseRestart, type RestartOptions } from './restart.ts'
import { parseSignal } from './signal.ts'

/** As commander leaves them. */
export interface SpecOptions extends RestartOptions, HealthOptions, LogOptions {
  readonly id?: string
  readonly label?: readonly string[]
  readonly env?: readonly string[]
  readonly inheritEnv: boolean
  readonly cwd?: string
  readonly stdin?: boolean
  readonly stopSignal?: string
  readonly stopTimeout?: string
  readonly leaveLeftovers?: boolean
  readonly port?: readonly string[]
  readonly meta?: readonly string[]
  readonly template?: boolean
  readonly progress?: string | boolean
}

/** @param argv the command and its arguments, byte for byte unless templates are asked for */
export function parseSpec(argv: readonly string[], options: SpecOptions, io: Pick<Io, 'env' | 'cwd'>): ProcessInput {
  const [command, ...args] = argv
  if (command === undefined) throw usageError('no command given; write it after --, as in: procman start -- sleep 60')
  if (command === '') throw usageError('the command is an empty string')
  const { id, port, meta } = options
  const stop = parseStop(options)
  const ports = port && parsePorts(port)
  return {
    command,
    args,
    cwd: resolve(io.cwd, options.cwd ?? '.'),
    env: parseEnv(options.env ?? [], io.env),
    inheritEnv: options.inheritEnv,
    labels: parsePairs(options.label ?? [], '--label'),
    stdin: options.stdin === true ? 'pipe' : 'null',
    leftovers: options.leaveLeftovers === true ? 'leave' : 'stop',
    // Who asks for none gets every `${…}` as it was typed.
    template: options.template === true || port !== undefined || meta !== undefined,
    ...parseLogs(options),
    ...parseProgress(options.progress),
    ...parseRestart(options),
    ...parseHealth(options, Object.keys(ports ?? {}).length),
    ...(id === undefined ? {} : { id }),
    ...(stop === undefined ? {} : { stop }),
    ...(ports === undefined ? {} : { ports }),
    ...(meta === undefined ? {} : { meta: parsePairs(meta, '--meta') }),
  }
}

/** True where something is to be done for the process that only a manager does: starting it again, asking its probes, finding it ready, reading how far it is. */
export function needsManager({ restart, health, ready, progress }: ProcessInput): boolean {
  const strategy = typeof restart === 'object' ? restart.strategy : (restart ?? 'never')
  return strategy !== 'never' || health !== undefined || ready !== undefined || (progress ?? false) !== false
}

function parseStop(options: SpecOptions): ProcessInput['stop'] | undefined {
  if (options.stopSignal === undefined && options.stopTimeout === undefined) return undefined
  return {
    ...(options.stopSignal === undefined ? {} : { signal: parseSignal(options.stopSignal) }),
    ...(options.stopTimeout === undefined ? {} : { timeoutMs: parseDuration(options.stopTimeout, '--stop-timeout') }),
  }
}
