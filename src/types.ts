/** What a process is made of: its spec, its identity in the OS, how a run ended, and the context of its machine. Plain JSON only. */
import type { LogsSpec, Progress, ProgressSpec } from './output.ts'

/** `unless-stopped` is the same as `always`: here a stop by the user is always kept, also by later managers. */
export type RestartStrategy = 'never' | 'on-failure' | 'always' | 'unless-stopped'

/** Why a process is started again; each cause has its own budget. `start`: it could not be launched, or was not ready in time. */
export type RestartCause = 'crash' | 'health' | 'start' | 'resource' | 'port'

/** Kills nothing and starts nothing by itself: says what to do when a run has ended. */
export interface RestartPolicy {
  /** When to start the next run: never (a job), after a failure, or always (a service). */
  readonly strategy: RestartStrategy
  /** Give up when one cause has led to so many restarts within `windowMs`. 0: never give up. 0 to 10 000, default 3. */
  readonly maxAttempts: number
  /** Wait before the first restart, in ms. 0 and up. Default 5 000. */
  readonly delayMs: number
  /** Each further wait is this many times the one before. 1 and up. Default 1.5. */
  readonly multiplier: number
  /** No wait is longer than this, in ms. Default 300 000. */
  readonly maxDelayMs: number
  /** Each wait is longer or shorter by up to this share, so that many do not come at once. 0 to 1, default 0.1. */
  readonly jitter: number
  /** A run that was ready for so long, in ms, sets the waits back to `delayMs`. Default 60 000. */
  readonly resetAfterMs: number
  /** Restarts longer ago than this, in ms, are not counted. Default: 10 minutes, or twice as long as `maxAttempts` waits take. */
  readonly windowMs: number
  /** Exit codes that are no failure. 0 to 255; 0 always is one of them. */
  readonly successExitCodes: readonly number[]
  /** Signals that are no failure, as SIGTERM. Default none. */
  readonly successSignals: readonly string[]
  /** Exit codes after which it is not started again, whatever the strategy. Default none. */
  readonly noRestartExitCodes: readonly number[]
}

/** So many failures within the window, and no run is begun before the cooldown has passed; then one as a trial. */
export interface BreakerPolicy {
  /** 1 to 1 000, default 5. */
  readonly failures: number
  /** In ms. Default 60 000. */
  readonly windowMs: number
  /** In ms. Default 300 000. */
  readonly cooldownMs: number
}

export type ProbeName = 'startup' | 'liveness' | 'readiness'

/** PEM text, or the path of a file with it. */
export interface TlsOptions {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** The name that the certificate must be for. Default: the host. */
  readonly servername?: string
}

/** How a process is asked whether it is well. Texts may have templates. The host `localhost` means 127.0.0.1 and ::1, without asking DNS. */
export type ProbeCheck =
  | {
      readonly kind: 'http'
      readonly url: string
      readonly method: string
      readonly headers: Readonly<Record<string, string>>
      /** Accepted status codes, from and to. */
      readonly status: readonly (readonly [from: number, to: number])[]
      readonly tls: TlsOptions
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: string }
  /** Passes with exit code 0. `cwd` null: that of the process. `env` is added to that of the process. */
  | {
      readonly kind: 'exec'
      readonly command: string
      readonly args: readonly string[]
      readonly cwd: string | null
      readonly env: Readonly<Record<string, string>>
    }
  /** `grpc.health.v1.Health/Check`; `tls` null: plain text. */
  | { readonly kind: 'grpc'; readonly host: string; readonly port: string; readonly service: string; readonly tls: TlsOptions | null }
  /** One of the manager's `probes`, or of the call that declared it, by name. */
  | { readonly kind: 'function'; readonly name: string }

/** A probe as declared, every default filled in. */
export interface ProbeSpec {
  readonly check: ProbeCheck
  /** From the beginning of one probe to that of the next, in ms. Default 30 000. */
  readonly intervalMs: number
  /** The same, until the process is ready. Default: `intervalMs`, at most 1 000. */
  readonly startIntervalMs: number
  /** In ms. Default 5 000. */
  readonly timeoutMs: number
  /** No probe so soon after the launch, in ms. Default 0. */
  readonly initialDelayMs: number
  /** So many failures in a row, and it is failing. 1 and up, default 3. */
  readonly failureThreshold: number
  /** So many passes in a row, and it is passing again. 1 and up, default 1. */
  readonly successThreshold: number
  /** What a failing liveness probe leads to. Default restart. The others never restart. */
  readonly onFailure: 'restart' | 'report'
}

