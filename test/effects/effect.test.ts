import { beforeEach, describe, expect, it } from 'vitest'
import { createActor, createMachine } from 'xstate'
import { defineEffect, type EffectRegistry, type EffectScope, endAllEffects } from '../../src/effects/effect.ts'

type Fact = { readonly type: 'fact'; readonly n: number }
type Command = { readonly type: 'command'; readonly n: number }
type Scope = EffectScope<Command, undefined, Fact>

let errors: unknown[]
let registry: EffectRegistry
beforeEach(() => {
  errors = []
  registry = { live: new Set(), onError: (error) => errors.push(error) }
})

/** A machine that invokes the effect until it is told to leave; it records the facts that it hears. */
function owned(begin: (scope: Scope) => () => void) {
  const heard: number[] = []
  const machine = createMachine({
    initial: 'busy',
    states: {
      busy: {
        invoke: { id: 'effect', src: defineEffect<Command, undefined, Fact>(registry, begin), input: undefined },
        on: { leave: 'left' },
      },
      left: {},
    },
    on: { fact: { actions: ({ event }) => void heard.push(event.n) } },
  })
  const actor = createActor(machine).start()
  const tell = (n: number) => actor.getSnapshot().children.effect?.send({ type: 'command', n })
  return { actor, heard, tell }
}

describe('an effect', () => {
  it('says facts, obeys commands, and is ended once when its state is left', () => {
    let ended = 0
    const { actor, heard, tell } = owned(({ send, onCommand }) => {
      send({ type: 'fact', n: 1 })
      onCommand(({ n }) => send({ type: 'fact', n }))
      return () => {
        ended += 1
      }
    })
    tell(2)
    expect(registry.live.size).toBe(1)
    actor.send({ type: 'leave' })
    actor.stop()
    endAllEffects(registry)
    expect({ heard, ended, live: registry.live.size, errors }).toEqual({ heard: [1, 2], ended: 1, live: 0, errors: [] })
  })

  it('says nothing any more once it is over', () => {
    let say: Scope['send'] = () => {}
    const { actor, heard } = owned(({ send }) => {
      say = send
      return () => {}
    })
    say({ type: 'fact', n: 1 })
    endAllEffects(registry)
    say({ type: 'fact', n: 2 })
    actor.send({ type: 'leave' })
    say({ type: 'fact', n: 3 })
    expect(heard).toEqual([1])
  })

  it('that throws at its start harms nobody and is reported', () => {
    const { actor } = owned(() => {
      throw new Error('no start')
    })
    expect(actor.getSnapshot().status).toBe('active')
    actor.send({ type: 'leave' })
    expect(errors).toEqual([new Error('no start')])
    expect(registry.live.size).toBe(0)
  })

  it('that throws at a command is reported, and goes on', () => {
    const { actor, heard, tell } = owned(({ send, onCommand }) => {
      onCommand(({ n }) => {
        if (n === 1) throw new Error('no command')
        send({ type: 'fact', n })
      })
      return () => {}
    })
    tell(1)
    tell(2)
    expect(actor.getSnapshot().status).toBe('active')
    expect({ heard, errors }).toEqual({ heard: [2], errors: [new Error('no command')] })
  })

  it('that throws at its end does not keep the others from ending', () => {
    const ended: number[] = []
    const effects = [1, 2, 3].map((n) =>
      owned(() => () => {
        if (n === 2) throw new Error('no end')
        ended.push(n)
      }),
    )
    endAllEffects(registry)
    for (const { actor } of effects) actor.stop()
    expect({ ended, errors, live: registry.live.size }).toEqual({ ended: [1, 3], errors: [new Error('no end')], live: 0 })
  })
})
