/** Rebuilds a process from its run files alone, when its state was never written or is damaged. */
import { existsSync, lstatSync } from 'node:fs'
import { readIntent } from '../effects/run/intent-file.ts'
import { hasKeeper, isFifoHeld } from '../effects/run/keeper-link.ts'
import { type KnownRun, lookAtRun } from '../effects/run/look.ts'
import { listRunFiles, readClaim, readExit, runFile, runsWith } from '../effects/run/run-files.ts'
import { createdAtIn, tokenOf } from '../effects/run/token.ts'
import { contextOf, nextRun, settledWith } from '../machines/process/context.ts'
import { decodeSpec, type ProcessSnapshot, snapshotOf } from '../persistence/codec.ts'
import type { Found } from '../persistence/state-dir.ts'
import type { ProcessContext } from '../types.ts'

const WHY = {
  empty: 'it had no state file (its manager was killed while it was being started, or somebody deleted it): known from its run files',
  damaged: 'its state file was damaged: rebuilt from its run files',
}

/**
 * A run that may be up is adopted. A first start that was cut off is brought to its end, as any start in flight. Behind a damaged state nothing is started that
 * has not been, and what has ended is not started again, since nobody knows any more whether the user wanted that.
 * @returns null when no run left a readable intent
 */
export function rebuild(stateDir: string, jobDir: string, found: Extract<Found, { kind: 'empty' | 'damaged' }>): ProcessSnapshot | null {
  const rebuilt = fromIntents(jobDir, found)
  // What came after it, and left no intent, is known to whoever reads the state that is written next: so it is now.
  return rebuilt === null ? null : catchUp(stateDir, jobDir, rebuilt)
}

function fromIntents(jobDir: string, { id, kind }: Extract<Found, { kind: 'empty' | 'damaged' }>): ProcessSnapshot | null {
  if (!lstatSync(jobDir, { throwIfNoEntry: false })?.isDirectory()) return null
  for (const run of [...runsWith(jobDir, 'intent')].reverse()) {
    const intent = readIntent(jobDir, run)
    const spec = decodeSpec(intent?.spec, id)
    if (intent === null || spec === null) continue
    const nowMs = Date.now()
    const context = { ...contextOf(spec, createdAtIn(intent.token) ?? nowMs), run, reasons: [{ atMs: nowMs, text: WHY[kind] }] }
    const exit = readExit(jobDir, run)
    if (kind === 'empty') return snapshotOf('starting', context)
    if (exit === null) return withoutLaunch(snapshotOf('starting', context))
    // What it left behind is still being stopped: that is watched to its end.
    const isLeftoverThere = isFifoHeld(jobDir, run, 'alive') || existsSync(runFile(jobDir, run, 'rest'))
    if (isLeftoverThere) return withoutLaunch(snapshotOf('starting', { ...context, cancelled: true }))
    return snapshotOf('exited', { ...context, ...launchOf(jobDir, run), outcome: exit.outcome, endedAtMs: exit.atMs })
  }
  return null
}

/** What has not been executed is not: its run is adopted or voided. */
function withoutLaunch({ value, context, children }: ProcessSnapshot): ProcessSnapshot {
  return { value, context, children: { ...children, run: { id: context.spec.id, run: context.run } } }
}

/**
 * What was begun outranks a snapshot that does not speak of it yet: its manager was killed between the two. A run is begun by its intent; or it was voided, by a
 * stop or a restart that came before the intent was written. There may be numbers between, of runs that could not be written down (a full disk).
 * @returns the snapshot as it would have been written next
 */
export function catchUp(stateDir: string, jobDir: string, snapshot: ProcessSnapshot): ProcessSnapshot {
  const { value, context } = snapshot
  const { id } = context.spec
  const later = listRunFiles(jobDir).filter(({ run }) => run > context.run)
  if (later.length === 0) return snapshot
  const last = (file: 'intent' | 'claim', holds: (run: number) => boolean) => later.findLast((each) => each.file === file && holds(each.run))?.run ?? 0
  const intended = last('intent', (run) => names(readIntent(jobDir, run)?.token, tokenOf(stateDir, id, run, context.createdAtMs)))
  const voided = last('claim', (run) => readClaim(jobDir, run)?.kind === 'void')
  const run = Math.max(intended, voided)
  // No run is begun while the one before it is up: such files are not ours.
  if (run === 0 || isUp(jobDir, context)) return snapshot
  const isVoid = voided > intended
  const ended = afterRecordedEnd(jobDir, snapshot)
  // What was begun is what its intent says: declared anew, maybe, since the snapshot.
  const begun = intended === 0 ? null : decodeSpec(readIntent(jobDir, intended)?.spec, id)
  const declared = { ...ended, spec: begun ?? ended.spec }
  const next = { ...declared, ...nextRun(declared, { type: 'deadline.passed', atMs: 0 }), run, cancelled: isVoid && context.cancelled }
  if (isVoid && isAtRest(value)) return snapshotOf('exited', { ...next, ...endOfVoid(jobDir, run), cancelled: true })
  return snapshotOf('starting', next)
}

/** The run before it has ended meanwhile: what the machine made of that is made of it again, so that its restarts are counted. */
function afterRecordedEnd(jobDir: string, { value, context }: ProcessSnapshot): ProcessContext {
  const exit = isAtRest(value) || value === 'backoff' ? null : readExit(jobDir, context.run)
  if (exit === null) return context
  return { ...context, ...settledWith(context, { type: 'run.ended', run: context.run, outcome: exit.outcome, atMs: exit.atMs, nowMs: exit.atMs }) }
}

/** Nothing was up, and nothing is: an answered stop stays one. */
function isAtRest(value: ProcessSnapshot['value']): boolean {
  return value === 'pending' || value === 'exited' || value === 'orphaned'
}

function endOfVoid(jobDir: string, run: number): Partial<ProcessContext> {
  const claim = readClaim(jobDir, run)
  return { outcome: { kind: 'not-started' }, endedAtMs: claim?.kind === 'void' ? claim.atMs : null }
}

/** The directory may have another path now: what counts is the process and the run. */
function names(token: string | undefined, expected: string): boolean {
  return token?.slice(token.indexOf('.')) === expected.slice(expected.indexOf('.'))
}

function isUp(jobDir: string, context: ProcessContext): boolean {
  return context.run > 0 && lookAtRun(jobDir, context.run, knownRunOf(context)).phase === 'claimed' && hasKeeper(jobDir, context.run)
}

function launchOf(jobDir: string, run: number): Partial<ProcessContext> {
  const { command } = lookAtRun(jobDir, run, null)
  return command === null ? {} : { startedAtMs: command.startedAtMs, identity: command.identity }
}

/** What a record says of its current run: it stands in for run files that are gone. */
export function knownRunOf({ identity, startedAtMs }: ProcessContext): KnownRun | null {
  return identity === null || startedAtMs === null ? null : { identity, startedAtMs }
}
