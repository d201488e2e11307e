/** What the run files say of a run right now, as the facts that its watch would tell. Changes nothing, holds nothing. */
import type { RunFact } from './contract.ts'
import { bootId, isAlive } from './identity.ts'
import { hasKeeper, isFifoHeld } from './keeper-link.ts'
import { readChild, readClaim, readExit } from './run-files.ts'

/** @returns nothing for a run that nobody has claimed yet */
export function observeRun(jobDir: string, run: number, nowMs: number): readonly RunFact[] {
  const exit = readExit(jobDir, run)
  const claim = exit === null ? readClaim(jobDir, run) : null
  const child = readChild(jobDir, run)
  const identity = child === null ? null : { pid: child.pid, start: child.start, boot: bootId() }
  const launched: readonly RunFact[] =
    child === null || identity === null || exit?.outcome.kind === 'launch-failed' ? [] : [{ type: 'run.launched', run, identity, atMs: child.atMs }]
  if (exit !== null) {
    // In this order: `rest` is made before `alive` is let go, so as long as `alive` is held it may still come.
    const isLeftoverThere = isFifoHeld(jobDir, run, 'alive') || isFifoHeld(jobDir, run, 'rest')
    return [...launched, { type: isLeftoverThere ? 'run.exited' : 'run.ended', run, outcome: exit.outcome, atMs: exit.atMs, nowMs }]
  }
  if (claim === null) return []
  const ended = (reason: string): RunFact => ({ type: 'run.ended', run, outcome: { kind: 'unknown', reason }, atMs: nowMs, nowMs })
  if (claim.kind === 'void') return [{ type: 'run.ended', run, outcome: { kind: 'not-started' }, atMs: nowMs, nowMs }]
  if (claim.kind === 'keeper' && claim.keeper.boot !== bootId()) return [...launched, ended('the machine was rebooted')]
  if (hasKeeper(jobDir, run)) return launched
  const late = readExit(jobDir, run)
  if (late !== null) return [...launched, { type: 'run.ended', run, outcome: late.outcome, atMs: late.atMs, nowMs }]
  if (identity !== null && isAlive(identity)) return [...launched, { type: 'run.keeper-lost', run, atMs: nowMs }]
  return [...launched, ended('the keeper was killed')]
}
