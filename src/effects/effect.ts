/**
 * The one wrapper around XState's `fromCallback`. XState neither disposes a callback whose owner failed nor one whose `receive` threw, and it kills the
 * parents of one that throws; here a start or a command that throws is reported, disposal happens exactly once, and late sends are dropped.
 */
import { type EventObject, fromCallback } from 'xstate'

export interface EffectScope<Command, Input, Fact> {
  readonly input: Input
  /** Says a fact to the machine that invoked the effect; nothing once the effect is over. */
  send(fact: Fact): void
  onCommand(listener: (command: Command) => void): void
}

/** Knows every effect that is going on, so that all can be ended when their owner cannot do it any more. */
export interface EffectRegistry {
  readonly live: Set<() => void>
  /** Called with what an effect threw: a bug, or misuse. */
  onError(error: unknown): void
}

export function defineEffect<Command extends EventObject, Input, Fact extends EventObject>(
  registry: EffectRegistry,
  begin: (scope: EffectScope<Command, Input, Fact>) => () => void,
) {
  return fromCallback<Command, Input>(({ input, sendBack, receive }) => {
    let isOver = false
    let end: (() => void) | undefined
    const guarded = (action: () => void) => {
      try {
        action()
      } catch (error) {
        registry.onError(error)
      }
    }
    const dispose = () => {
      if (isOver) return
      isOver = true
      registry.live.delete(dispose)
      guarded(() => end?.())
    }
    registry.live.add(dispose)
    guarded(() => {
      end = begin({
        input,
        send: (fact) => {
          if (!isOver) sendBack(fact)
        },
        onCommand: (listener) => receive((command) => guarded(() => listener(command))),
      })
    })
    if (isOver) guarded(() => end?.())
    return dispose
  })
}

/** Ends every effect at once, without a word to their owners. */
export function endAllEffects(registry: EffectRegistry): void {
  for (const dispose of [...registry.live]) dispose()
}
