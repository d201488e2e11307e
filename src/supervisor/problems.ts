/** What went wrong without being anybody's answer. What goes wrong again and again is kept once. */
import type { Problem } from '../api.ts'

const KEPT = 100

export class Problems {
  readonly #byText = new Map<string, Problem>()

  /** Oldest first. */
  get all(): readonly Problem[] {
    return [...this.#byText.values()]
  }

  add(id: string | null, path: string | null, message: string): void {
    const key = JSON.stringify([id, path, message])
    const times = (this.#byText.get(key)?.times ?? 0) + 1
    this.#byText.delete(key)
    this.#byText.set(key, { id, path, message, atMs: Date.now(), times })
    const [oldest] = this.#byText.keys()
    if (this.#byText.size > KEPT && oldest !== undefined) this.#byText.delete(oldest)
  }
}
