/** Waits for what, beside probes, makes the run ready: a line of its output, a newline on a descriptor, or some time. Tells it once. */
import type { ReadySpec } from '../../types.ts'
import { onLogLine } from './log-line.ts'
import { onNotified } from './notify.ts'
import type { HealthView } from './ports.ts'
import type { Part, SignalListener, UpRun } from './up-run.ts'

const TROUBLE_PAUSE_MS = 1_000

export class ReadySignal implements Part {
  readonly #up: UpRun
  readonly #ready: ReadySpec
  #stopWaiting: (() => void) | undefined
  #hasLooked = false
  #isDone = false

  constructor(up: UpRun, ready: ReadySpec) {
    this.#up = up
    this.#ready = ready
  }

  /** If it had come before this manager, it would be known. */
  get hasLooked(): boolean {
    return this.#hasLooked || this.#isDone
  }

  review(view: HealthView): void {
    if (view.signalledAtMs !== null) return this.close()
    if (!this.#isDone && this.#stopWaiting === undefined) this.#begin()
  }

  close(): void {
    this.#isDone = true
    this.#stopWaiting?.()
  }

  #begin(): void {
    this.#stopWaiting = this.#listen({
      came: (atMs) => this.#came(atMs),
      looked: () => this.#looked(),
      failed: (error) => this.#failed(error),
    })
  }

  #listen(listener: SignalListener): () => void {
    const { jobDir, run, startedAtMs } = this.#up
    switch (this.#ready.kind) {
      case 'log-line':
        return onLogLine({ jobDir, run }, this.#ready, listener, this.#up.nowMs)
      case 'notify':
        return onNotified({ jobDir, run }, listener)
      case 'delay': {
        const { delayMs } = this.#ready
        const leftMs = Math.min(startedAtMs + delayMs - this.#up.nowMs(), delayMs)
        this.#hasLooked = leftMs > 0
        return this.#up.after(Math.max(0, leftMs), () => listener.came(startedAtMs + delayMs))
      }
    }
  }

  #came(atMs: number): void {
    this.close()
    this.#up.tell({ type: 'ready.signalled', run: this.#up.run, atMs })
  }

  #looked(): void {
    this.#hasLooked = true
    this.#up.review()
  }

  #failed(error: unknown): void {
    this.#up.trouble(error)
    this.#stopWaiting = this.#up.after(TROUBLE_PAUSE_MS, () => this.#begin())
    this.#looked()
  }
}
