/** The effect that listens to a provider. A list that is wrong counts as one that cannot be told. */
import type { DesiredStateProvider } from '../desired.ts'
import { defineEffect, type EffectRegistry } from '../effects/effect.ts'
import type { ReconcilerFact } from '../machines/reconciler/events.ts'
import { readDeclared } from './declared.ts'
import { failureOf } from './executor.ts'

/** @param onFailure with the error as it came */
export function watchProvider(registry: EffectRegistry, provider: DesiredStateProvider, origin: string, onFailure: (error: unknown) => void) {
  return defineEffect<{ type: 'none' }, undefined, ReconcilerFact>(registry, ({ send }) => {
    const fail = (error: unknown) => {
      onFailure(error)
      send({ type: 'desired.failed', ...failureOf(error) })
    }
    try {
      return provider.watch({
        next: (processes, { disabled = [] } = {}) => {
          try {
            send({ type: 'desired.given', declared: readDeclared(processes, origin), disabled })
          } catch (error) {
            fail(error)
          }
        },
        error: fail,
      })
    } catch (error) {
      fail(error)
      return () => {}
    }
  })
}
