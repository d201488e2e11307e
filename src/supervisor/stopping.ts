/** Waiting for a stop, in bounded time, and saying what is in its way. */
import type { ProcessRef } from '../api.ts'
import { isAlive } from '../effects/run/identity.ts'
import { isProcmanError, ProcmanError } from '../errors.ts'
import { LONGEST_STOP_MS } from '../machines/process/stop.ts'
import type { Identity } from '../types.ts'
import { type ActorSnapshot, until } from './wait.ts'
import type { World } from './world.ts'

/** After SIGKILL of a tree, so long is waited for the kernel to end it. */
export const KILL_PATIENCE_MS = 5_000

/** Resolves once no stop is going on. @throws PROCMAN_TIMEOUT, PROCMAN_STATE_NOT_SAVED: it goes on */
export async function stopOver(world: World, ref: ProcessRef): Promise<void> {
  const { context } = ref.getSnapshot()
  const graceMs = context.stop === null ? 0 : context.stop.killAtMs - context.stop.askedAtMs
  try {
    await until(ref, (now) => !now.matches('stopping'), { timeoutMs: graceMs + KILL_PATIENCE_MS })
  } catch (error) {
    throw explained(world, ref, error)
  }
}

/**
 * Resolves once the process has settled and that is on record.
 * @param graceMs from the stop to SIGKILL. @throws PROCMAN_TIMEOUT: the stop goes on; PROCMAN_STATE_NOT_SAVED: it holds as long as this manager lives
 */
export async function stopped(world: World, ref: ProcessRef, graceMs: number): Promise<ActorSnapshot> {
  try {
    const snapshot = await until(ref, (now) => now.hasTag('settled'), { timeoutMs: Math.min(graceMs, LONGEST_STOP_MS) + KILL_PATIENCE_MS })
    await world.store.saved(ref.id)
    return snapshot
  } catch (error) {
    throw explained(world, ref, error)
  }
}

function explained(world: World, ref: ProcessRef, error: unknown): unknown {
  return isProcmanError(error) && error.code === 'PROCMAN_STATE_NOT_SAVED' ? unsaved(ref, error) : unheard(world, ref, error)
}

function unsaved({ id }: ProcessRef, cause: ProcmanError): ProcmanError {
  const message = `process ${id} is stopped, but that cannot be written down: ${cause.message}. It holds as long as this manager lives`
  return new ProcmanError('PROCMAN_STATE_NOT_SAVED', message, { details: { ...cause.details, id }, cause })
}

/** Where nothing can be looked at (no descriptors left), nobody is told to be gone. */
function mayLive(identity: Identity): boolean {
  try {
    return isAlive(identity)
  } catch {
    return true
  }
}

/** Killed, and not told to be gone: the process may be, and its keeper cannot write that down. */
function unheard(world: World, ref: ProcessRef, error: unknown): unknown {
  const { run, identity } = ref.getSnapshot().context
  if (!isProcmanError(error) || error.code !== 'PROCMAN_TIMEOUT' || identity === null || mayLive(identity)) return error
  const path = world.layout.jobDir(ref.id)
  const why = world.problems.findLast((problem) => problem.id === ref.id)?.message ?? 'is it full or read-only?'
  const message = `process ${ref.id} is gone, but how run ${run} ended cannot be written down in ${path}: ${why}. The stop holds, and is settled as soon as it can be`
  return new ProcmanError('PROCMAN_STATE_NOT_SAVED', message, { details: { id: ref.id, path }, cause: error })
}
