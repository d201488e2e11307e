import { contextOf } from '../../src/machines/process/context.ts'
import type { LogsSpec } from '../../src/output.ts'
import type { BreakerPolicy, HealthSpec, Outcome, ProbeSpec, ProcessContext, ProcessSpec, RestartPolicy } from '../../src/types.ts'

export const EPOCH_MS = Date.UTC(2030, 0, 1)

/** Without jitter and without a limit, so that tables are exact. */
export const aPolicy = (part: Partial<RestartPolicy> = {}): RestartPolicy => ({
  strategy: 'never',
  maxAttempts: 0,
  delayMs: 1_000,
  multiplier: 2,
  maxDelayMs: 60_000,
  jitter: 0,
  resetAfterMs: 60_000,
  windowMs: 600_000,
  successExitCodes: [0],
  successSignals: [],
  noRestartExitCodes: [],
  ...part,
})

export const aBreaker = (part: Partial<BreakerPolicy> = {}): BreakerPolicy => ({ failures: 3, windowMs: 60_000, cooldownMs: 300_000, ...part })

/** One that one answer turns. */
export const aProbe = (part: Partial<ProbeSpec> = {}): ProbeSpec => ({
  check: { kind: 'tcp', host: '127.0.0.1', port: '8080' },
  intervalMs: 1_000,
  startIntervalMs: 1_000,
  timeoutMs: 500,
  initialDelayMs: 0,
  failureThreshold: 1,
  successThreshold: 1,
  onFailure: 'restart',
  ...part,
})

export const DEFAULT_LOGS: LogsSpec = {
  stdout: 'files',
  stderr: 'files',
  bufferBytes: 1_048_576,
  maxSizeBytes: 10_485_760,
  maxFiles: 10,
  maxAgeMs: null,
  maxTotalBytes: null,
  compress: 'none',
}

export type SpecParts = Partial<Omit<ProcessSpec, 'restart' | 'health' | 'breaker'>> & {
  readonly restart?: Partial<RestartPolicy>
  readonly health?: Partial<HealthSpec> | null
  readonly breaker?: Partial<BreakerPolicy> | null
}

export const aSpec = ({ restart, health, breaker, ...part }: SpecParts = {}): ProcessSpec => ({
  id: 'web',
  command: 'node',
  args: ['server.js'],
  env: {},
  inheritEnv: true,
  cwd: '/srv',
  labels: {},
  stdin: 'null',
  restart: aPolicy(restart),
  breaker: breaker == null ? null : aBreaker(breaker),
  stop: { ladder: [{ signal: 'SIGTERM', afterMs: 0 }], timeoutMs: 5_000 },
  leftovers: 'stop',
  ports: {},
  health: health == null ? null : { startup: null, liveness: null, readiness: null, pauseWhenSuspended: false, ...health },
  ready: null,
  startupTimeoutMs: 60_000,
  meta: {},
  template: false,
  dependsOn: {},
  origin: null,
  logs: DEFAULT_LOGS,
  progress: null,
  ...part,
})

/** The health of a process whose liveness probe is only reported: one answer makes it unhealthy, and nothing else happens. */
export const REPORTED: SpecParts['health'] = { liveness: aProbe({ onFailure: 'report' }) }

export const aContext = (part: Partial<ProcessContext> = {}): ProcessContext => ({ ...contextOf(aSpec(), EPOCH_MS), ...part })

export const code = (value: number): Outcome => ({ kind: 'code', code: value })
export const signal = (name: string): Outcome => ({ kind: 'signal', signal: name, core: false })
export const notFound: Outcome = { kind: 'launch-failed', step: 'command', errno: 'ENOENT' }
export const notStarted: Outcome = { kind: 'not-started' }
export const unknown: Outcome = { kind: 'unknown', reason: 'the keeper was killed' }

/** One of each kind of end, and whether it is a failure. */
export const OUTCOMES: readonly (readonly [string, Outcome, boolean])[] = [
  ['code 0', code(0), false],
  ['code 1', code(1), true],
  ['code 137', code(137), true],
  ['SIGKILL', signal('SIGKILL'), true],
  ['SIGTERM', signal('SIGTERM'), true],
  ['launch failed', notFound, true],
  ['not started', notStarted, true],
  ['unknown', unknown, true],
]
