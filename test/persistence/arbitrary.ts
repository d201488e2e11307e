import fc from 'fast-check'
import type { Outcome, ProbeCheck, ProbeSpec, ProbeState, ProcessContext, ProcessSpec } from '../../src/types.ts'

export const STATES = ['pending', 'starting', 'running', 'unhealthy', 'backoff', 'stopping', 'exited', 'orphaned'] as const

const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', '·'))
const name = fc.oneof(text, fc.constantFrom('constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', 'a b', ''))
const texts = fc.dictionary(name, text, { noNullPrototype: true })
const time = fc.integer({ min: 0, max: 8.64e15 })
const duration = fc.oneof(
  fc.nat(),
  fc.double({ min: 0, max: 6e8, noNaN: true }).filter((value) => !Object.is(value, -0)),
)
const count = fc.nat(1e9)
const atLeastOne = fc.integer({ min: 1, max: 1e9 })
const exitCodes = fc.array(fc.nat(255))
/** A time that was calculated may have a fraction. */
const moment = fc.oneof(
  time,
  fc.double({ min: 0, max: 8.64e15, noNaN: true }).filter((value) => !Object.is(value, -0)),
)
const port = fc.integer({ min: 1, max: 65_535 })

const tls = fc.record({ ca: text, cert: text, key: text, servername: text }, { requiredKeys: [] })

const check: fc.Arbitrary<ProbeCheck> = fc.oneof(
  fc.record({
    kind: fc.constant('http' as const),
    url: text,
    method: text,
    headers: texts,
    status: fc.array(fc.tuple(fc.integer({ min: 100, max: 999 }), fc.integer({ min: 100, max: 999 }))),
    tls,
  }),
  fc.record({ kind: fc.constant('tcp' as const), host: text, port: text }),
  fc.record({ kind: fc.constant('exec' as const), command: text, args: fc.array(text), cwd: fc.option(text), env: texts }),
  fc.record({ kind: fc.constant('grpc' as const), host: text, port: text, service: text, tls: fc.option(tls) }),
  fc.record({ kind: fc.constant('function' as const), name: text }),
)

const probe: fc.Arbitrary<ProbeSpec> = fc.record({
  check,
  intervalMs: duration,
  startIntervalMs: duration,
  timeoutMs: duration,
  initialDelayMs: duration,
  failureThreshold: atLeastOne,
  successThreshold: atLeastOne,
  onFailure: fc.constantFrom('restart', 'report'),
})

const spec: fc.Arbitrary<ProcessSpec> = fc.record({
  id: fc.constant('web'),
  command: text,
  args: fc.array(text),
  env: texts,
  inheritEnv: fc.boolean(),
  cwd: text,
  labels: texts,
  stdin: fc.constantFrom('null', 'pipe'),
  restart: fc.record({
    strategy: fc.constantFrom('never', 'on-failure', 'always', 'unless-stopped'),
    maxAttempts: count,
    delayMs: duration,
    multiplier: fc.double({ min: 1, max: 1_000, noNaN: true }),
    maxDelayMs: duration,
    jitter: fc.double({ min: 0, max: 1, noNaN: true }).filter((value) => !Object.is(value, -0)),
    resetAfterMs: duration,
    windowMs: duration,
    successExitCodes: exitCodes,
    successSignals: fc.array(text),
    noRestartExitCodes: exitCodes,
  }),
  breaker: fc.option(fc.record({ failures: atLeastOne, windowMs: duration, cooldownMs: duration })),
  stop: fc.record({ ladder: fc.array(fc.record({ signal: text, afterMs: duration })), timeoutMs: duration }),
  leftovers: fc.constantFrom('stop', 'leave'),
  ports: fc.dictionary(name, fc.record({ from: fc.nat(65_535), to: fc.nat(65_535), host: fc.option(text) }), { noNullPrototype: true }),
  health: fc.option(fc.record({ startup: fc.option(probe), liveness: fc.option(probe), readiness: fc.option(probe), pauseWhenSuspended: fc.boolean() })),
  ready: fc.option(
    fc.oneof(
      fc.record({ kind: fc.constant('log-line' as const), source: text, flags: text }),
      fc.record({ kind: fc.constant('notify' as const), fd: fc.integer({ min: 3, max: 255 }) }),
      fc.record({ kind: fc.constant('delay' as const), delayMs: duration }),
    ),
  ),
  startupTimeoutMs: duration,
  meta: fc.dictionary(name, fc.oneof(text, fc.boolean(), duration), { noNullPrototype: true }),
  template: fc.boolean(),
  dependsOn: fc.dictionary(name, fc.constantFrom('started', 'healthy', 'completed-successfully'), { noNullPrototype: true }),
  origin: fc.option(text),
  logs: fc.record({
    stdout: fc.constantFrom('files', 'memory', 'none'),
    stderr: fc.constantFrom('files', 'memory', 'none'),
    bufferBytes: atLeastOne,
    maxSizeBytes: fc.option(atLeastOne),
    maxFiles: count,
    maxAgeMs: fc.option(atLeastOne),
    maxTotalBytes: fc.option(atLeastOne),
    compress: fc.constantFrom('none', 'gzip', 'zstd'),
  }),
  progress: fc.option(
    fc.oneof(fc.record({ kind: fc.constant('auto' as const) }), fc.record({ kind: fc.constant('pattern' as const), source: text, flags: text })),
  ),
})

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ kind: fc.constant('code' as const), code: fc.nat(255) }),
  fc.record({ kind: fc.constant('signal' as const), signal: text, core: fc.boolean() }),
  fc.record({
    kind: fc.constant('launch-failed' as const),
    step: fc.constantFrom('intent', 'cwd', 'log', 'fork', 'command', 'interpreter', 'keeper', 'port', 'template'),
    errno: text,
  }),
  fc.constant({ kind: 'not-started' as const }),
  fc.record({ kind: fc.constant('unknown' as const), reason: text }),
)

