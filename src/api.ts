/** The library's surface: what `createSupervisor` takes and gives. */
import type { ActorRefFrom, InspectionEvent, Observer } from 'xstate'
import type { WaitCondition } from './conditions.ts'
import type { ProbeFunction } from './effects/probe/ports.ts'
import type { Attachment, AttachOptions, LogLine, LogLines, LogPaths, LogStats, LogsInput, WatchOptions } from './log-api.ts'
import type { ProcessMachine } from './machines/process/machine.ts'
import type { ProcessRecord } from './machines/process/record.ts'
import type { ProcessStatus } from './machines/process/states.ts'
import type { SupervisorMachine } from './machines/supervisor/machine.ts'
import type { ProcessTable } from './table.ts'
import type { BreakerPolicy, DependencyCondition, ProbeSpec, ProcessSpec, RestartPolicy, RestartStrategy, StopRung, TlsOptions } from './types.ts'

export type {
  Arrival,
  Attachment,
  AttachOptions,
  LogChunk,
  LogLine,
  LogLines,
  LogPaths,
  LogStats,
  LogsInput,
  Positioned,
  StreamStats,
  WatchOptions,
} from './log-api.ts'

/** An XState actor ref with the process's `id`: `getSnapshot`, `subscribe`, `on` and `waitFor` all work. */
export type ProcessRef = ActorRefFrom<ProcessMachine>

/**
 * A port to be had for the process: one (1 to 65535), any, or one of a range, both ends included. `host`: the address that the process will bind; without it
 * the port must be free on all of this machine's.
 */
export type PortInput =
  | number
  | 'any'
  | { readonly port: number | 'any'; readonly host?: string }
  | { readonly range: readonly [from: number, to: number]; readonly host?: string }

/**
 * `port`: a number or a template as `${port.http}`; default: the process's own when it has exactly one. `host`: default
 * where that port of the process is bound, else localhost, which is 127.0.0.1 and ::1.
 */
export interface AddressInput {
  readonly port?: number | string
  readonly host?: string
}

/** One status code, or a list of codes and of [from, to]: `[[200, 299], 404]`. */
export type StatusInput = number | readonly (number | readonly [from: number, to: number])[]

/** A `url` (http: or https:), or one that is built of port, host and `path` (default `/`): https: when `tls` is given. */
export type HttpProbeInput = ({ readonly url: string } | (AddressInput & { readonly path?: string })) & {
  /** Default GET. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** What is accepted, 100 to 599. Default 200 only. Redirects are not followed. */
  readonly status?: StatusInput
  readonly tls?: true | TlsOptions
}

