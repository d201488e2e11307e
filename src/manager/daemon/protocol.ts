/** What a command and the daemon that it starts say to each other, over the channel between them. */
import type { LogLevel } from '../../config/contract.ts'
import type { ProcmanErrorCode } from '../../errors.ts'
import type { ApplyReport } from '../contract.ts'

export interface DaemonOptions {
  /** Absolute. */
  readonly stateDir: string
  /** What it brings up at once; null: it only manages what is there. */
  readonly config: { readonly path: string; readonly env: Readonly<Record<string, string>> } | null
  readonly watch: boolean
  /** `127.0.0.1:PORT`; null: as the config says. */
  readonly listen: string | null
  /** Null: as the config says. */
  readonly logLevel: LogLevel | null
  readonly tokens: TokenOptions
  /** Also starts what was stopped or has failed. */
  readonly startDown: boolean
  readonly replace: boolean
  /** A config that is wrong does not keep it from managing what is there. */
  readonly isTolerant: boolean
  /** Waits so long for a command that holds the directory for a moment. */
  readonly lockTimeoutMs: number
}

/** Where the tokens of the TCP listener are; null: in the state directory, made where there is none. */
export interface TokenOptions {
  readonly file: string | null
  readonly readFile: string | null
}

export type ToDaemon = { readonly type: 'start'; readonly options: DaemonOptions }

export type FromDaemon =
  /** From now on it can be reached. */
  | { readonly type: 'serving' }
  | { readonly type: 'applied'; readonly report: ApplyReport | null }
  /** There is another manager, which can be reached. */
  | { readonly type: 'taken' }
  | {
      readonly type: 'failed'
      readonly code: ProcmanErrorCode
      readonly message: string
      readonly details: Readonly<Record<string, unknown>>
    }
