/** The control API of a manager: what is served, what a client of it gets. */
import type { Supervisor } from '../api.ts'
import type { ApplyReport, ApplyRequest, ManagerControl, ManagerStatus } from '../manager/contract.ts'

/** In the path of each route, and in the header of each request and answer. */
export const API_VERSION = 'v1'
export const VERSION_HEADER = 'procman-api'
/** In answers to what has changed something: up to where the stream of events tells it. */
export const SEEN_HEADER = 'procman-seen'
/** In the state directory. */
export const SOCKET_NAME = 'control.sock'

/** Where the server tells what it does: pino, or anything like it. */
export interface ControlLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface ListenOptions {
  /** Of this machine only: 127.0.0.1 (default), ::1 or localhost. */
  readonly host?: string
  /** 0: any. */
  readonly port: number
  /** Whoever has it may do everything. */
  readonly token: string
  /** Whoever has it may look at everything, and change nothing. Default: there is none. */
  readonly readToken?: string
}

export interface ServeControlOptions {
  readonly supervisor: Supervisor
  /** Without it, what is asked of the manager is answered with PROCMAN_NO_MANAGER. */
  readonly manager?: ManagerControl
  /** Also on a TCP port. Default: on the socket in the state directory only. */
  readonly listen?: ListenOptions
  readonly log?: ControlLog
}

export interface ControlServer {
  readonly socketPath: string
  /** Where the TCP port is; null: none was asked for. */
  readonly address: { readonly host: string; readonly port: number } | null
  /** Ends what streams, answers what is under way, and takes the socket away. Repeated: the same. */
  close(): Promise<void>
}

export interface ConnectOptions {
  /** The directory of the manager that is asked, by its socket. Default `$PROCMAN_HOME`, else `~/.cache/procman`. */
  readonly stateDir?: string
  /** Its address instead, as `http://127.0.0.1:50055`; needs a `token`. */
  readonly url?: string
  readonly token?: string
  /** What `start` and `update` give a process that inherits its environment, where it differs from the manager's own. Default: nothing. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** As `ManagerControl`, of a manager in another program. */
export interface RemoteManager {
  status(): Promise<ManagerStatus>
  apply(request: ApplyRequest): Promise<ApplyReport>
  down(options?: { readonly keep?: boolean; readonly timeoutMs?: number }): Promise<ApplyReport>
  stop(): Promise<void>
  setLogLevel(level: ManagerStatus['log_level']): Promise<void>
}

/**
 * A supervisor in another program. `list`, `get`, `ref` and `table` show what its stream of events has told: what this client has changed is in it when the
 * promise settles. Its actor refs are stand-ins: `getSnapshot`, `subscribe`, `on`, `send` and `waitFor` work; secrets are hidden in what they show.
 * While the manager is away, what is asked rejects with PROCMAN_MANAGER_UNREACHABLE; when it is back, or another one is there, the client goes on with it.
 */
export interface RemoteSupervisor extends Supervisor {
  readonly manager: RemoteManager
  /** False while the manager is away. */
  readonly isConnected: boolean
  /** Ends the connection. Nothing of ours keeps the program alive any longer. The supervisor goes on. */
  close(): Promise<void>
}
