/** What is declared, of either form, as the short form has it: from here on there is one. */
import type { Path, Problems } from './problems.ts'
import type { ManagedAsked } from './schema/managed.ts'
import type { ProcessAsked } from './schema/process.ts'
import type { ConfigAsked } from './schema.ts'
import { withoutUndefined } from './without-undefined.ts'

export interface Declared {
  readonly id: string
  readonly path: Path
  readonly asked: ProcessAsked
  /** Where the file has it: of a key of the short form, and what is in it. */
  readonly pathOf: (key: string, ...rest: Path) => Path
}

export function toDeclared(config: ConfigAsked, problems: Problems): readonly Declared[] {
  const short = Object.entries(config.processes ?? {}).map(([id, given]): Declared => {
    const path = ['processes', id]
    const asked = typeof given === 'string' ? { command: given } : withOneName(given, path, problems)
    return { id, path, asked, pathOf: (key, ...rest) => [...path, nameOf(key, given), ...rest] }
  })
  const long = (config.managed_processes ?? []).map((given, index): Declared => {
    const path = ['managed_processes', index]
    return {
      id: given.id,
      path,
      asked: fromManaged(given),
      pathOf: (key, ...rest) => [...path, ...(LONG_PATHS[key] ?? [key]), ...(key === 'health' ? endpointOf(rest) : rest)],
    }
  })
  return [...short, ...long]
}

/** Two names of one key. */
const ALIASES: readonly (readonly [name: 'env' | 'cwd', alias: 'environment' | 'working_directory'])[] = [
  ['env', 'environment'],
  ['cwd', 'working_directory'],
]

function withOneName(given: ProcessAsked, path: Path, problems: Problems): ProcessAsked {
  for (const [name, alias] of ALIASES)
    if (given[name] !== undefined && given[alias] !== undefined) problems.add([...path, alias], `is another name of ${name}: give one of them`, 'key')
  const env = given.env ?? given.environment
  const cwd = given.cwd ?? given.working_directory
  return { ...given, ...(env === undefined ? {} : { env }), ...(cwd === undefined ? {} : { cwd }) }
}

function nameOf(key: string, given: unknown): string {
  const alias = ALIASES.find(([name]) => name === key)?.[1]
  return alias !== undefined && typeof given === 'object' && given !== null && Object.hasOwn(given, alias) ? alias : key
}

const CONTROL = ['management', 'control']
const SURROUNDINGS = ['env_file', 'inherit_env', 'stdin', 'ports', 'template', 'leftovers', 'startup_timeout']
const LONG_PATHS: Readonly<Record<string, Path>> = {
  command: [...CONTROL, 'executable'],
  args: [...CONTROL, 'arguments'],
  env: [...CONTROL, 'environment'],
  cwd: [...CONTROL, 'working_directory'],
  stop: [...CONTROL],
  health: ['management', 'health_check'],
  restart: ['management', 'restart_policy'],
  breaker: ['management', 'circuit_breaker'],
  ready: ['management', 'ready'],
  resource_limits: ['management', 'resource_limits'],
  logging: ['management', 'logging'],
  progress: ['management', 'progress'],
  ...Object.fromEntries(SURROUNDINGS.map((name) => [name, [...CONTROL, name]])),
}

const ENDPOINTS: Readonly<Record<string, string>> = { http: 'http_endpoint', tcp: 'tcp_endpoint', grpc: 'grpc_endpoint', exec: 'exec_command' }

function endpointOf([first = '', ...rest]: Path): Path {
  return first === '' ? [] : [ENDPOINTS[first] ?? first, ...rest]
}

function fromManaged({ id: _id, type: _type, profile_type, management, meta, ...common }: ManagedAsked): ProcessAsked {
  const { control, health_check, ready, resource_limits, restart_policy, circuit_breaker, logging, progress } = management
  const { executable, arguments: args, working_directory, environment, shutdown_timeout, stop_signal, stop_ladder, ...surroundings } = control
  return withoutUndefined({
    ...common,
    ...surroundings,
    command: [executable],
    args,
    env: environment,
    cwd: working_directory,
    meta: profile_type === undefined ? meta : { profile_type, ...meta },
    stop: withoutUndefined({ signal: stop_signal, ladder: stop_ladder, timeout: shutdown_timeout }),
    health: fromHealthCheck(health_check),
    ready,
    restart: restart_policy,
    breaker: circuit_breaker,
    resource_limits,
    logging,
    progress,
  })
}

function fromHealthCheck(given: ManagedAsked['management']['health_check']): ProcessAsked['health'] {
  if (given === undefined || given.enabled === false) return undefined
  const { enabled: _enabled, http_endpoint, tcp_endpoint, grpc_endpoint, exec_command, ...rest } = given
  return withoutUndefined({ ...rest, http: http_endpoint, tcp: tcp_endpoint, grpc: grpc_endpoint, exec: exec_command })
}
