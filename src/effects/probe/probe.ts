/** What the ways of asking have in common. */
import type { ProbeFunction } from './ports.ts'

export interface CheckAnswer {
  /** Why it failed, as "connection refused", "status 503"; null: it passed. */
  readonly cause: string | null
  /** What an HTTP probe was answered, up to 64 KB. */
  readonly body: string | null
}

export interface CheckerPorts {
  /** Absolute. That of the process. */
  readonly cwd: string
  /** The environment of the run's command. */
  env(): Readonly<Record<string, string>>
  /** Undefined: nobody has declared it in this manager. */
  probeFunction(name: string): ProbeFunction | undefined
  /** The path of the keeper program that guards what `exec` executes; null: none can run here. */
  guard(): string | null
  readonly about: { readonly id: string; readonly run: number }
}

/** A way of asking. May throw why it failed. */
export interface Probe {
  /** Loads a library, where one is needed: the command line must start fast. */
  prepare?(): Promise<void>
  /** Lets go of all that it holds when `signal` is aborted; what it answers then is not heard. */
  ask(signal: AbortSignal): Promise<CheckAnswer | null>
  close(): void
}

export const PASSED: CheckAnswer = { cause: null, body: null }

export function failed(cause: string): CheckAnswer {
  return { cause, body: null }
}
