/** What delivers records to somewhere. */
import type { LogRecord } from '../record/contract.ts'

export interface Target {
  /** Where to, for people; secrets are redacted. */
  readonly destination: string
  /**
   * Resolves once all of them are acknowledged. One at a time.
   * @throws Refusal: they will never be; anything else: tried again
   */
  deliver(records: readonly LogRecord[], signal: AbortSignal): Promise<void>
  /** Lets go of files and connections. */
  close(): void
}

/** These records will never be taken. */
export class Refusal extends Error {
  readonly records: number

  constructor(message: string, records: number) {
    super(message)
    this.records = records
  }
}

/** Not now, but maybe later. */
export class Postponed extends Error {
  /** Not before. In ms from now. */
  readonly afterMs: number

  constructor(message: string, afterMs: number) {
    super(message)
    this.afterMs = afterMs
  }
}
