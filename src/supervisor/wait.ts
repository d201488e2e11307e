/** Waiting for a process actor to come to a state, bounded by what the caller asks. */
import type { SnapshotFrom } from 'xstate'
import type { ProcessRef, WaitOptions } from '../api.ts'
import { ProcmanError } from '../errors.ts'
import type { ProcessMachine } from '../machines/process/machine.ts'

export type ActorSnapshot = SnapshotFrom<ProcessMachine>

/** @throws PROCMAN_TIMEOUT, PROCMAN_ABORTED, PROCMAN_PROCESS_DAMAGED when the actor failed, PROCMAN_CLOSED when it was let go */
export function until(ref: ProcessRef, holds: (snapshot: ActorSnapshot) => boolean, { timeoutMs, signal }: WaitOptions = {}): Promise<ActorSnapshot> {
  return new Promise((resolve, reject) => {
    const now = ref.getSnapshot()
    if (holds(now)) return resolve(now)
    const refuse = (code: ConstructorParameters<typeof ProcmanError>[0], message: string) => {
      finish()
      reject(new ProcmanError(code, message, { details: { id: ref.id } }))
    }
    const aborted = () => refuse('PROCMAN_ABORTED', `the caller stopped waiting for process ${ref.id}`)
    const subscription = ref.subscribe({
      next: (snapshot) => {
        if (!holds(snapshot)) return
        finish()
        resolve(snapshot)
      },
      error: (error) =>
        refuse('PROCMAN_PROCESS_DAMAGED', `the actor of process ${ref.id} has failed: ${error instanceof Error ? error.message : String(error)}`),
      complete: () => refuse('PROCMAN_CLOSED', `process ${ref.id} was let go while it was waited for`),
    })
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => refuse('PROCMAN_TIMEOUT', `process ${ref.id} is still ${String(ref.getSnapshot().value)} after ${timeoutMs} ms`), timeoutMs)
    const finish = () => {
      subscription.unsubscribe()
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
    }
    if (signal?.aborted) return aborted()
    signal?.addEventListener('abort', aborted, { once: true })
  })
}
