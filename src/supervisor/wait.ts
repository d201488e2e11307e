/** Waiting for a process actor to come to a state, bounded by what the caller asks. */
import type { SnapshotFrom, Subscription } from 'xstate'
import type { ProcessRef, WaitOptions } from '../api.ts'
import { ProcmanError, type ProcmanErrorCode } from '../errors.ts'
import type { ProcessMachine } from '../machines/process/machine.ts'
import { callAfter } from '../timers.ts'

export type ActorSnapshot = SnapshotFrom<ProcessMachine>

/** @throws PROCMAN_TIMEOUT, PROCMAN_ABORTED, PROCMAN_PROCESS_DAMAGED when the actor failed, PROCMAN_CLOSED when it was let go, before or while it is waited for */
export function until(
  ref: ProcessRef,
  holds: (snapshot: ActorSnapshot) => boolean,
  { timeoutMs, signal }: WaitOptions = {},
  describe: (snapshot: ActorSnapshot, timeoutMs: number) => string = describeState,
): Promise<ActorSnapshot> {
  return new Promise((resolve, reject) => {
    const fail = (error: ProcmanError) => {
      finish()
      reject(error)
    }
    const refuse = (code: ProcmanErrorCode, message: string) => fail(new ProcmanError(code, message, { details: { id: ref.id } }))
    const aborted = () => refuse('PROCMAN_ABORTED', `the caller stopped waiting for process ${ref.id}`)
    const failed = (error: unknown) => fail(damaged(ref.id, error))
    const released = () => refuse('PROCMAN_CLOSED', `process ${ref.id} was let go while it was waited for`)
    let subscription: Subscription | undefined
    let stopTimer: (() => void) | undefined
    const finish = () => {
      subscription?.unsubscribe()
      stopTimer?.()
      signal?.removeEventListener('abort', aborted)
    }
    const now = ref.getSnapshot()
    if (holds(now)) return resolve(now)
    if (signal?.aborted) return aborted()
    // XState tells nothing to one who subscribes to an actor that was stopped.
    if (now.status === 'error') return failed(now.error)
    if (now.status !== 'active') return released()
    subscription = ref.subscribe({
      next: (snapshot) => {
        if (!holds(snapshot)) return
        finish()
        resolve(snapshot)
      },
      error: failed,
      complete: released,
    })
    if (timeoutMs !== undefined) stopTimer = callAfter(timeoutMs, () => refuse('PROCMAN_TIMEOUT', describe(ref.getSnapshot(), timeoutMs)))
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

function describeState({ value, context }: ActorSnapshot, timeoutMs: number): string {
  return `process ${context.spec.id} is still ${value} after ${timeoutMs} ms`
}

/** The actor of a process has failed. What it had running goes on, and the next manager takes it over. */
export function damaged(id: string, cause: unknown): ProcmanError {
  return new ProcmanError('PROCMAN_PROCESS_DAMAGED', `the actor of process ${id} has failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
    details: { id },
    cause,
  })
}
