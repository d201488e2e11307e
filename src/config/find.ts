/** Which file says what should run. */
import { realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { ProcmanError } from '../errors.ts'

/** In this order, where a directory has several. A Procfile is read when it is named: many projects have one for somebody else. */
const NAMES = ['procman.yaml', 'procman.yml', 'procman.json', 'procman.ts', 'procman.mjs'] as const

/**
 * @param path a file, or a directory that has one; without it, it is looked for from `cwd` upward
 * @returns absolute, and the same whatever link leads to its directory: one directory is one project @throws PROCMAN_CONFIG_NOT_FOUND
 */
export function findConfig(path: string | undefined, cwd: string): string {
  const found = path === undefined ? search(cwd) : named(resolve(cwd, path))
  return join(realpathSync(dirname(found)), basename(found))
}

/** A Procfile is known by its name: `Procfile`, `Procfile.dev`, `web.procfile`. */
export function isProcfile(path: string): boolean {
  return /^Procfile\b|\.procfile$/i.test(basename(path))
}

function named(path: string): string {
  const stats = look(path)
  if (stats === undefined) throw notFound(`there is no config file ${path}`, { path })
  if (!stats.isDirectory()) return path
  const found = firstIn(path)
  if (found === null) throw notFound(`there is no config file in ${path}: none of ${NAMES.join(', ')}`, { path })
  return found
}

/** What cannot even be looked at is told with its reason. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw notFound(`the config file ${path} cannot be looked at (${reason})`, { path })
  }
}

function search(cwd: string): string {
  const procfiles: string[] = []
  for (let dir = cwd; ; dir = dirname(dir)) {
    const found = firstIn(dir)
    if (found !== null) return found
    if (isFile(join(dir, 'Procfile'))) procfiles.push(join(dir, 'Procfile'))
    if (dir === dirname(dir)) break
  }
  const [procfile] = procfiles
  const hint = procfile === undefined ? 'write one, or name one with -c' : `there is ${procfile}: to have it read, name it with -c`
  throw notFound(`there is no config file: looked for ${NAMES.join(', ')} in ${cwd} and all directories above it; ${hint}`, { cwd, names: NAMES })
}

function firstIn(dir: string): string | null {
  return NAMES.map((name) => join(dir, name)).find(isFile) ?? null
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true
  } catch {
    return false // A directory above that may not be looked into.
  }
}

function notFound(message: string, details: Readonly<Record<string, unknown>>): ProcmanError {
  return new ProcmanError('PROCMAN_CONFIG_NOT_FOUND', message, { details })
}
