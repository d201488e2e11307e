/** The effect that tells what becomes of the processes: all of them at first, then those of which something has changed that matters to the reconciler. */
import type { Subscription } from 'xstate'
import type { Supervisor } from '../api.ts'
import { defineEffect, type EffectRegistry } from '../effects/effect.ts'
import type { ReconcilerFact } from '../machines/reconciler/events.ts'
import { type Actual, isSame } from '../machines/reconciler/facts.ts'
import { look } from './look.ts'

export function watchProcesses(registry: EffectRegistry, supervisor: Supervisor) {
  return defineEffect<{ type: 'none' }, undefined, ReconcilerFact>(registry, ({ send }) => {
    const watch = new Watch(supervisor, (changes) => send({ type: 'processes.changed', changes }))
    return () => watch.end()
  })
}

type Changes = readonly { readonly id: string; readonly actual: Actual | null }[]

class Watch {
  readonly #supervisor: Supervisor
  readonly #tell: (changes: Changes) => void
  readonly #known = new Map<string, { readonly subscription: Subscription; told: Actual | null }>()
  readonly #arrivals: Subscription
  readonly #changed = new Set<string>()
  #isOver = false
  #isScanning = false

  constructor(supervisor: Supervisor, tell: (changes: Changes) => void) {
    this.#supervisor = supervisor
    this.#tell = tell
    this.#arrivals = supervisor.table.subscribe(() => this.#scanSoon())
    this.#scan()
    this.#flush()
  }

  end(): void {
    this.#isOver = true
    this.#arrivals.unsubscribe()
    for (const { subscription } of this.#known.values()) subscription.unsubscribe()
    this.#known.clear()
  }

  /** Once for all that come and go in this turn of the loop. */
  #scanSoon(): void {
    if (this.#isScanning) return
    this.#isScanning = true
    setImmediate(() => {
      this.#isScanning = false
      if (this.#isOver) return
      this.#scan()
      this.#flush()
    })
  }

  #scan(): void {
    const { processes } = this.#supervisor.table.getSnapshot().context
    for (const [id, { subscription }] of this.#known) {
      if (processes.has(id)) continue
      subscription.unsubscribe()
      this.#known.delete(id)
      this.#changed.add(id)
    }
    for (const [id, atom] of processes) {
      if (this.#known.has(id)) continue
      this.#known.set(id, { subscription: atom.subscribe(() => this.#changedSoon(id)), told: null })
      this.#changed.add(id)
    }
  }

  /** Not at once: who tells of a change is in the middle of it. */
  #changedSoon(id: string): void {
    if (this.#changed.size === 0) queueMicrotask(() => this.#flush())
    this.#changed.add(id)
  }

  #flush(): void {
    if (this.#isOver) return
    const ids = [...this.#changed]
    this.#changed.clear()
    const changes = ids.flatMap((id) => this.#changeOf(id))
    if (changes.length > 0) this.#tell(changes)
  }

  #changeOf(id: string): Changes {
    const known = this.#known.get(id)
    const actual = look(this.#supervisor, id)
    if (known === undefined) return actual === null ? [{ id, actual }] : []
    if (actual !== null && known.told !== null && actual.spec === known.told.spec && isSame(actual.record, known.told.record)) return []
    known.told = actual
    return [{ id, actual }]
  }
}
