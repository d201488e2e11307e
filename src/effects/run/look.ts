/** What the run files say of a run right now: the one place where they are judged. Changes nothing, holds nothing. */
import type { Identity } from '../../types.ts'
import { bootId } from './identity.ts'
import { type Child, type Claim, type RunExit, readRun } from './run-files.ts'

/** What the process's own record says of its current run: it stands in for run files that somebody has deleted or damaged. */
export interface KnownRun {
  readonly identity: Identity
  readonly startedAtMs: number
}

export interface RunFinding {
  /**
   * `unclaimed`: no keeper has begun it. `void`: none ever will. `claimed`: a keeper has, and no end is written down. `ended`: one is. `rebooted`: no end is
   * written down, and the run belongs to an earlier boot of the machine.
   */
  readonly phase: 'unclaimed' | 'void' | 'claimed' | 'ended' | 'rebooted'
  readonly command: KnownRun | null
  readonly exit: RunExit | null
  /** When it was voided. */
  readonly voidedAtMs: number | null
}

/** @throws what may pass, as EMFILE */
export function lookAtRun(jobDir: string, run: number, known: KnownRun | null): RunFinding {
  const { claim, child, exit } = readRun(jobDir, run)
  const command = commandOf(child, claim, known)
  const voidedAtMs = claim?.kind === 'void' ? claim.atMs : null
  if (exit !== null) return { phase: 'ended', command: exit.outcome.kind === 'launch-failed' ? null : command, exit, voidedAtMs }
  return { phase: phaseOf(claim, command), command, exit, voidedAtMs }
}

function phaseOf(claim: Claim | null, command: KnownRun | null): RunFinding['phase'] {
  // One that was executed was claimed by a keeper before: whoever says otherwise has written it later.
  if (claim?.kind === 'void' && command === null) return 'void'
  const boot = (claim?.kind === 'keeper' ? claim.keeper.boot : command?.identity.boot) ?? ''
  if (boot !== '' && boot !== bootId()) return 'rebooted'
  // Somebody has taken the claim away; what is known to have been executed is not unclaimed for that.
  return claim === null && command === null ? 'unclaimed' : 'claimed'
}

/** A boot that nobody knows is none: nothing with it is ever taken for alive. */
function commandOf(child: Child | null, claim: Claim | null, known: KnownRun | null): KnownRun | null {
  if (child === null) return known
  const boot = child.boot ?? (claim?.kind === 'keeper' ? claim.keeper.boot : (known?.identity.boot ?? ''))
  return { identity: { pid: child.pid, start: child.start, boot }, startedAtMs: child.atMs }
}
