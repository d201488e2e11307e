/** Composes the reconciler's machine with a supervisor and a provider: whatever is declared is brought about. */
import { resolve } from 'node:path'
import { createActor } from 'xstate'
import type { DesiredStateProvider } from './desired.ts'
import { waitUntil } from './effects/deadline/wait-until.ts'
import type { EffectRegistry } from './effects/effect.ts'
import { ProcmanError } from './errors.ts'
import { reconcilerMachine } from './machines/reconciler/machine.ts'
import { originsOf, planOf } from './machines/reconciler/plan.ts'
import type { PlanLine } from './manager/contract.ts'
import type { PlanOptions, Reconciler, ReconcilerOptions } from './reconciler/contract.ts'
import { inputOf, mustBeOrigin, readDeclared } from './reconciler/declared.ts'
import { carryOutSteps } from './reconciler/executor.ts'
import { ReconcilerHandle } from './reconciler/handle.ts'
import { watchProcesses } from './reconciler/watch-processes.ts'
import { watchProvider } from './reconciler/watch-provider.ts'

export type { DrainOptions, PlanOptions, ReconcileOptions, Reconciler, ReconcilerOptions } from './reconciler/contract.ts'

/**
 * Nothing is done before the first `apply`.
 * @throws PROCMAN_INVALID_ARGUMENT
 */
export function createReconciler({ supervisor, provider, origin = process.cwd(), signal }: ReconcilerOptions): Reconciler {
  mustBeOrigin(origin)
  mustBeProvider(provider)
  const place = resolve(origin)
  const registry: EffectRegistry = { live: new Set(), onError: (error) => process.emitWarning(error instanceof Error ? error : String(error)) }
  let failure: unknown = null
  const actor = createActor(
    reconcilerMachine.provide({
      actors: {
        processes: watchProcesses(registry, supervisor),
        executor: carryOutSteps(registry, supervisor, inputOf),
        provider: watchProvider(registry, provider, place, (error) => {
          failure = error
        }),
        waitUntil: waitUntil(registry, { nowMs: Date.now }),
      },
    }),
    { input: { origin: place } },
  )
  actor.start()
  const reconciler = new ReconcilerHandle(actor, provider, () => failure)
  if (signal?.aborted) reconciler.close()
  else signal?.addEventListener('abort', () => reconciler.close(), { once: true })
  return reconciler
}

function mustBeProvider(provider: DesiredStateProvider): void {
  if (typeof provider === 'object' && provider !== null && typeof provider.watch === 'function') return
  throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', 'provider must have a method watch(observer): see fromList, fromFunction, fromAsyncIterable')
}

/** What `apply` of a reconciler would do, without one, and without a manager. @throws PROCMAN_INVALID_SPEC, PROCMAN_INVALID_ARGUMENT */
export function planProcesses({
  processes,
  actual,
  origin = process.cwd(),
  disabled = [],
  startDown = false,
  replace = false,
}: PlanOptions): readonly PlanLine[] {
  mustBeOrigin(origin)
  const place = resolve(origin)
  return planOf({ origin: place, declared: readDeclared(processes, place), disabled, actual, startDown, replaced: replace ? originsOf(actual) : [] })
}
