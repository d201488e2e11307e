/** Hands records over to a target until they are acknowledged, or refused for good. */
import type { LogRecord } from './record/contract.ts'
import { retryDelayMs } from './retry.ts'
import { Postponed, Refusal, type Target } from './targets/target.ts'
import { Wakeups } from './wakeups.ts'

export class Delivery {
  readonly #target: Target
  readonly #abort = new AbortController()
  readonly #wakeups = new Wakeups()
  #failures = 0
  delivered = 0
  refused = 0
  error: string | null = null
  retryAtMs: number | null = null

  constructor(target: Target) {
    this.#target = target
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
        await this.#target.deliver(records, this.#abort.signal)
        this.#succeeded(records.length)
        return true
      } catch (error) {
        if (this.isOver) return false
        if (error instanceof Refusal) {
          this.#succeeded(records.length - error.records)
          this.refused += error.records
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

  #succeeded(records: number): void {
    this.delivered += records
    this.#failures = 0
    this.error = null
    this.retryAtMs = null
  }

  async #postpone(error: unknown): Promise<void> {
    this.#failures++
    this.error = messageOf(error)
    const delayMs = retryDelayMs(this.#failures, Math.random(), error instanceof Postponed ? error.afterMs : 0)
    this.retryAtMs = Date.now() + delayMs
    await this.#wakeups.wait(delayMs)
  }
}

/** Also what is wrapped: `fetch failed` alone helps nobody. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  const text = error.message === '' ? (code ?? error.name) : error.message
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return text
}
