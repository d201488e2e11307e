/** The library's surface around the reconciler's actor: commands go in as events, reports are gathered from what it emits. */
import type { ActorRefFrom } from 'xstate'
import type { DesiredStateProvider } from '../desired.ts'
import { ProcmanError } from '../errors.ts'
import type { ReconcilerCommand } from '../machines/reconciler/events.ts'
import type { ReconcilerMachine } from '../machines/reconciler/machine.ts'
import { previewOf } from '../machines/reconciler/plan.ts'
import type { ApplyReport, PlanLine } from '../manager/contract.ts'
import { mustBeDuration } from '../timers.ts'
import type { DrainOptions, ReconcileOptions, Reconciler } from './contract.ts'

const DEFAULT_DRAIN_MS = 10_000

export class ReconcilerHandle implements Reconciler {
  readonly actor: ActorRefFrom<ReconcilerMachine>
  readonly #provider: DesiredStateProvider
  readonly #failure: () => unknown

  /** @param failure what the provider has told instead of a list the last time */
  constructor(actor: ActorRefFrom<ReconcilerMachine>, provider: DesiredStateProvider, failure: () => unknown) {
    this.actor = actor
    this.#provider = provider
    this.#failure = failure
  }

  async plan({ startDown = false, replace = false, signal }: ReconcileOptions = {}): Promise<readonly PlanLine[]> {
    await this.#declared(signal)
    return previewOf(this.#book, { startDown, replace })
  }

  async apply({ startDown = false, replace = false, signal }: ReconcileOptions = {}): Promise<ApplyReport> {
    await this.#declared(signal)
    return this.#report({ type: 'reconciler.reconcile', startDown, replace }, signal)
  }

  async refresh({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#mustBeOpen()
    if (this.#provider.refresh === undefined) return this.#declared(signal)
    const told = this.#heard(['reconciler.told', 'reconciler.desired-failed'], signal)
    this.#provider.refresh()
    if ((await told).type === 'reconciler.desired-failed') throw this.#failure()
  }

  async drain({ keep = false, timeoutMs = DEFAULT_DRAIN_MS }: DrainOptions = {}): Promise<ApplyReport> {
    mustBeDuration('timeoutMs', timeoutMs)
    this.#mustBeOpen()
    return this.#report({ type: 'reconciler.drain', keep, killAtMs: Date.now() + timeoutMs })
  }

  close(): void {
    if (this.#isOpen) this.actor.send({ type: 'reconciler.close' })
  }

  /** Resolves once something is declared. */
  async #declared(signal?: AbortSignal): Promise<void> {
    this.#mustBeOpen()
    if (this.#book.declared !== null) return
    const { failure } = this.actor.getSnapshot().context
    if (failure !== null || (await this.#heard(['reconciler.told', 'reconciler.desired-failed'], signal)).type === 'reconciler.desired-failed')
      throw this.#failure()
  }

  async #report(command: ReconcilerCommand, signal?: AbortSignal): Promise<ApplyReport> {
    const lines: PlanLine[] = []
    const failures = new Map<string, ApplyReport['failures'][number]>()
    const listening = [
      this.actor.on('reconciler.planned', (event) => {
        if (lines.length === 0) lines.push(...event.lines)
      }),
      this.actor.on('reconciler.failed', ({ id, message, code }) => failures.set(id, { id, message, code })),
    ]
    try {
      const steady = this.#heard(['reconciler.steady'], signal)
      this.actor.send(command)
      await steady
    } finally {
      for (const each of listening) each.unsubscribe()
    }
    return { lines, warnings: this.#warnings(), failures: [...failures.values()] }
  }

  #warnings(): readonly string[] {
    const { failure, book } = this.actor.getSnapshot().context
    const stale = failure === null ? [] : [`${this.#provider.name}: what was declared before holds, since it cannot be told anew: ${failure.message}`]
    return [...stale, ...[...book.waiting].map(([id, reason]) => `${id} ${reason}`)]
  }

  get #book() {
    return this.actor.getSnapshot().context.book
  }

  get #isOpen(): boolean {
    return this.actor.getSnapshot().status === 'active'
  }

  #mustBeOpen(): void {
    if (!this.#isOpen) throw closed()
  }

  /** The next of these that the actor says. @throws PROCMAN_CLOSED, PROCMAN_ABORTED */
  #heard(types: readonly ('reconciler.steady' | 'reconciler.told' | 'reconciler.desired-failed')[], signal?: AbortSignal): Promise<{ readonly type: string }> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        for (const each of subscriptions) each.unsubscribe()
        signal?.removeEventListener('abort', aborted)
        settle()
      }
      const aborted = () => end(() => reject(new ProcmanError('PROCMAN_ABORTED', 'the caller stopped waiting for the reconciler', { cause: signal?.reason })))
      const subscriptions = [
        ...types.map((type) => this.actor.on(type, (event) => end(() => resolve(event)))),
        this.actor.subscribe({ complete: () => end(() => reject(closed())), error: (error) => end(() => reject(error)) }),
      ]
      if (signal?.aborted) return aborted()
      signal?.addEventListener('abort', aborted)
    })
  }
}

function closed(): ProcmanError {
  return new ProcmanError('PROCMAN_CLOSED', 'the reconciler is closed')
}
