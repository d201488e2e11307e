/** Probes, from the file's words to the library's. */
import { resolve } from 'node:path'
import type * as z from 'zod'
import type { CheckInput, ExecProbeInput, HealthChecks, HttpProbeInput, ProbeInput, StatusInput } from '../../api.ts'
import type { TlsOptions } from '../../types.ts'
import type { Path, Problems } from '../problems.ts'
import type { health, probe } from '../schema/health.ts'
import { withoutUndefined } from '../without-undefined.ts'

type HealthAsked = z.output<typeof health>
type ProbeAsked = z.output<typeof probe>

const CHECKS = ['http', 'tcp', 'exec', 'grpc', 'function'] as const
const TIMES = ['interval', 'start_interval', 'timeout', 'initial_delay', 'failure_threshold', 'success_threshold', 'on_failure'] as const
const PROBES = ['startup', 'liveness', 'readiness'] as const

/** A check alone is asked twice: as the startup probe, so that the process is ready once it has passed, and from then on as the liveness probe. */
export function toHealth(asked: HealthAsked, pathOf: (...rest: Path) => Path, dir: string, problems: Problems): HealthChecks | undefined {
  const own = [...CHECKS, ...TIMES].filter((name) => asked[name] !== undefined)
  const named = PROBES.filter((name) => asked[name] !== undefined)
  const pause = withoutUndefined({ pauseWhenSuspended: asked.pause_when_suspended })
  if (named.length > 0 && own.length > 0)
    problems.add(pathOf(own[0] ?? ''), `belongs into ${named.join(' or ')}: there is a check of its own, or there are probes`, 'key')
  if (named.length > 0) return { ...Object.fromEntries(named.map((name) => [name, toProbe(asked[name] ?? {}, name, pathOf(name), dir, problems)])), ...pause }
  const liveness = toProbe(asked, 'liveness', pathOf(), dir, problems)
  if (liveness === undefined) return undefined
  const { onFailure: _onFailure, ...startup } = liveness
  return { startup, liveness, ...pause }
}

function toProbe(asked: ProbeAsked, name: (typeof PROBES)[number], path: Path, dir: string, problems: Problems): ProbeInput | undefined {
  const given = CHECKS.filter((kind) => asked[kind] !== undefined)
  if (given.length !== 1) {
    const forms =
      path[0] === 'managed_processes' && path.at(-1) === 'health_check' ? 'http_endpoint, tcp_endpoint, grpc_endpoint, exec_command' : CHECKS.join(', ')
    problems.add(path, `must have exactly one of ${forms}, not ${given.length === 0 ? 'none' : given.join(' and ')}`)
    return undefined
  }
  if (name !== 'liveness' && asked.on_failure === 'restart') problems.add([...path, 'on_failure'], 'is for liveness only: the other probes never restart')
  return {
    ...toCheck(asked, dir),
    ...withoutUndefined({
      intervalMs: asked.interval,
      startIntervalMs: asked.start_interval,
      timeoutMs: asked.timeout,
      initialDelayMs: asked.initial_delay,
      failureThreshold: asked.failure_threshold,
      successThreshold: asked.success_threshold,
      onFailure: asked.on_failure,
    }),
  }
}

function toCheck({ http, tcp, exec, grpc, function: call }: ProbeAsked, dir: string): CheckInput {
  if (http !== undefined) return { http: typeof http === 'string' ? http : toHttp(http, dir) }
  if (tcp !== undefined) return { tcp: typeof tcp === 'object' ? withoutUndefined(tcp) : tcp }
  if (grpc !== undefined) return { grpc: typeof grpc === 'object' ? withoutUndefined({ ...grpc, tls: toTls(grpc.tls, dir) }) : grpc }
  if (exec !== undefined) return { exec: toExec(exec) }
  return { function: call ?? '' }
}

function toHttp(asked: Exclude<NonNullable<ProbeAsked['http']>, string>, dir: string): HttpProbeInput {
  return withoutUndefined({ ...asked, tls: toTls(asked.tls, dir), status: asked.status as StatusInput | undefined })
}

function toExec(asked: NonNullable<ProbeAsked['exec']>): ExecProbeInput {
  if (typeof asked === 'string') return { command: asked }
  const { command: given, args = [], cwd, env } = Array.isArray(asked) ? { command: asked } : (asked as Exclude<typeof asked, readonly string[]>)
  const [command = '', ...first] = typeof given === 'string' ? [given] : given
  return withoutUndefined({ command, args: [...first, ...args], cwd, env })
}

/** PEM texts as they are, paths from the directory of the file. */
function toTls(asked: true | TlsOptions | undefined, dir: string): true | TlsOptions | undefined {
  if (typeof asked !== 'object') return asked
  const from = (given: string | undefined) => (given === undefined || given.includes('-----BEGIN') ? given : resolve(dir, given))
  return withoutUndefined({ ...asked, ca: from(asked.ca), cert: from(asked.cert), key: from(asked.key) })
}
