/** What `collectLogs` takes and gives. */
import type { SyslogFacility } from './format/syslog.ts'
import type { LineFormat, LogRecord, RecordLevel } from './record/contract.ts'
import type { Selection } from './select/contract.ts'

export type { LineFormat, LogRecord, RecordLevel } from './record/contract.ts'
export type { RecordSelector, Selection } from './select/contract.ts'

export interface AnyTarget {
  /** Names its checkpoint: letters, digits, `.`, `_`, `-`, at most 150. Default: made of its type and of where it delivers to. */
  readonly name?: string
  /** Only of these processes, whatever `include` says. Default: of all. */
  readonly ids?: readonly string[]
  /** Default: everything. */
  readonly include?: Selection
  /** Counts more than `include`. */
  readonly exclude?: Selection
  /** And above. A line without a level counts as `error` on stderr, else as `info`. Default: all. */
  readonly level?: RecordLevel
  /** What fits one of these is `[redacted]`, in the message and in all fields. */
  readonly redact?: readonly (RegExp | string)[]
  /** Of what there is already when the target is new: `now` (default) nothing, `beginning` all that is kept. Later processes are always collected from their first byte. */
  readonly from?: 'now' | 'beginning'
  /** So many records are delivered at once. 1 to 100 000, default 1 000 for `http` and `syslog`, else 5 000. */
  readonly batchRecords?: number
  /** So much output is read for a batch, in bytes. 4 096 to 64 MiB, default 1 MiB. */
  readonly batchBytes?: number
  /** The first record waits so long for others, in ms. 0 to 600 000, default 500 for `http`, else 0. */
  readonly batchWaitMs?: number
}

interface Formatted {
  /** `json`: a record as a line of JSON. `plain`: for people. Default `plain`; of `http` `json`. */
  readonly format?: 'json' | 'plain'
}

/** Appends to a file, 0600; what is acknowledged is on it. */
export interface FileTarget extends AnyTarget, Formatted {
  readonly type: 'file'
  /** Its directory is made where there is none. */
  readonly path: string
  /** A larger file becomes `path.1`, that one `path.2` and so on. In bytes, 1 and up; default 10 MiB. */
  readonly maxSizeBytes?: number
  /** So many of these are kept. 0 to 100 000, default 10. */
  readonly maxFiles?: number
}

/** Writes to stdout or stderr of this program. */
export interface StreamTarget extends AnyTarget, Formatted {
  readonly type: 'stdout' | 'stderr' | 'process_manager_stdout' | 'process_manager_stderr'
}

/** Sends messages of RFC 5424. */
export interface SyslogTarget extends AnyTarget, Formatted {
  readonly type: 'syslog'
  /**
   * `udp://HOST:PORT` (514), `tcp://HOST:PORT` (601; octet counting, RFC 6587), or `unix:///PATH` or `/PATH`: a stream socket (Node has no datagram sockets
   * there). Default `udp://127.0.0.1:514`.
   */
  readonly address?: string
  /** Default `user`. */
  readonly facility?: SyslogFacility
  /** Default: the id of the process. */
  readonly appName?: string
  /** Default: the name of this machine. */
  readonly hostname?: string
}

/** Posts batches. 2xx acknowledges; see docs/logs.md for all other answers. */
export interface HttpTarget extends AnyTarget, Formatted {
  readonly type: 'http'
  readonly url: string
  /** What a body is: a JSON array, lines of JSON, or what Grafana Loki or OpenTelemetry take. Default: as the path of the url says (`/loki/api/v1/push`, `/v1/logs`), else `json`. */
  readonly preset?: 'json' | 'ndjson' | 'loki' | 'otlp'
  readonly headers?: Readonly<Record<string, string>>
  /** Of all that is sent: labels of Loki, attributes of OpenTelemetry's resource. */
  readonly labels?: Readonly<Record<string, string>>
  /** An answer is waited for so long, in ms. 1 to 600 000, default 10 000. */
  readonly timeoutMs?: number
}

/** Calls a function of this program. Its return, or the promise that it returns, acknowledges; what it throws is tried again. */
export interface FunctionTarget extends AnyTarget {
  readonly type: 'function'
  readonly deliver: (records: readonly LogRecord[]) => unknown
}

export type LogTarget = FileTarget | StreamTarget | SyslogTarget | HttpTarget | FunctionTarget

/** How the output of one process is collected. */
export interface CollectRules {
  /** False: not at all. Default true. */
  readonly collect?: boolean
  /** And above. Default: all. */
  readonly level?: RecordLevel
  /** How its lines are read. Default `auto`. */
  readonly parse?: LineFormat
}

export interface CollectOptions {
  readonly targets: readonly LogTarget[]
  /** By id. */
  readonly processes?: Readonly<Record<string, CollectRules>>
}

/** What happens to targets, beside that they deliver. */
export type CollectEvent =
  /** A delivery has failed, and is tried again; told once, until one succeeds. */
  | { readonly type: 'target.failing'; readonly target: string; readonly reason: string }
  | { readonly type: 'target.recovered'; readonly target: string }
  /** Records were refused for good. */
  | { readonly type: 'target.refused'; readonly target: string; readonly records: number; readonly reason: string }
  /** Something else went wrong, as that a checkpoint cannot be written. */
  | { readonly type: 'trouble'; readonly target: string; readonly reason: string }

export interface CollectLogsOptions extends CollectOptions {
  /** Default: nobody is told; `status()` tells how it is. */
  readonly onEvent?: (event: CollectEvent) => void
}

/** How far a target is. Names as in all that is shown as JSON. */
export interface TargetStatus {
  readonly name: string
  readonly type: LogTarget['type']
  /** Where it delivers to; secrets are redacted. */
  readonly destination: string
  /** `retrying`: its last delivery has failed, and is tried again at `retry_at`. */
  readonly state: 'ok' | 'retrying'
  /** Output that there is and that is not delivered yet, in bytes. */
  readonly lag_bytes: number
  /** Since when it is behind, ISO 8601 UTC; null: it is not. */
  readonly behind_since: string | null
  /** Records since this collector has begun; so are the others. */
  readonly delivered: number
  /** Records that the target has refused for good. */
  readonly refused: number
  /** Output that was removed, by rotation or with its process, before it could be delivered. */
  readonly lost_bytes: number
  /** Why the last delivery has failed, or the last refusal; null: none has. */
  readonly error: string | null
  readonly retry_at: string | null
}

export interface Collector {
  status(): readonly TargetStatus[]
  /** Other targets and rules from now on. A target that is the same goes on as it is, one that is not there any more is forgotten with its checkpoint. @throws PROCMAN_INVALID_ARGUMENT: nothing has changed; PROCMAN_CLOSED */
  update(options: CollectOptions): void
  /** Resolves once all that there is now is delivered. @param options `timeoutMs`: 0 and up; default: however long it takes. @throws PROCMAN_TIMEOUT after that; PROCMAN_CLOSED; PROCMAN_INVALID_ARGUMENT */
  flush(options?: { readonly timeoutMs?: number }): Promise<void>
  /** Lets go: what is known to be there has two seconds to be delivered, unless its target is failing; the next collector goes on behind it. */
  close(): Promise<void>
}