const counter = fc.record({ streak: count, atMs: fc.array(moment) })

const probeState: fc.Arbitrary<ProbeState> = fc.record({
  verdict: fc.constantFrom('unknown', 'passing', 'failing'),
  failures: count,
  successes: count,
  results: fc.array(fc.record({ atMs: moment, latencyMs: duration, cause: fc.option(text) })),
  body: fc.option(fc.oneof(text, fc.json())),
})

export const anyContext: fc.Arbitrary<ProcessContext> = fc.record({
  spec,
  run: count,
  identity: fc.option(fc.record({ pid: fc.integer({ min: 2, max: 4_194_304 }), start: text, boot: text })),
  createdAtMs: time,
  startedAtMs: fc.option(time),
  endedAtMs: fc.option(time),
  outcome: fc.option(outcome),
  restarts: count,
  counters: fc.record({ crash: counter, health: counter, start: counter, resource: counter, port: counter }, { requiredKeys: [] }),
  breaker: fc.option(fc.record({ state: fc.constantFrom('closed', 'open', 'half-open'), failuresAtMs: fc.array(moment), openUntilMs: fc.option(moment) })),
  probes: fc.record({ startup: probeState, liveness: probeState, readiness: probeState }, { requiredKeys: [] }),
  signalledAtMs: fc.option(moment),
  readyAtMs: fc.option(moment),
  failure: fc.option(fc.record({ cause: fc.constantFrom('crash', 'health', 'start', 'resource', 'port'), reason: text })),
  ports: fc.dictionary(name, port, { noNullPrototype: true }),
  retryAtMs: fc.option(time),
  retryDelayMs: fc.option(fc.nat()),
  stop: fc.option(
    fc.record({
      purpose: fc.constantFrom('stop', 'restart', 'leftovers', 'unhealthy', 'unready'),
      askedAtMs: time,
      rungs: fc.array(fc.record({ signal: text, atMs: time })),
      killAtMs: time,
    }),
  ),
  cancelled: fc.boolean(),
  keeperLost: fc.boolean(),
  gaveUp: fc.boolean(),
  waitingFor: fc.option(text),
  progress: fc.option(
    fc.record({
      percent: fc.option(fc.double({ min: 0, max: 100, noNaN: true }).filter((value) => !Object.is(value, -0))),
      current: fc.option(count),
      total: fc.option(count),
      unit: fc.option(text),
      rate: fc.option(count),
      etaMs: fc.option(duration),
      message: fc.option(text),
      atMs: moment,
    }),
  ),
  reasons: fc.array(fc.record({ atMs: time, text: fc.string({ unit: 'binary' }) }), { maxLength: 10 }),
})