export interface HealthSpec {
  /** Gates the others: until it has passed they are not asked. */
  readonly startup: ProbeSpec | null
  /** Its failure is what restarts. */
  readonly liveness: ProbeSpec | null
  /** Its failure withdraws `ready`, and never restarts. */
  readonly readiness: ProbeSpec | null
  /** No probes while the command is stopped by SIGSTOP. Default false. */
  readonly pauseWhenSuspended: boolean
}

/** What, beside probes, makes a run ready. */
export type ReadySpec =
  /** A line of its output that matches. `source` and `flags` of a regular expression. */
  | { readonly kind: 'log-line'; readonly source: string; readonly flags: string }
  /** A newline on that descriptor. 3 to 255. */
  | { readonly kind: 'notify'; readonly fd: number }
  /** So long after its launch, in ms. */
  | { readonly kind: 'delay'; readonly delayMs: number }

/** A port to be had: from and to are the same for one port, and 0 for any. */
export interface PortSpec {
  readonly from: number
  readonly to: number
  /** The address that the process will bind; null: all of them must be free. */
  readonly host: string | null
}

/** One rung of the stop ladder: `signal` is sent `afterMs` after the stop began. */
export interface StopRung {
  readonly signal: string
  readonly afterMs: number
}

/** How a process is asked to end. Whatever the rungs, the whole tree is killed at `timeoutMs`. */
export interface StopPolicy {
  readonly ladder: readonly StopRung[]
  /** From the first signal to SIGKILL of the whole tree, in ms. Default 5 000. */
  readonly timeoutMs: number
}

/**
 * What another process must have come to before this one may start. `started`: launched; `healthy`: ready, and every probe passes; `completed-successfully`: ended well.
 */
export type DependencyCondition = 'started' | 'healthy' | 'completed-successfully'

/** A process as declared, every default filled in. */
export interface ProcessSpec {
  readonly id: string
  readonly command: string
  readonly args: readonly string[]
  /** Added to the inherited environment, or all of it with `inheritEnv: false`. */
  readonly env: Readonly<Record<string, string>>
  readonly inheritEnv: boolean
  /** Absolute. */
  readonly cwd: string
  readonly labels: Readonly<Record<string, string>>
  readonly stdin: 'null' | 'pipe'
  readonly restart: RestartPolicy
  /** Null: no breaker. */
  readonly breaker: BreakerPolicy | null
  readonly stop: StopPolicy
  readonly leftovers: 'stop' | 'leave'
  /** By name. */
  readonly ports: Readonly<Record<string, PortSpec>>
  readonly health: HealthSpec | null
  readonly ready: ReadySpec | null
  /** Not ready so long after its launch, in ms: stopped, as a failed start. Default 60 000. */
  readonly startupTimeoutMs: number
  /** Free data, for templates and for people. */
  readonly meta: Readonly<Record<string, string | number | boolean>>
  /** Whether `${…}` in command, arguments, environment and probes is filled in. */
  readonly template: boolean
  /** By id: what it waits for. Whoever starts it looks after that (the reconciler does), the process itself does not. */
  readonly dependsOn: Readonly<Record<string, DependencyCondition>>
  /** Absolute directory of the project that declared it; null: a user, or a program. */
  readonly origin: string | null
  readonly logs: LogsSpec
  /** Null: nothing is read from its output. */
  readonly progress: ProgressSpec | null
}

/** Names one OS process for good: pids are reused, (pid, start time, boot) is not. */
export interface Identity {
  readonly pid: number
  /** Start time as the OS tells it: field 22 of /proc/PID/stat on Linux, `sec.usec` on macOS. */
  readonly start: string
  readonly boot: string
}

/** Why a command was never executed. */
export interface LaunchFailure {
  readonly kind: 'launch-failed'
  readonly step: 'intent' | 'cwd' | 'log' | 'fork' | 'command' | 'interpreter' | 'keeper' | 'port' | 'template'
  /** Name of the error, as ENOENT. */
  readonly errno: string
  /** The directory in which procman's own file could not be written or opened. */
  readonly path?: string
  /** Of `port` and `template`: what is wrong, in a sentence. */
  readonly detail?: string
}

