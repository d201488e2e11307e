/** Tells when the process has been ready for as long as was asked for, once for each time that this is asked. */
import type { HealthView } from './ports.ts'
import type { Part, UpRun } from './up-run.ts'

export class SteadyTimer implements Part {
  readonly #up: Pick<UpRun, 'run' | 'tell' | 'after' | 'nowMs'>
  /** What is waited for, or was told already; null: nothing is asked for. */
  #dueAtMs: number | null = null
  #stopWaiting: (() => void) | undefined

  constructor(up: Pick<UpRun, 'run' | 'tell' | 'after' | 'nowMs'>) {
    this.#up = up
  }

  review({ readyAtMs, steadyAfterMs }: HealthView): void {
    const dueAtMs = readyAtMs === null || steadyAfterMs === null ? null : readyAtMs + steadyAfterMs
    if (dueAtMs === this.#dueAtMs) return
    this.close()
    this.#dueAtMs = dueAtMs
    if (dueAtMs === null || steadyAfterMs === null) return
    const waitMs = Math.min(Math.max(0, dueAtMs - this.#up.nowMs()), steadyAfterMs)
    this.#stopWaiting = this.#up.after(waitMs, () => this.#up.tell({ type: 'run.steadied', run: this.#up.run, afterMs: steadyAfterMs, atMs: this.#up.nowMs() }))
  }

  close(): void {
    this.#stopWaiting?.()
  }
}
