/** What a watch over a run needs of the world around it. */
import type { ProcessSpec } from '../../types.ts'
import type { PortConflict } from './contract.ts'
import type { KeeperStarter } from './keeper-starter.ts'
import type { KnownRun } from './look.ts'
import type { StrayHunter } from './strays.ts'

export interface RunPorts {
  jobDirOf(id: string): string
  /** Names the run in the environment of everything that belongs to it. */
  tokenOf(id: string, run: number): string
  hasPorts(id: string): boolean
  /**
   * @param fixed those that an earlier manager wrote down for this run. @returns the ports that the run is to have
   * @throws an error whose message says why there are none
   */
  assignPorts(id: string, fixed: Readonly<Record<string, number>> | null): Promise<Readonly<Record<string, number>>>
  /** Resolves to a port of an ended run that somebody else is found to hold. */
  conflictOf(id: string): Promise<PortConflict | null>
  /**
   * @param ports undefined: those of the process's record. @returns what to launch: `filled` has its templates filled in
   * @throws an error whose message says what is wrong with a template
   */
  launchOf(
    id: string,
    run: number,
    ports?: Readonly<Record<string, number>>,
  ): { readonly spec: ProcessSpec; readonly filled: ProcessSpec; readonly env: Readonly<Record<string, string>> }
  /** What the process's record says of the run; null when it does not know that it was launched. */
  knownOf(id: string, run: number): KnownRun | null
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
