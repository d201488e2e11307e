/** What attending a run needs of the world around it. */
import type { ProcessContext, ProcessSpec } from '../../types.ts'

/** What the process's machine knows of the run, asked for again whenever it may have changed: after each fact that was told. */
export interface HealthView {
  readonly startedAtMs: number | null
  readonly signalledAtMs: number | null
  readonly readyAtMs: number | null
  /** It was ready in this run, be it now or earlier: its state is `running` or `unhealthy`. */
  readonly hasBeenReady: boolean
  readonly probes: ProcessContext['probes']
  /** Ready for so long, in ms, what counts against it is forgotten. Null: nothing does. */
  readonly steadyAfterMs: number | null
}

/** Answers true or nothing: it is well. False, or what it throws: it is not, and why. */
export type ProbeFunction = (about: { readonly id: string; readonly run: number; readonly signal: AbortSignal }) => unknown

export interface HealthPorts {
  /** As it is declared now: the same object until it is declared anew. */
  declarationOf(id: string): Pick<ProcessSpec, 'health' | 'ready' | 'progress'>
  /** With its templates filled in as this run was launched. */
  specOf(id: string, run: number): ProcessSpec
  /** Null: the process is in another run by now. */
  viewOf(id: string, run: number): HealthView | null
  /** The environment of the run's command. */
  environmentOf(id: string, run: number): Readonly<Record<string, string>>
  jobDirOf(id: string): string
  /** Undefined: nobody has declared it in this manager; the probe is not asked then, and says nothing. */
  functionOf(id: string, name: string): ProbeFunction | undefined
  /** The path of the keeper program that guards what probes execute; null: none can run here. */
  guard(): string | null
  nowMs(): number
  onTrouble(id: string, error: unknown): void
}
