/** Tells, once, that a run was not ready in time. */
import type { HealthView } from './ports.ts'
import type { Part, UpRun } from './up-run.ts'

export class StartupTimer implements Part {
  readonly #up: UpRun
  /** By the monotonic clock. */
  readonly #dueAtMs: number
  readonly #hasAsked: (view: HealthView) => boolean
  #stopWaiting: (() => void) | undefined
  #isDone = false

  /** @param hasAsked whether all that readiness hangs on was asked by this manager: before it came, maybe nobody did */
  constructor(up: UpRun, hasAsked: (view: HealthView) => boolean) {
    this.#up = up
    const { startupTimeoutMs } = up.spec
    this.#dueAtMs = performance.now() + Math.min(up.startedAtMs + startupTimeoutMs - up.nowMs(), startupTimeoutMs)
    this.#hasAsked = hasAsked
  }

  review(view: HealthView): void {
    if (view.readyAtMs !== null || view.hasBeenReady) return this.close()
    if (this.#isDone || this.#stopWaiting !== undefined) return
    const leftMs = this.#dueAtMs - performance.now()
    if (leftMs > 0) this.#stopWaiting = this.#up.after(leftMs, () => this.#passed())
    else if (this.#hasAsked(view)) this.#stopWaiting = this.#up.after(0, () => this.#tell())
  }

  close(): void {
    this.#isDone = true
    this.#stopWaiting?.()
  }

  #passed(): void {
    this.#stopWaiting = undefined
    this.#up.review()
  }

  #tell(): void {
    this.#isDone = true
    this.#up.tell({ type: 'startup.timed-out', run: this.#up.run, atMs: this.#up.nowMs() })
  }
}
