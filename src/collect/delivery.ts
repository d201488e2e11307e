/** Hands records over to a target until they are acknowledged, or refused for good. */
import { messageOf } from './message-of.ts'
import type { LogRecord } from './record/contract.ts'
import { retryDelayMs } from './retry.ts'
import { Postponed, Refusal, type Target } from './targets/target.ts'
import { Wakeups } from './wakeups.ts'

type DeliveryEvent =
  | { readonly type: 'target.failing'; readonly reason: string }
  | { readonly type: 'target.recovered' }
  | { readonly type: 'target.refused'; readonly records: number; readonly reason: string }

export type DeliveryListener = (event: DeliveryEvent) => void

export class Delivery {
  readonly #target: Target
  readonly #tell: DeliveryListener
  readonly #abort = new AbortController()
  readonly #wakeups = new Wakeups()
  #failures = 0
  delivered = 0
  refused = 0
  error: string | null = null
  retryAtMs: number | null = null

  constructor(target: Target, tell: DeliveryListener) {
    this.#target = target
    this.#tell = tell
  }

  get isFailing(): boolean {
    return this.#failures > 0
  }

  get isOver(): boolean {
    return this.#abort.signal.aborted
  }

  /** @returns false: it was ended before */
  async all(records: readonly LogRecord[]): Promise<boolean> {
    while (!this.isOver) {
      try {
        await this.#untilEnd(this.#target.deliver(records, this.#abort.signal))
        this.#succeeded(records.length)
        return true
      } catch (error) {
        if (this.isOver) return false
        if (error instanceof Refusal) {
          this.#succeeded(records.length - error.records)
          this.refused += error.records
          this.#tell({ type: 'target.refused', records: error.records, reason: error.message })
          this.error = `${error.message}; ${error.records} record${error.records === 1 ? ' is' : 's are'} dropped`
          return true
        }
        await this.#postpone(error)
      }
    }
    return false
  }

  /** What is being delivered is given up. */
  end(): void {
    this.#abort.abort()
    this.#wakeups.ring()
    this.#target.close()
  }

  /** A function may never return: then it is left behind. */
  #untilEnd(delivering: Promise<void>): Promise<void> {
    const { signal } = this.#abort
    return new Promise((resolve, reject) => {
      const end = () => reject(new Error('given up'))
      signal.addEventListener('abort', end, { once: true })
      delivering.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
    })
  }

  #succeeded(records: number): void {
    this.delivered += records
    if (this.isFailing) this.#tell({ type: 'target.recovered' })
    this.#failures = 0
    this.error = null
    this.retryAtMs = null
  }

  async #postpone(error: unknown): Promise<void> {
    this.error = messageOf(error)
    if (!this.isFailing) this.#tell({ type: 'target.failing', reason: this.error })
    this.#failures++
    const delayMs = retryDelayMs(this.#failures, Math.random(), error instanceof Postponed ? error.afterMs : 0)
    this.retryAtMs = Date.now() + delayMs
    await this.#wakeups.wait(delayMs)
  }
}
