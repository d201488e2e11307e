/** The shape of a process spec in a file: in a state, and in the intent of a run. */
import {
  boolean,
  byKind,
  type Check,
  dictionaryOf,
  integer,
  listOf,
  nullable,
  number,
  oneOf,
  partial,
  recordOf,
  scalar,
  shape,
  string,
  stringLike,
  text,
} from './check.ts'

export const ID_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/

/** In ms, far above what may be declared: whatever time it is added to is still one that a calendar has. */
const duration = number(0, 1e12)
const atLeastOne = integer(1)
export const port = integer(1, 65_535)

const tls = partial({ ca: string, cert: string, key: string, servername: string })

/** From and to. */
const statusRange: Check<readonly [number, number]> = (value, path, issues) => {
  const [from = 0, to = 0, ...rest] = listOf(integer(100, 999))(value, path, issues)
  if (to === 0 || rest.length > 0) issues.push({ path, what: 'must be a pair' })
  return [from, to]
}

const checkShape = byKind({
  http: { url: text, method: text, headers: recordOf(text), status: listOf(statusRange), tls },
  tcp: { host: text, port: text },
  exec: { command: text, args: listOf(text), cwd: nullable(text), env: recordOf(text) },
  grpc: { host: text, port: text, service: text, tls: nullable(tls) },
  function: { name: string },
})

const probeShape = shape({
  check: checkShape,
  intervalMs: duration,
  startIntervalMs: duration,
  timeoutMs: duration,
  initialDelayMs: duration,
  failureThreshold: atLeastOne,
  successThreshold: atLeastOne,
  onFailure: oneOf(['restart', 'report']),
})

const capture = oneOf(['files', 'memory', 'none'])

export const specShape = shape({
  id: stringLike(ID_PATTERN),
  command: text,
  args: listOf(text),
  env: recordOf(text),
  inheritEnv: boolean,
  cwd: text,
  labels: recordOf(string),
  stdin: oneOf(['null', 'pipe']),
  restart: shape({
    strategy: oneOf(['never', 'on-failure', 'always', 'unless-stopped']),
    maxAttempts: integer(0),
    delayMs: duration,
    multiplier: number(1),
    maxDelayMs: duration,
    jitter: number(0, 1),
    resetAfterMs: duration,
    windowMs: duration,
    successExitCodes: listOf(integer(0, 255)),
    successSignals: listOf(string),
    noRestartExitCodes: listOf(integer(0, 255)),
  }),
  breaker: nullable(shape({ failures: atLeastOne, windowMs: duration, cooldownMs: duration })),
  stop: shape({ ladder: listOf(shape({ signal: string, afterMs: duration })), timeoutMs: duration }),
  leftovers: oneOf(['stop', 'leave']),
  ports: dictionaryOf(shape({ from: integer(0, 65_535), to: integer(0, 65_535), host: nullable(text) })),
  health: nullable(shape({ startup: nullable(probeShape), liveness: nullable(probeShape), readiness: nullable(probeShape), pauseWhenSuspended: boolean })),
  ready: nullable(byKind({ 'log-line': { source: string, flags: string }, notify: { fd: integer(3, 255) }, delay: { delayMs: duration } })),
  startupTimeoutMs: duration,
  meta: dictionaryOf(scalar),
  template: boolean,
  dependsOn: dictionaryOf(oneOf(['started', 'healthy', 'completed-successfully'])),
  origin: nullable(text),
  logs: shape({
    stdout: capture,
    stderr: capture,
    bufferBytes: atLeastOne,
    maxSizeBytes: nullable(atLeastOne),
    maxFiles: integer(0),
    maxAgeMs: nullable(atLeastOne),
    maxTotalBytes: nullable(atLeastOne),
    compress: oneOf(['none', 'gzip', 'zstd']),
  }),
  progress: nullable(byKind({ auto: {}, pattern: { source: string, flags: string } })),
})
