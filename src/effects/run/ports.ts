/** What a watch over a run needs of the world around it. */
import type { ProcessSpec } from '../../types.ts'
import type { KeeperStarter } from './keeper-starter.ts'
import type { KnownRun } from './look.ts'
import type { StrayHunter } from './strays.ts'

export interface RunPorts {
  jobDirOf(id: string): string
  /** Names the run in the environment of everything that belongs to it. */
  tokenOf(id: string, run: number): string
  specOf(id: string): ProcessSpec
  /** What the process's record says of the run; null when it does not know that it was launched. */
  knownOf(id: string, run: number): KnownRun | null
  environmentOf(spec: ProcessSpec, run: number): Readonly<Record<string, string>>
  /** Runs small pieces of blocking work without holding up the loop. */
  inTurn(work: () => void): void
  readonly starter: KeeperStarter
  readonly strays: StrayHunter
  /** Makes a directory again that somebody has deleted. @returns false when it is not ours any more */
  putBack(id: string): boolean
  /** The run could not be looked at; it is tried again. */
  onTrouble(id: string, error: unknown): void
  nowMs(): number
}
