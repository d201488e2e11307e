/** Beginning a run on a user's command, and telling what came of it. */
import type { ProcessRef } from '../api.ts'
import { ProcmanError, type ProcmanErrorCode } from '../errors.ts'
import { isOpen } from '../machines/process/breaker.ts'
import { describeFailure } from '../machines/process/describe.ts'
import type { ProcessCommand } from '../machines/process/events.ts'
import { formatSpan } from '../machines/process/span.ts'
import type { Outcome } from '../types.ts'
import { stopOver } from './stopping.ts'
import { type ActorSnapshot, until } from './wait.ts'
import type { World } from './world.ts'

/** Sends the command that begins a run, and resolves once that run is launched and on record. @throws PROCMAN_LAUNCH_FAILED, PROCMAN_WRONG_STATE, what `stopOver` throws */
export async function launchRun(world: World, ref: ProcessRef, command: ProcessCommand): Promise<void> {
  const before = ref.getSnapshot().context.run
  ref.send(command)
  // Watched from here on, so that no launch that comes later is taken for this one; bounded as long as something is being stopped for it.
  const launched = until(ref, (now) => isLaunchOver(now, before))
  const snapshot = await Promise.race([launched, stopOver(world, ref).then(() => launched)])
  await world.store.saved(ref.id)
  const { context } = snapshot
  // A stop that came meanwhile wins, also when the command was just up.
  if (context.run <= before || context.cancelled) throw wrongState(command.type.slice('process.'.length), ref.id, snapshot.value, 'it was stopped meanwhile')
  if (context.identity !== null) return
  const why = context.outcome === null ? 'it was stopped before it was up' : describeFailure(context.outcome, context.spec.command, context.spec.cwd)
  const { outcome } = context
  const failure = outcome?.kind === 'launch-failed' ? { step: outcome.step, errno: outcome.errno } : {}
  throw new ProcmanError(codeOf(outcome), why ?? 'it was not launched', { details: { id: ref.id, command: context.spec.command, ...failure } })
}

function codeOf(outcome: Outcome | null): ProcmanErrorCode {
  if (outcome?.kind !== 'launch-failed') return 'PROCMAN_LAUNCH_FAILED'
  if (outcome.step === 'port') return 'PROCMAN_PORT_UNAVAILABLE'
  return outcome.step === 'template' ? 'PROCMAN_INVALID_SPEC' : 'PROCMAN_LAUNCH_FAILED'
}

function isLaunchOver(snapshot: ActorSnapshot, before: number): boolean {
  const { context } = snapshot
  // A restart came meanwhile: what counts is the run that it begins.
  if (context.stop?.purpose === 'restart' && !context.cancelled) return false
  if (context.run > before && (context.identity !== null || context.outcome !== null)) return true
  return snapshot.hasTag('settled') && context.cancelled
}

export function wrongState(command: string, id: string, state: string, advice?: string): ProcmanError {
  return new ProcmanError('PROCMAN_WRONG_STATE', `process ${id} is ${state}: ${command} is refused in this state${advice === undefined ? '' : `; ${advice}`}`, {
    details: { id, state, command },
  })
}

/** Only its circuit breaker is in the way of the next run. */
export function isHeldBack(snapshot: ActorSnapshot): boolean {
  return snapshot.matches('backoff') && isOpen(snapshot.context.breaker, Date.now())
}

export function breakerOpen({ context }: ActorSnapshot): ProcmanError {
  const { id } = context.spec
  const untilMs = context.breaker?.openUntilMs ?? 0
  const message = `the circuit breaker of process ${id} is open for another ${formatSpan(Math.max(0, untilMs - Date.now()))}: restart it with force, or reset it`
  return new ProcmanError('PROCMAN_BREAKER_OPEN', message, { details: { id, openUntilMs: untilMs } })
}
