/** What a process is made of: its spec, its identity in the OS, how a run ended, and the context of its machine. Plain JSON only. */

/** Kills nothing and starts nothing by itself: says what to do when a run has ended. */
export interface RestartPolicy {
  /** When to start the next run: never (a job), after a failure, or always (a service). */
  readonly strategy: 'never' | 'on-failure' | 'always'
  /** Wait before the first restart, in ms. 0 and up. Default 1 000. */
  readonly delayMs: number
  /** Each further wait is this many times the one before. 1 and up. Default 2. */
  readonly multiplier: number
  /** No wait is longer than this, in ms. Default 60 000. */
  readonly maxDelayMs: number
  /** Give up after so many restarts in a row. 0: never give up. Default 0. */
  readonly maxRestarts: number
  /** A run that lasted so long, in ms, starts the count anew. Default 60 000. */
  readonly resetAfterMs: number
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
  readonly stop: StopPolicy
  readonly leftovers: 'stop' | 'leave'
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
  readonly step: 'intent' | 'cwd' | 'log' | 'fork' | 'command' | 'interpreter' | 'keeper'
  /** Name of the error, as ENOENT. */
  readonly errno: string
  /** The directory in which procman's own file could not be written or opened. */
  readonly path?: string
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

/** Why a process is being stopped. `leftovers`: the command ended by itself and left something behind. */
export type StopPurpose = 'stop' | 'restart' | 'leftovers'

export interface StopInProgress {
  readonly purpose: StopPurpose
  readonly askedAtMs: number
  /** Absolute times in ms since 1970, so that a later manager goes on with the same ladder. */
  readonly rungs: readonly { readonly signal: string; readonly atMs: number }[]
  readonly killAtMs: number
}

/** What was decided, when and why: kept for `show`. */
export interface Reason {
  readonly atMs: number
  readonly text: string
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
  /** Restarts by policy in a row: drives the backoff. */
  readonly attempts: number
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
  /** The last ten, oldest first. */
  readonly reasons: readonly Reason[]
}
