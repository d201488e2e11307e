/** Reads a config file. The parsers that this takes are loaded at the first call. */
import type { Project } from './config/contract.ts'
import type { LoadOptions } from './config/load.ts'

/**
 * What a config file says should run, spread out and with its references filled in; read anew at each call.
 * @throws PROCMAN_CONFIG_NOT_FOUND, PROCMAN_CONFIG_INVALID: the message is a text for a terminal, of several lines; `details.problems` are `ConfigProblem`s
 */
export async function loadProject(options: LoadOptions): Promise<Project> {
  return (await import('./config/load.ts')).loadProject(options)
}
