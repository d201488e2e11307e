/** What `up` is asked for. */
import type { ManagerAsked, ManagerVerbOptions } from '../manager-options.ts'
import type { ConfigOption, ProjectSource } from '../project.ts'

export interface UpOptions extends ConfigOption, ManagerVerbOptions {
  readonly detach?: boolean
  readonly watch?: boolean
  readonly replace?: boolean
  readonly wait?: boolean
  readonly timeout?: string
  readonly exitCodeFrom?: string
  readonly logs?: boolean
  readonly json?: boolean
}

/** Checked, and with nothing left to look up. */
export interface UpAsked extends ManagerAsked {
  readonly stateDir: string
  readonly config: ProjectSource
  readonly isWatched: boolean
  readonly isReplacing: boolean
  readonly isWaiting: boolean
  readonly timeoutMs: number
  readonly exitCodeFrom: string | null
  readonly showsLogs: boolean
  readonly isJson: boolean
}
