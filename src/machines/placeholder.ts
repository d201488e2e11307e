/** Machines declare their effects as placeholders; `src/supervisor.ts` provides the real ones, tests provide fakes. */
import { type EventObject, fromCallback } from 'xstate'

export function placeholder<Event extends EventObject, Input>(name: string) {
  return fromCallback<Event, Input>(() => {
    throw new Error(`internal: the effect "${name}" was not provided to the machine`)
  })
}
