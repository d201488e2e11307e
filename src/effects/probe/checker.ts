/** STUB, to be replaced by the file of the same name that builds the probe kinds: the interface is final, nothing is asked here. */
import type { ProbeCheck } from '../../types.ts'
import type { ProbeFunction } from './ports.ts'

/** `cause` null: it passed. */
export interface CheckAnswer {
  readonly cause: string | null
  readonly body: string | null
}

export interface CheckerPorts {
  readonly cwd: string
  env(): Readonly<Record<string, string>>
  probeFunction(name: string): ProbeFunction | undefined
  readonly about: { readonly id: string; readonly run: number }
}

export interface Checker {
  /** Never rejects. Null: it cannot be asked, and says nothing. */
  check(timeoutMs: number, signal: AbortSignal): Promise<CheckAnswer | null>
  close(): void
}

export function createChecker(check: ProbeCheck, _ports: CheckerPorts): Checker {
  throw new Error(`internal: the ${check.kind} probe is not built yet`)
}
