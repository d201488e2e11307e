/** What the parts of a watch stand on: a run that is up, and the machine that is told of it. Types only. */
import type { Identity, ProcessSpec } from '../../types.ts'
import type { HealthFact } from './contract.ts'
import type { HealthView } from './ports.ts'

export interface UpRun {
  readonly id: string
  readonly run: number
  readonly spec: ProcessSpec
  readonly identity: Identity
  readonly startedAtMs: number
  readonly jobDir: string
  /** The machine has taken it when this returns, and all parts have reviewed what that has changed. Nothing once the watch is over. */
  tell(fact: HealthFact): void
  /** Something that parts depend on has changed without a fact. */
  review(): void
  /** Once, by the monotonic clock: a wall clock that jumps neither hurries nor stalls it. @returns a function that ends it */
  after(ms: number, then: () => void): () => void
  nowMs(): number
  trouble(error: unknown): void
}

/** One concern of a watch. */
export interface Part {
  /** Does what `view` asks for, and no more when asked again. Tells nothing by itself: only later, when what it waits for has come. */
  review(view: HealthView): void
  /** The command has ended, and nobody knows of it yet: what is still to be told is told now. */
  finish?(): void
  /** Lets go of everything. Repeated: nothing. */
  close(): void
}

/** One of `came` and `failed` is called at most, and nothing after it; none of them before the call that they were given to has returned. */
export interface SignalListener {
  /** @param atMs when, in ms since 1970 */
  came(atMs: number): void
  /** What was there already was looked at, and it was not there. */
  looked(): void
  failed(error: unknown): void
}
