/** From what is declared to what the library takes. */
import { isAbsolute, join, resolve } from 'node:path'
import type { ProcessInput } from '../api.ts'
import { toHealth } from './build/health.ts'
import { toLogs } from './build/logs.ts'
import { toPort } from './build/ports.ts'
import { toBreaker, toReady, toRestart, toStop } from './build/restart.ts'
import type { Declared } from './declared.ts'
import type { Path, Problems } from './problems.ts'
import type { ProcessAsked } from './schema/process.ts'
import { withoutUndefined } from './without-undefined.ts'

/** What the command is given beside what the file says of it itself. */
export interface Given {
  /** The directory of the file. */
  readonly dir: string
  /** Of its `env_file`s, and of the references in its scripts. */
  readonly env: Readonly<Record<string, string>>
}

/** @returns of one process, without its id */
export function toInput({ asked, pathOf }: Declared, { dir, env }: Given, problems: Problems): ProcessInput {
  return withoutUndefined({
    ...toCommand(asked, pathOf('command'), problems),
    env: { ...env, ...asked.env },
    inheritEnv: asked.inherit_env,
    cwd: toCwd(asked, dir),
    labels: asked.labels,
    meta: asked.meta,
    stdin: asked.stdin,
    template: asked.template,
    leftovers: asked.leftovers,
    autostart: asked.autostart,
    startupTimeoutMs: asked.startup_timeout,
    ports: asked.ports && Object.fromEntries(Object.entries(asked.ports).map(([name, port]) => [name, toPort(port, [...pathOf('ports'), name], problems)])),
    health: asked.health && toHealth(asked.health, (...rest) => pathOf('health', ...rest), dir, problems),
    ready: asked.ready && toReady(asked.ready, pathOf('ready'), problems),
    restart: asked.restart && toRestart(asked.restart, pathOf('restart'), problems),
    breaker: toBreaker(asked.breaker),
    stop: asked.stop && toStop(asked.stop),
    logs: asked.logging && toLogs(asked.logging),
    progress: asked.progress,
  })
}

function toCommand({ command: given, args = [], shell }: ProcessAsked, path: Path, problems: Problems): Pick<ProcessInput, 'command' | 'args'> {
  if (shell === true && typeof given !== 'string') problems.add(path, 'must be a script in one text, since shell is true, not a list of words')
  const words = typeof given === 'string' ? [given] : given
  const [command = '', ...first] = shell === true ? ['sh', '-c', ...words, ...(args.length > 0 ? ['sh'] : [])] : words
  return { command, args: [...first, ...args] }
}

/** A directory that begins with a template is made out at launch. */
function toCwd({ cwd = '.', template }: ProcessAsked, dir: string): string {
  if (template !== false && cwd.startsWith('${')) return cwd
  // Not `resolve`, which would take a template for a name.
  return isAbsolute(cwd) ? cwd : cwd === '.' ? escapeDollars(resolve(dir), template) : join(escapeDollars(dir, template), cwd)
}

function escapeDollars(path: string, template: boolean | undefined): string {
  return template === false ? path : path.replaceAll('$', '$$$$')
}