/** How a run ended. */
export type Outcome =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string; readonly core: boolean }
  | LaunchFailure
  /** Stopped before anything was executed. */
  | { readonly kind: 'not-started' }
  /** The keeper was killed or the machine rebooted: nobody saw the end. */
  | { readonly kind: 'unknown'; readonly reason: string }

/**
 * Why a process is being stopped. `leftovers`: the command ended by itself and left something behind. `unhealthy`: its liveness probe fails. `unready`: it was not
 * ready in time.
 */
export type StopPurpose = 'stop' | 'restart' | 'leftovers' | 'unhealthy' | 'unready'

export interface StopInProgress {
  readonly purpose: StopPurpose
  readonly askedAtMs: number
  /** Absolute times in ms since 1970, so that a later manager goes on with the same ladder. */
  readonly rungs: readonly { readonly signal: string; readonly atMs: number }[]
  readonly killAtMs: number
  /** Of a restart: why, when it was not the user who asked for it. */
  readonly reason?: string
}

/** What was decided, when and why: kept for `show`. */
export interface Reason {
  readonly atMs: number
  readonly text: string
}

/** Restarts of one cause. */
export interface RestartCounter {
  /** In a row: drives the backoff. */
  readonly streak: number
  /** When they were decided, ms since 1970, ascending: those within the window are counted against the budget. */
  readonly atMs: readonly number[]
}

export interface BreakerState {
  readonly state: 'closed' | 'open' | 'half-open'
  /** When the failures within the window were, ms since 1970, ascending. */
  readonly failuresAtMs: readonly number[]
  /** While open: when the cooldown is over, ms since 1970. */
  readonly openUntilMs: number | null
}

export interface ProbeResult {
  /** When the probe began, ms since 1970. */
  readonly atMs: number
  readonly latencyMs: number
  /** Why it failed; null: it passed. */
  readonly cause: string | null
}

export interface ProbeState {
  readonly verdict: 'unknown' | 'passing' | 'failing'
  /** In a row. */
  readonly failures: number
  /** In a row. */
  readonly successes: number
  /** The last twenty of this run, oldest first. */
  readonly results: readonly ProbeResult[]
  /** What an HTTP probe was answered last, up to 64 KB. */
  readonly body: string | null
}

export interface ProcessContext {
  readonly spec: ProcessSpec
  /** Number of the current or last run; 0 before the first. */
  readonly run: number
  /** The command of the current or last run; null until it is launched. */
  readonly identity: Identity | null
  readonly createdAtMs: number
  readonly startedAtMs: number | null
  /** When the last run ended, not when that was found out; null while one is up or none was. */
  readonly endedAtMs: number | null
  readonly outcome: Outcome | null
  /** All restarts so far, by policy and by command. */
  readonly restarts: number
  /** Restarts by policy, by cause. */
  readonly counters: Readonly<Partial<Record<RestartCause, RestartCounter>>>
  /** Null: closed, and nothing counted. */
  readonly breaker: BreakerState | null
  /** What the current or last run's probes have found. */
  readonly probes: Readonly<Partial<Record<ProbeName, ProbeState>>>
  /** When `spec.ready` was fulfilled in this run. */
  readonly signalledAtMs: number | null
  /** Since when the current run is ready; null when it is not. */
  readonly readyAtMs: number | null
  /** Why procman itself has ended, or is ending, the current or last run. */
  readonly failure: { readonly cause: RestartCause; readonly reason: string } | null
  /** The ports of the current or last run, by name. */
  readonly ports: Readonly<Record<string, number>>
  readonly retryAtMs: number | null
  /** How long that was to wait, whatever becomes of the clock meanwhile. */
  readonly retryDelayMs: number | null
  readonly stop: StopInProgress | null
  /** The user asked for the end: holds until the user starts it again, also for later managers. */
  readonly cancelled: boolean
  /** The keeper of the current run was killed; the command is watched by its identity. */
  readonly keeperLost: boolean
  /** The policy was used up. */
  readonly gaveUp: boolean
  /** Why it may not start yet, while it is down; null: nobody holds it back. */
  readonly waitingFor: string | null
  /** Of the current or last run; null: nothing was said of it. */
  readonly progress: Progress | null
  /** The last ten, oldest first. */
  readonly reasons: readonly Reason[]
}
