/** Options about being ready and well. */
import type { HealthChecks, ProbeInput, ProcessInput } from '../../api.ts'
import type { ProbeSpec } from '../../types.ts'
import { usageError } from '../report.ts'
import { isJson, parseAddress, parseJsonProbe } from './address.ts'
import { parseCount } from './count.ts'
import { parseDuration } from './duration.ts'

/** As commander leaves them. */
export interface HealthOptions {
  readonly startup?: string
  readonly liveness?: string
  readonly readiness?: string
  readonly healthInterval?: string
  readonly healthTimeout?: string
  readonly healthFailures?: string
  readonly readyLog?: string
  readonly readyFd?: string
  readonly readyDelay?: string
  readonly startupTimeout?: string
}

const PROBES = ['startup', 'liveness', 'readiness'] as const

export function parseHealth(options: HealthOptions, portCount: number): Pick<ProcessInput, 'health' | 'ready' | 'startupTimeoutMs'> {
  const health = parseProbes(options, portCount)
  const ready = parseReady(options)
  return {
    ...(health === undefined ? {} : { health }),
    ...(ready === undefined ? {} : { ready }),
    ...(options.startupTimeout === undefined ? {} : { startupTimeoutMs: parseDuration(options.startupTimeout, '--startup-timeout') }),
  }
}

function parseProbes(options: HealthOptions, portCount: number): HealthChecks | undefined {
  const timing = parseTiming(options)
  const given = PROBES.flatMap((name) => (options[name] === undefined ? [] : [{ name, text: options[name] }]))
  if (Object.keys(timing).length > 0 && given.every(({ text }) => isJson(text)))
    throw usageError(
      '--health-interval, --health-timeout and --health-failures are for probes given by address, and there is none; in JSON write "intervalMs" and so on',
    )
  if (given.length === 0) return undefined
  const parse = (name: string, text: string): ProbeInput =>
    isJson(text) ? parseJsonProbe(text, `--${name}`) : { ...parseAddress(text, `--${name}`, portCount), ...timing }
  return Object.fromEntries(given.map(({ name, text }) => [name, parse(name, text)]))
}

function parseTiming({
  healthInterval,
  healthTimeout,
  healthFailures,
}: HealthOptions): Partial<Pick<ProbeSpec, 'intervalMs' | 'timeoutMs' | 'failureThreshold'>> {
  return {
    ...(healthInterval === undefined ? {} : { intervalMs: parseDuration(healthInterval, '--health-interval') }),
    ...(healthTimeout === undefined ? {} : { timeoutMs: parseDuration(healthTimeout, '--health-timeout') }),
    ...(healthFailures === undefined ? {} : { failureThreshold: parseCount(healthFailures, '--health-failures') }),
  }
}

function parseReady({ readyLog, readyFd, readyDelay }: HealthOptions): ProcessInput['ready'] {
  if ([readyLog, readyFd, readyDelay].filter((option) => option !== undefined).length > 1)
    throw usageError('only one of --ready-log, --ready-fd and --ready-delay can be given')
  if (readyLog !== undefined) return { logLine: readyLog }
  if (readyFd !== undefined) return { notifyFd: parseCount(readyFd, '--ready-fd') }
  return readyDelay === undefined ? undefined : { delayMs: parseDuration(readyDelay, '--ready-delay') }
}
