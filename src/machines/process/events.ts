/** Everything that can be said to a process actor, and everything it says. Commands are imperative, facts are past tense. */
import type { DeadlineFact } from '../../effects/deadline/contract.ts'
import type { HealthFact } from '../../effects/probe/contract.ts'
import type { RunFact } from '../../effects/run/contract.ts'
import type { TerminateFact } from '../../effects/terminate/contract.ts'
import type { Progress } from '../../output.ts'
import type { Outcome, ProcessSpec } from '../../types.ts'

/** What a user or the supervisor asks for. Illegal ones are refused by the supervisor with a typed error. */
export type ProcessCommand =
  | { readonly type: 'process.start'; readonly atMs: number; readonly force?: boolean }
  | { readonly type: 'process.stop'; readonly atMs: number; readonly timeoutMs?: number }
  | { readonly type: 'process.restart'; readonly atMs: number; readonly force?: boolean }
  /** Nothing counts against it any more: counters and breaker. */
  | { readonly type: 'process.reset'; readonly atMs: number }
  /** It is declared anew; when what its run was launched with has changed, and it is up, it is restarted for that. */
  | { readonly type: 'process.update'; readonly atMs: number; readonly spec: ProcessSpec }
  /** Why it may not start yet, while it is down; null: it may. */
  | { readonly type: 'process.hold'; readonly atMs: number; readonly reason: string | null }
  | { readonly type: 'process.signal'; readonly atMs: number; readonly signal: string; readonly target: 'group' | 'command'; readonly request: string }
  | { readonly type: 'process.refresh'; readonly atMs: number }

/** What effects found out. `run` says which run is meant: facts of an older one are dropped. */
export type ProcessFact = RunFact | TerminateFact | DeadlineFact | HealthFact

export type ProcessEvent = ProcessCommand | ProcessFact

/** What a process actor emits: `actor.on('process.exited', …)`. Times in ms since 1970. */
export type ProcessEmitted =
  | { readonly type: 'process.started'; readonly id: string; readonly run: number; readonly pid: number; readonly atMs: number }
  | { readonly type: 'process.ready'; readonly id: string; readonly run: number; readonly atMs: number }
  | { readonly type: 'process.unhealthy'; readonly id: string; readonly run: number; readonly reason: string; readonly atMs: number }
  | { readonly type: 'process.exited'; readonly id: string; readonly run: number; readonly outcome: Outcome; readonly atMs: number }
  | { readonly type: 'process.backing-off'; readonly id: string; readonly run: number; readonly retryAtMs: number; readonly reason: string }
  | { readonly type: 'process.gave-up'; readonly id: string; readonly run: number; readonly reason: string; readonly atMs: number }
  | { readonly type: 'process.settled'; readonly id: string; readonly state: 'exited' | 'orphaned'; readonly atMs: number }
  /** At most a few times a second, of those who are asked for it; the last one comes before the end. */
  | { readonly type: 'process.progressed'; readonly id: string; readonly run: number; readonly progress: Progress; readonly atMs: number }
  | { readonly type: 'process.signalled'; readonly id: string; readonly request: string; readonly error: string | null }
