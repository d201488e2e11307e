/** What can be asked of a living manager beside its processes: how it is, what it is to bring about, that it ends. */
import type { TargetStatus } from '../collect.ts'
import type { LogLevel } from '../config/contract.ts'

export interface ManagerStatus {
  readonly pid: number
  readonly version: string
  /** `daemon`: in the background; `up`: in the foreground; `command`: a `run` or `wait` that holds the directory for a while; `library`: a program of its own. */
  readonly kind: 'daemon' | 'up' | 'command' | 'library'
  /** ISO 8601 UTC. */
  readonly started_at: string
  readonly state_dir: string
  /** Of the config file that is in force; null: none was brought up. */
  readonly config: string | null
  readonly is_watching: boolean
  /** Why the config file as it is now could not be applied; null: it is in force. */
  readonly config_error: string | null
  /** Host and port of the TCP listener; null: there is none. */
  readonly listen: string | null
  readonly log_level: LogLevel
  /** Null: its log goes to a terminal or a pipe. */
  readonly log_file: string | null
  /** Private memory, in bytes. */
  readonly rss_bytes: number
  readonly processes: number
  readonly problems: readonly string[]
  /** How far the targets of `log_collection` are. */
  readonly collection: readonly TargetStatus[]
}

/** One line of a plan, or of what was done. */
export interface PlanLine {
  readonly id: string
  /** `start`: is not there, or is down and should be up; `restart`: what it runs has changed; `update`: what has changed needs no restart; `stop`: stopped, and kept; `remove`: stopped if up, and removed; `keep`: nothing. */
  readonly action: 'start' | 'create' | 'restart' | 'update' | 'stop' | 'remove' | 'keep'
  /** Why, in a few words: `is not there`, `command has changed`, `label tier has changed`, `is not declared any more`. */
  readonly reason: string
}

export interface ApplyReport {
  readonly lines: readonly PlanLine[]
  readonly warnings: readonly string[]
  /** What could not be done, by id: the others were. */
  readonly failures: readonly { readonly id: string; readonly message: string; readonly code: string }[]
}

export interface ApplyRequest {
  /** The config file, absolute. Default: the one in force. */
  readonly path?: string
  /** What `${env.NAME}` is filled in from. Default: as at the last apply. */
  readonly env?: Readonly<Record<string, string>>
  /** Also starts what a user has stopped or what has failed: `up`. Default false: `reload`. */
  readonly startDown?: boolean
  /** Replaces what was brought up from another directory. Default false: refused with PROCMAN_PROJECT_CONFLICT. */
  readonly replace?: boolean
  /** Apply the file again whenever it changes. Default: as it is. */
  readonly watch?: boolean
}

export interface ManagerControl {
  status(): ManagerStatus
  /** Reads a config file and brings about what it says. Settles once everything that can be done now is done. @throws PROCMAN_CONFIG_INVALID: nothing has changed */
  apply(request: ApplyRequest): Promise<ApplyReport>
  /** Stops what is declared, dependents first, and (unless `keep`) removes it. @param options.timeoutMs then whatever is left is killed */
  down(options?: { readonly keep?: boolean; readonly timeoutMs?: number }): Promise<ApplyReport>
  /** Lets go and ends; everything that runs goes on. Settles before it has ended. */
  stop(): Promise<void>
  setLogLevel(level: LogLevel): void
}
