/** Reads a config file: what should run, or everything that is wrong with it, at once. */
import { dirname, extname, relative } from 'node:path'
import { ProcmanError } from '../errors.ts'
import type { Project } from './contract.ts'
import { type Read, readDocument } from './document.ts'
import { createEnvFiles, type EnvFiles } from './env-files.ts'
import { findConfig, isProcfile } from './find.ts'
import { readModule } from './module.ts'
import { mustBeJson } from './must-be-json.ts'
import { Problems } from './problems.ts'
import { readProcfile } from './procfile.ts'
import { toProject } from './project.ts'
import { readText, Unreadable } from './read-text.ts'
import { renderProblems } from './render.ts'

export interface LoadOptions {
  /** A file, or a directory that has one. Default: it is looked for from `cwd` upward. */
  readonly path?: string
  /** Absolute. */
  readonly cwd: string
  /** For `${env.NAME}`; what it has counts more than `.env` beside the file. */
  readonly env: Readonly<Record<string, string | undefined>>
}

const MODULES = ['.ts', '.mts', '.cts', '.mjs', '.js', '.cjs']

/**
 * Reads the file anew each time, with all that it names.
 * @throws PROCMAN_CONFIG_NOT_FOUND, PROCMAN_CONFIG_INVALID: the message is a text for a terminal, of several lines; `details.problems` are `ConfigProblem`s
 */
export async function loadProject({ path: asked, cwd, env }: LoadOptions): Promise<Project> {
  const path = findConfig(asked, cwd)
  const dir = dirname(path)
  const problems = new Problems(path)
  const text = readText(path)
  const failed = (cause?: unknown) =>
    invalid(problems, nameOf(path, cwd), typeof text === 'string' && problems.found.some(({ place }) => place !== null) ? text : null, cause)
  if (text instanceof Unreadable) {
    problems.add([], text.reason)
    throw failed()
  }
  const files = createEnvFiles(dir)
  const variables = readDotEnv(files, problems)
  if (isProcfile(path)) {
    const project = readProcfile(text, { path, dir, env, variables, files: [path, ...files.files] }, problems)
    if (problems.found.length > 0) throw failed()
    return project
  }
  const read = MODULES.includes(extname(path)) ? await readModuleSafely(path, env, problems, failed) : readPlain(path, text, problems)
  const lookUp = (name: string) => env[name] ?? (Object.hasOwn(variables, name) ? variables[name] : undefined)
  const project = read && toProject(read, { path, dir, lookUp, files }, problems)
  if (project === undefined || problems.found.length > 0) throw failed()
  return project
}

function readPlain(path: string, text: string, problems: Problems): Read | undefined {
  if (extname(path) !== '.json' || text.trim() === '') return readDocument(text, problems)
  // Where it cannot be read at all, that it is no JSON says it.
  const wrong = new Problems(path)
  mustBeJson(text, wrong)
  if (wrong.found.length > 0 && readDocument(text, new Problems(path)) === undefined) {
    problems.addAll(wrong)
    return undefined
  }
  const read = readDocument(text, problems)
  problems.addAll(wrong)
  return read
}

async function readModuleSafely(
  path: string,
  env: LoadOptions['env'],
  problems: Problems,
  failed: (cause: unknown) => ProcmanError,
): Promise<Read | undefined> {
  try {
    return await readModule(path, { env }, problems)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const [, line, column] = message.includes(path) ? (/:(\d+):(\d+)\s*$/.exec(message) ?? []) : []
    const place = line === undefined ? null : { line: Number(line), column: Math.max(1, Number(column)), length: 1 }
    problems.addAt(place, [], `cannot be run: ${message.replace(/\s*\n\s*/g, ' ')}`)
    throw failed(error)
  }
}

/** None is none. */
function readDotEnv(files: EnvFiles, problems: Problems): Readonly<Record<string, string>> {
  const variables = files.read('.env')
  if (!(variables instanceof Unreadable)) return variables
  if (!variables.isMissing) problems.add([], variables.reason)
  return {}
}

function invalid(problems: Problems, name: string, text: string | null, cause: unknown): ProcmanError {
  const found = problems.found.map(({ place: _place, steps: _steps, ...problem }) => problem)
  return new ProcmanError('PROCMAN_CONFIG_INVALID', renderProblems(problems.found, name, text), { details: { problems: found }, cause })
}

/** As one would write it where one is. */
function nameOf(path: string, cwd: string): string {
  const name = relative(cwd, path)
  return name === '' || name.startsWith('..') ? path : name
}
