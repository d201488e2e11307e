/** Desired state from a config file. */

import { dirname } from 'node:path'
import type { Project } from '../config/contract.ts'
import type { DesiredStateObserver, DesiredStateProvider } from '../desired.ts'
import { FileWatch } from './watch-files.ts'

export interface FileOptions {
  /** What `${env.NAME}` is filled in from. Default: that of this program. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Read again whenever a file that it is made from changes. Default false. */
  readonly watch?: boolean
}

/**
 * A provider that tells what a config file says. What cannot be read is told as an error, and what was told before holds.
 * @param path absolute
 */
export function fromFile(path: string, options: FileOptions = {}): DesiredStateProvider {
  const observers = new Set<DesiredStateObserver>()
  let reading = Promise.resolve()
  const read = () => {
    reading = reading.then(async () => {
      // Loaded when it is used: whoever embeds the library without config files does not pay for them.
      const { loadProject } = await import('../config/load.ts')
      const told = await loadProject({ path, cwd: dirname(path), env: options.env ?? process.env }).then(
        (project) => ({ project }),
        (error: unknown) => ({ error }),
      )
      if ('project' in told) await files?.set(filesOf(told.project))
      for (const observer of observers) 'project' in told ? observer.next(told.project.processes) : observer.error(told.error)
    })
  }
  const files = options.watch === true ? new FileWatch(read) : null
  return {
    name: path,
    refresh: read,
    watch(observer) {
      observers.add(observer)
      void files?.set([path])
      read()
      return () => {
        observers.delete(observer)
        if (observers.size === 0) void files?.close()
      }
    },
  }
}

/** With those that are read once they are there. */
export function filesOf({ files, path, dir }: Pick<Project, 'files' | 'path' | 'dir'>): readonly string[] {
  return [...new Set([path, `${dir}/.env`, ...files])]
}
