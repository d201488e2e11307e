/** The effect that the machine invokes, beside `run`, in every state in which a run may be up and is not being stopped. */
import { defineEffect, type EffectRegistry } from '../effect.ts'
import type { HealthCommand, HealthFact, HealthInput } from './contract.ts'
import type { HealthWatches } from './health-watches.ts'

export function probeHealth(registry: EffectRegistry, watches: HealthWatches) {
  return defineEffect<HealthCommand, HealthInput, HealthFact>(registry, ({ input, send, onCommand }) => {
    onCommand(() => watches.renew(input))
    return watches.attend(input, send)
  })
}
