/** The effect that attends a run that is up: asks its probes, waits for it to be ready, and tells when it has been so for long. Types only. */
import type { Progress } from '../../output.ts'
import type { ProbeName } from '../../types.ts'

/** Identifies the run, and nothing more. What to ask is asked for by id. */
export interface HealthInput {
  readonly id: string
  readonly run: number
}

/** The process is declared anew: what it declares now is what is asked from now on. */
export type HealthCommand = { readonly type: 'health.renew' }

/** Times in ms since 1970. Nothing is told of a run whose command is not launched yet, or has ended. */
export type HealthFact =
  /** `atMs`: when the probe began. */
  | {
      readonly type: 'probe.passed'
      readonly run: number
      readonly probe: ProbeName
      readonly latencyMs: number
      readonly body: string | null
      readonly atMs: number
    }
  | {
      readonly type: 'probe.failed'
      readonly run: number
      readonly probe: ProbeName
      readonly latencyMs: number
      readonly body: string | null
      /** As "connection refused", "timeout after 5000 ms", "status 503". */
      readonly reason: string
      readonly atMs: number
    }
  /** What `spec.ready` waits for has come. */
  | { readonly type: 'ready.signalled'; readonly run: number; readonly atMs: number }
  /** `startupTimeoutMs` after the launch it is not ready, and it was asked at least once. */
  | { readonly type: 'startup.timed-out'; readonly run: number; readonly atMs: number }
  /** It has been ready for `afterMs`, which is what was asked for: what counts against it is forgotten. */
  | { readonly type: 'run.steadied'; readonly run: number; readonly afterMs: number; readonly atMs: number }
  /** Its output says so, of those who are asked for it. At most a few times a second, and the last before the end of the run is told. */
  | { readonly type: 'run.progressed'; readonly run: number; readonly progress: Progress; readonly atMs: number }
