/** What a config file says, once it is read, checked, interpolated and spread out. */
import type { CollectOptions } from '../collect/contract.ts'
import type { DesiredProcess } from '../desired.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export interface ManagerSettings {
  /** Listen on this port of 127.0.0.1 as well, for holders of a token. Null: on the socket in the state directory only. */
  readonly port: number | null
  readonly logLevel: LogLevel
  /** When everything is stopped: what is still there so long after the beginning is killed. In ms. */
  readonly forceShutdownTimeoutMs: number
  /** Of the output of all processes together, in bytes. Null: no limit. */
  readonly logMaxTotalBytes: number | null
}

export interface Project {
  /** The file, absolute. */
  readonly path: string
  /** Its directory, absolute: relative paths start here. It names the project, too: `origin` of its processes. */
  readonly dir: string
  readonly manager: ManagerSettings
  /** Those that are enabled, each replica by itself, in the order of the file; `cwd` is absolute, `dependsOn` names ids. */
  readonly processes: readonly DesiredProcess[]
  /** What of their output is delivered where to. */
  readonly collection: CollectOptions
  /** Ids of those that are not enabled. */
  readonly disabled: readonly string[]
  /** What is declared and has no effect yet, a sentence each. */
  readonly warnings: readonly string[]
  /** All files that it was made from, absolute: the config file, `.env`, `env_file`s. */
  readonly files: readonly string[]
}

/** One thing that is wrong in a config file. Lines and columns count from 1; null where the place is not known. */
export interface ConfigProblem {
  readonly file: string
  readonly line: number | null
  readonly column: number | null
  /** As `processes.api.helth`. */
  readonly path: string
  readonly message: string
}
