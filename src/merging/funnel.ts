/** What comes to several logs, as it comes. */
import type { LogLines } from '../api.ts'
import { arrivalOf, type NamedLine, type OnError } from './named-line.ts'

interface Waiting {
  readonly line: NamedLine
  readonly taken: () => void
}

/** Of each log one line waits to be taken, and no more is read of it until then. */
export class Funnel {
  readonly #fail: OnError
  readonly #logs: LogLines[] = []
  readonly #pumps = new Set<Promise<void>>()
  #waiting: Waiting[] = []
  #failure: { readonly error: unknown } | null = null
  #isClosed = false
  #ring: () => void = () => undefined

  constructor(fail: OnError) {
    this.#fail = fail
  }

  add(id: string, open: () => LogLines): void {
    const pump: Promise<void> = this.#pump(id, open)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#pumps.delete(pump)
        this.#ring()
      })
    this.#pumps.add(pump)
  }

  async *lines(): AsyncGenerator<NamedLine, void, undefined> {
    for (;;) {
      const waiting = this.#waiting.sort((one, other) => compare(arrivalOf(one.line), arrivalOf(other.line)))
      this.#waiting = []
      for (const { line, taken } of waiting) {
        yield line
        taken()
      }
      if (this.#failure !== null) throw this.#failure.error
      if (waiting.length > 0 || this.#waiting.length > 0) continue
      if (this.#pumps.size === 0) return
      await new Promise<void>((resolve) => {
        this.#ring = resolve
      })
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const { taken } of this.#waiting) taken()
    await Promise.all(this.#logs.map((lines) => lines.return?.()))
  }

  async #pump(id: string, open: () => LogLines): Promise<void> {
    try {
      const lines = open()
      this.#logs.push(lines)
      for await (const line of lines) {
        if (this.#isClosed) return
        await new Promise<void>((taken) => {
          this.#waiting.push({ line: { ...line, id }, taken })
          this.#ring()
        })
      }
    } catch (error) {
      this.#fail(id, error)
    }
  }
}

function compare(one: number, other: number): number {
  return one < other ? -1 : Number(one > other)
}
