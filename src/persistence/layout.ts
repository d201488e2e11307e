/** Where everything is in a state directory. DESIGN: one folder a process, its run files and logs beside each other. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { ProcmanError } from '../errors.ts'

/** `$PROCMAN_HOME`, else `~/.cache/procman`. */
export function defaultStateDir(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env.PROCMAN_HOME !== undefined && env.PROCMAN_HOME !== '' ? resolve(env.PROCMAN_HOME) : join(homedir(), '.cache', 'procman')
}

/** @throws PROCMAN_INVALID_ARGUMENT for a path that could not be named to a keeper */
export function resolveStateDir(stateDir: string | undefined): string {
  const path = stateDir === undefined ? defaultStateDir() : resolve(stateDir)
  if (/[\n\t\0]/.test(path)) {
    throw new ProcmanError(
      'PROCMAN_INVALID_ARGUMENT',
      `the state directory ${JSON.stringify(path)} has a tab, a line end or a NUL in its path: choose another`,
      {
        details: { path },
      },
    )
  }
  return path
}

export interface Layout {
  readonly root: string
  readonly jobs: string
  readonly lock: string
  /** The last microsecond that was given to anything that arrived. */
  readonly lastArrival: string
  readonly quarantine: string
  readonly trash: string
  jobDir(id: string): string
  stateFile(id: string): string
  logFile(id: string, stream: 'stdout' | 'stderr'): string
}

export function layoutOf(root: string): Layout {
  const jobs = join(root, 'jobs')
  const jobDir = (id: string) => join(jobs, id)
  return {
    root,
    jobs,
    lock: join(root, 'manager.lock'),
    lastArrival: join(root, 'last-arrival'),
    quarantine: join(root, 'quarantine'),
    trash: join(root, 'trash'),
    jobDir,
    stateFile: (id) => join(jobDir(id), 'state.json'),
    logFile: (id, stream) => join(jobDir(id), `${stream}.log`),
  }
}
