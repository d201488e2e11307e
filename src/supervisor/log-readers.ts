/** Who reads the logs of a process: they look at its files once more before these are taken away. */
export class LogReaders {
  readonly #looks = new Map<string, Set<() => void>>()

  /** @returns a function that ends it */
  add(id: string, look: () => void): () => void {
    const looks = this.#looks.get(id) ?? new Set()
    this.#looks.set(id, looks.add(look))
    return () => {
      looks.delete(look)
      if (looks.size === 0 && this.#looks.get(id) === looks) this.#looks.delete(id)
    }
  }

  lookNow(id: string): void {
    for (const look of this.#looks.get(id) ?? []) look()
  }
}
