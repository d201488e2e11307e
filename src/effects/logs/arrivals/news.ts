/** Tells whoever wants to know that a process has put something out. */
export class News {
  readonly #listeners = new Set<(id: string) => void>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** @returns a function that ends it */
  listen(listener: (id: string) => void): () => void {
    const own = (id: string) => listener(id)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  tell(id: string): void {
    for (const listener of this.#listeners) {
      try {
        listener(id)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
