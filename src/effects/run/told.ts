/** What is known of a run so far, told again to everybody who comes later. */
import type { RunFact } from './contract.ts'

export class Told {
  readonly #facts: RunFact[] = []
  readonly #listeners = new Set<(fact: RunFact) => void>()

  has(type: RunFact['type']): boolean {
    return this.#facts.some((fact) => fact.type === type)
  }

  tell(fact: RunFact): void {
    this.#facts.push(fact)
    for (const listener of [...this.#listeners]) listener(fact)
  }

  /** Tells all facts so far at once, and all further ones. @returns a function that ends it */
  listen(listener: (fact: RunFact) => void): () => void {
    for (const fact of [...this.#facts]) listener(fact)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#listeners.clear()
  }
}
