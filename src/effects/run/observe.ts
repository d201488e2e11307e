/** What can be seen of a run from outside, as the facts that its watch would tell. Changes nothing, holds nothing. */
import { existsSync } from 'node:fs'
import type { RunFact } from './contract.ts'
import { hasKeeper, isFifoHeld } from './keeper-link.ts'
import { type KnownRun, lookAtRun } from './look.ts'
import { isOrphanAlive } from './orphan.ts'
import { readExit, runFile } from './run-files.ts'

export interface ObservedRun {
  readonly jobDir: string
  readonly run: number
  readonly token: string
  /** See `lookAtRun`. */
  readonly known: KnownRun | null
}

/** @returns nothing for a run that nobody has claimed yet */
export function observeRun({ jobDir, run, token, known }: ObservedRun, nowMs: number): readonly RunFact[] {
  const { phase, command, exit, voidedAtMs } = lookAtRun(jobDir, run, known)
  const launched: readonly RunFact[] = command === null ? [] : [{ type: 'run.launched', run, identity: command.identity, atMs: command.startedAtMs }]
  const unknown = (reason: string): RunFact => ({ type: 'run.ended', run, outcome: { kind: 'unknown', reason }, atMs: nowMs, nowMs })
  switch (phase) {
    case 'unclaimed':
      return []
    case 'void':
      return [{ type: 'run.ended', run, outcome: { kind: 'not-started' }, atMs: voidedAtMs ?? nowMs, nowMs }]
    case 'rebooted':
      return [...launched, unknown('the machine was rebooted')]
    case 'ended': {
      if (exit === null) return launched
      // In this order: `rest` is made before `alive` is let go, so as long as `alive` is held it may still come. One that nobody holds is that of a keeper that
      // was killed over it: the next manager looks for what is left.
      const isLeftoverThere = isFifoHeld(jobDir, run, 'alive') || existsSync(runFile(jobDir, run, 'rest'))
      return [...launched, { type: isLeftoverThere ? 'run.exited' : 'run.ended', run, outcome: exit.outcome, atMs: exit.atMs, nowMs }]
    }
    case 'claimed': {
      if (hasKeeper(jobDir, run)) return launched
      const late = readExit(jobDir, run)
      if (late !== null) return [...launched, { type: 'run.ended', run, outcome: late.outcome, atMs: late.atMs, nowMs }]
      if (command !== null && isOrphanAlive({ identity: command.identity, token, jobDir })) return [...launched, { type: 'run.keeper-lost', run, atMs: nowMs }]
      return [...launched, unknown('the keeper was killed')]
    }
  }
}
