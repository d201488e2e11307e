/** Who is asked before a process is removed with its files. */
export class BeforeRemoval {
  readonly #listeners = new Set<(id: string) => Promise<void>>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0
  }

  /** @returns a function that ends it */
  listen(listener: (id: string) => Promise<void>): () => void {
    const own = (id: string) => listener(id)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /** Resolves once all of them are ready. */
  async ask(id: string): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => listener(id).catch((error: unknown) => this.#onError(error))))
  }
}