/** A command whose exit code 0 passes. Never given to a shell. */
export interface ExecProbeInput {
  readonly command: string
  readonly args?: readonly string[]
  /** Default: that of the process, which a relative one starts from. */
  readonly cwd?: string
  /** Added to the environment of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** What is asked: exactly one of the five. Texts may have templates. */
export type CheckInput =
  /** A URL, or its parts. */
  | { readonly http: string | HttpProbeInput }
  /** Can be connected to: `host:port`, a port of localhost, or both apart. */
  | { readonly tcp: string | number | AddressInput }
  /** A command with its arguments. */
  | { readonly exec: readonly string[] | ExecProbeInput }
  /** `grpc.health.v1.Health/Check`: `host:port`, a port of localhost, or more. `service`: default '', the server as a whole. `tls`: default plain text. */
  | { readonly grpc: string | number | (AddressInput & { readonly service?: string; readonly tls?: true | TlsOptions }) }
  /** A function, which only this manager has: a later one does not ask until it is declared again. Or the name of one of the manager's `probes`. */
  | { readonly function: string | ProbeFunction }

/** Times as in `ProbeSpec`, which tells the defaults. `onFailure: 'restart'` is for liveness only. */
export type ProbeInput = CheckInput & Partial<Omit<ProbeSpec, 'check'>>

export interface HealthChecks {
  /** Gates the others: until it has passed they are not asked. */
  readonly startup?: ProbeInput
  /** Its failure is what restarts. */
  readonly liveness?: ProbeInput
  /** Its failure withdraws `ready`, and never restarts. */
  readonly readiness?: ProbeInput
  /** No probes while the command is stopped by SIGSTOP. Default false. */
  readonly pauseWhenSuspended?: boolean
}

/**
 * What to run. Only `command` is required.
 *
 * Templates: `${port.NAME}`, `${port}` (the only one), `${id}`, `${run}`, `${env.NAME}`, `${labels.NAME}` and `${meta.NAME}` are filled in at each launch, in
 * command, arguments, values of `env`, `cwd` and probes; `$$` is a dollar sign. In `env`, `${env.NAME}` is what is inherited; elsewhere what the process gets.
 * In code for an interpreter (`sh -c`, `node -e`) only ports are filled in, for a shell `${id}` and `${run}` too: a value in code would be run as code.
 */
export interface ProcessInput {
  /** A program's name (looked for in PATH) or path. Never given to a shell. */
  readonly command: string
  readonly args?: readonly string[]
  /** Added to the environment that the launching manager has, or all there is with `inheritEnv: false`. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Default true. */
  readonly inheritEnv?: boolean
  /** Default: the manager's working directory. */
  readonly cwd?: string
  readonly labels?: Readonly<Record<string, string>>
  /** Letters, digits, `.`, `_`, `-`; begins with a letter, a digit or `_`; at most 100 characters. Default: 8 generated characters. */
  readonly id?: string
  /** `null` (default): /dev/null. `pipe`: kept open by the keeper, see `write`. */
  readonly stdin?: 'null' | 'pipe'
  /** Default: never. A strategy's name alone takes the defaults of `RestartPolicy`. */
  readonly restart?: RestartStrategy | (Partial<RestartPolicy> & { readonly strategy: RestartStrategy })
  /** True (default), or parts of it: with the defaults of `BreakerPolicy`. Where nothing is restarted there is none. */
  readonly breaker?: boolean | Partial<BreakerPolicy>
  /** Default: SIGTERM, and SIGKILL to the whole tree after 5 000 ms. */
  readonly stop?: { readonly signal?: string; readonly ladder?: readonly StopRung[]; readonly timeoutMs?: number }
  /** What the command left behind when it ended is stopped (default) or left alone. */
  readonly leftovers?: 'stop' | 'leave'
  /** By name: a letter, then letters, digits, `_` or `-`, at most 31. In the environment as PORT_NAME, and the only one as PORT too. The same again on restart where still free. */
  readonly ports?: Readonly<Record<string, PortInput>>
  /** Default: none. */
  readonly health?: HealthChecks
  /** What else makes a run ready: a line of output, a newline on a descriptor (3 to 255), or time since the launch, less than `startupTimeoutMs`. Default: nothing. */
  readonly ready?: { readonly logLine: RegExp | string } | { readonly notifyFd: number } | { readonly delayMs: number }
  /** Not ready so long after its launch, in ms: stopped, as a failed start. 1 and up. Default 60 000. */
  readonly startupTimeoutMs?: number
  /** Free data, for templates and for people. */
  readonly meta?: Readonly<Record<string, string | number | boolean | undefined>>
  /** False: nothing is filled in. Default true. */
  readonly template?: boolean
  /** By id: what each process that it needs must have come to first. Kept and shown; the reconciler starts it accordingly, `start` and `launch` do not wait. Default: nothing. */
  readonly dependsOn?: Readonly<Record<string, DependencyCondition | undefined>>
  /** Absolute directory of the project that declares it. Default null: none. */
  readonly origin?: string | null
  /** How its output is kept. Default: in files, rotated at 10 MiB, ten rotated files of each stream. */
  readonly logs?: LogsInput
  /** Reads progress from its output: as known tools print it (true, `auto`), or by a regular expression with the named groups percent, current, total or message. Default false. */
  readonly progress?: boolean | 'auto' | { readonly pattern: RegExp | string }
  /** False: created in `pending`, to be started by `restart(id)` or `launch(id)`. Default true. */
  readonly autostart?: boolean
}

/** All given labels must match: a value, one of several, or presence. */
export type LabelFilter = Readonly<Record<string, string | { readonly in: readonly string[] } | { readonly exists: boolean }>>

export interface ListFilter {
  readonly status?: ProcessStatus | readonly ProcessStatus[]
  readonly labels?: LabelFilter
}

export interface SupervisorOptions {
  /** Default `$PROCMAN_HOME`, else `~/.cache/procman`. */
  readonly stateDir?: string
  /** Wait so long for another manager to let go of the directory, in ms. Default 0. */
  readonly lockTimeoutMs?: number
  /** Passed to XState untouched. Contexts carry environment variables: use `sanitizeContext` with inspectors that show them. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void)
  /** Functions that probes name: `health: { liveness: { function: 'queue-drains' } }`. */
  readonly probes?: Readonly<Record<string, ProbeFunction>>
  readonly logs?: {
    /** Of the output of all processes together, in bytes, 1 and up: beyond that the oldest rotated files go. Default: no limit but those of each process. */
    readonly maxTotalBytes?: number
  }
  /** Which keeper starts runs. Default: the C one where it can run, else the one in Node. */
  readonly keeper?: 'auto' | 'native' | 'node'
}

export interface WaitOptions {
  /** Give up waiting after so many ms, 0 and up. Default: Infinity, never. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Owns one state directory. Every method that changes something settles after the change is on disk. */
export interface Supervisor {
  readonly stateDir: string
  /** The root actor. */
  readonly actor: ActorRefFrom<SupervisorMachine>
  /** The read model of all processes, an `@xstate/store` store. */
  readonly table: ProcessTable
  /** Resolves once the run is launched; rejects with PROCMAN_LAUNCH_FAILED, and leaves nothing behind, when it cannot be. */
  start(input: ProcessInput): Promise<ProcessRef>
  /**
   * Starts a process that is not up: pending, exited, orphaned or in backoff. `force`: also behind an open circuit breaker, which is closed then.
   * @throws PROCMAN_LAUNCH_FAILED, PROCMAN_PORT_UNAVAILABLE, PROCMAN_BREAKER_OPEN
   */
  launch(id: string, options?: { readonly force?: boolean }): Promise<ProcessRecord>
  /** @throws PROCMAN_PROCESS_UNKNOWN, PROCMAN_PROCESS_AMBIGUOUS: as every method that takes an id (or a unique prefix of one). */
  get(id: string): ProcessRecord
  list(filter?: ListFilter): readonly ProcessRecord[]
  ref(id: string): ProcessRef
  attach(id: string, options?: AttachOptions): Attachment
  watch(id: string, options?: WatchOptions): LogLines
  /** Resolves when the process has ended or the callback has thrown (then it rejects with that error). */
  watch(id: string, onLine: (line: LogLine) => void, options?: WatchOptions): Promise<void>
  /** Resolves with the record once the process has settled. @throws PROCMAN_TIMEOUT, PROCMAN_ABORTED */
  wait(id: string, options?: WaitOptions): Promise<ProcessRecord>
  /**
   * Resolves with the record once the condition holds. `ready`: up, and all that it was to wait for has come; `healthy`: ready, and every probe passes; `settled`.
   * @throws PROCMAN_NOT_READY when the process settles instead, PROCMAN_TIMEOUT, both with the last reason; PROCMAN_ABORTED
   */
  waitFor(id: string, condition: WaitCondition, options?: WaitOptions): Promise<ProcessRecord>
  /**
   * Settles when the whole tree is gone. `timeoutMs`: grace before SIGKILL, instead of the spec's; 0 kills at once. Already settled: nothing to do.
   * @throws five seconds after SIGKILL, while the stop goes on: PROCMAN_STATE_NOT_SAVED when the process is gone and its end cannot be written down (a full
   * disk), PROCMAN_TIMEOUT when it is still there
   */
  stop(id: string, options?: { readonly timeoutMs?: number }): Promise<ProcessRecord>
  /** The same as `stop`. */
  cancel(id: string, options?: { readonly timeoutMs?: number }): Promise<ProcessRecord>
  /**
   * Stops what is up, starts the next run; settles when that is launched. It costs no attempt, and clears those that were counted.
   * @throws PROCMAN_LAUNCH_FAILED, PROCMAN_PORT_UNAVAILABLE, PROCMAN_BREAKER_OPEN (unless `force`, which closes it); what `stop` throws, while the restart goes on
   */
  restart(id: string, options?: { readonly force?: boolean }): Promise<ProcessRecord>
  /**
   * Declares a process anew, in any state, and settles once that is on disk. Only when it is up and what its run was launched with has changed (command, arguments,
   * environment, working directory, stdin, ports, …: see `compareSpecs`) it is stopped and started with the new spec, and this settles once that run is launched;
   * anything else, a probe too, takes effect on the run that is up. Down stays down. Unchanged: nothing happens.
   * @param input all of the new declaration; its `id` must be absent or the same, `autostart` means nothing here
   * @throws PROCMAN_INVALID_SPEC, and nothing has changed; PROCMAN_LAUNCH_FAILED, PROCMAN_PORT_UNAVAILABLE and what `stop` throws, and the new spec stands
   */
  update(id: string, input: ProcessInput): Promise<ProcessRecord>
  /**
   * Says why a process that is down may not start yet (`waiting_for` of its record), until its next run, a stop by the user, or `hold(id, null)`. It keeps nobody from
   * starting it. The same reason again: nothing happens.
   * @param reason in words, as "waits for db to be healthy: db is starting"; null: nothing is in the way any more
   * @throws PROCMAN_WRONG_STATE when it is neither pending nor exited nor orphaned; PROCMAN_INVALID_ARGUMENT
   */
  hold(id: string, reason: string | null): Promise<ProcessRecord>
  /** Nothing counts against the process any more, and its circuit breaker is closed: if it was open, the next run begins now, and is launched when this resolves. @throws PROCMAN_LAUNCH_FAILED, PROCMAN_PORT_UNAVAILABLE */
  reset(id: string): Promise<ProcessRecord>
  /** To the process group, or with `target: 'command'` to the command alone. @throws PROCMAN_WRONG_STATE, PROCMAN_SIGNAL_FAILED */
  signal(id: string, signal: string, options?: { readonly target?: 'group' | 'command' }): Promise<void>
  /** Writes to stdin of a process with `stdin: 'pipe'`. Resolves once all of it is in the pipe. @throws PROCMAN_STDIN_CLOSED, PROCMAN_CLOSED when the supervisor is closed meanwhile */
  write(id: string, data: string | Uint8Array): Promise<void>
  /** Closes stdin: the command reads its end. @throws PROCMAN_STDIN_CLOSED, PROCMAN_STATE_NOT_SAVED when its FIFO cannot be taken away */
  closeStdin(id: string): Promise<void>
  /**
   * Settles when what the logs have now is in rotated files, but for what does not fill a block of the file system while a run is up.
   * @throws PROCMAN_WRONG_STATE when nobody can rotate them now, PROCMAN_TIMEOUT while it goes on, PROCMAN_SYSTEM_ERROR
   */
  rotateLogs(id: string): Promise<void>
  /** Settles when nothing is left of the output so far. @throws what `rotateLogs` throws */
  clearLogs(id: string): Promise<void>
  logPaths(id: string): Promise<LogPaths>
  logStats(id: string): Promise<LogStats>
  /** Forgets a settled process with its files. @throws PROCMAN_WRONG_STATE for a live one */
  remove(id: string): Promise<void>
  /** Removes what has settled, and ended at least `olderThanMs` ago (default 0). @returns the ids removed */
  cleanup(options?: { readonly olderThanMs?: number }): Promise<readonly string[]>
  /** Checks every process against the OS now. @returns the records afterwards. @throws PROCMAN_CLOSED when it is closed meanwhile */
  refresh(): Promise<readonly ProcessRecord[]>
  /** What went wrong without being anybody's answer: damaged snapshots, failed actors, a full disk. The last hundred; what happens again is counted. */
  readonly problems: readonly Problem[]
  /** Lets go: everything goes on running, the directory is free for the next manager. @throws PROCMAN_STATE_NOT_SAVED when the last state of a process could not be written */
  close(): Promise<void>
  /** Stops everything, then lets go. After `timeoutMs` (default 10 000) whatever still lives is killed. */
  shutdown(options?: { readonly timeoutMs?: number }): Promise<void>
}

/** Something of one process that was found wrong. Nobody else is harmed by it. */
export interface Problem {
  readonly id: string | null
  readonly path: string | null
  readonly message: string
  /** When it was seen last, ms since 1970. */
  readonly atMs: number
  /** How often it was seen. */
  readonly times: number
}

/** Looks at a state directory without holding it. Tells the truth of the run files, also where no manager has written it down yet. */
export interface Reader {
  readonly stateDir: string
  /** The records, and what is wrong with the processes that have none because their state cannot be read. */
  survey(filter?: ListFilter): { readonly records: readonly ProcessRecord[]; readonly problems: readonly Problem[] }
  list(filter?: ListFilter): readonly ProcessRecord[]
  /** With each record the spec that it is of, for plans. Contains secrets: what is shown of a process is its record. What cannot be read is left out, see `survey`. */
  specs(): readonly { readonly record: ProcessRecord; readonly spec: ProcessSpec }[]
  /** @param id an id or a unique prefix */
  get(id: string): ProcessRecord
  attach(id: string, options?: AttachOptions): Attachment
  watch(id: string, options?: WatchOptions): LogLines
  logPaths(id: string): Promise<LogPaths>
  logStats(id: string): Promise<LogStats>
  /** As `waitFor` of a supervisor; here somebody else has to make it happen. */
  waitFor(id: string, condition: WaitCondition, options?: WaitOptions): Promise<ProcessRecord>
  /** Resolves with the record once the process has settled, by itself or by a manager. @throws PROCMAN_TIMEOUT, PROCMAN_ABORTED, PROCMAN_PROCESS_UNKNOWN when it was removed */
  wait(id: string, options?: WaitOptions): Promise<ProcessRecord>
}
