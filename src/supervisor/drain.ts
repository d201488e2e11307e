/** Waiting for everything to be stopped. */
import type { ActorRefFrom } from 'xstate'
import type { ProcessRef } from '../api.ts'
import type { SupervisorMachine } from '../machines/supervisor/machine.ts'
import { callAfter } from '../timers.ts'

/** Resolves once all is stopped, or the time is over. @returns the ids of those that are still alive */
export function drained(actor: ActorRefFrom<SupervisorMachine>, refs: ReadonlyMap<string, ProcessRef>, timeoutMs: number): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const finish = () => {
      stopTimer()
      subscription.unsubscribe()
      resolve([...refs.values()].flatMap((ref) => (ref.getSnapshot().hasTag('alive') ? [ref.id] : [])))
    }
    const stopTimer = callAfter(timeoutMs, finish)
    const subscription = actor.subscribe((snapshot) => {
      if (snapshot.matches('drained')) finish()
    })
    if (actor.getSnapshot().matches('drained')) finish()
  })
}
