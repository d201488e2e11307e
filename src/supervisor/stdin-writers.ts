/** Writes to the stdin of processes: those to one process come one after the other, whole, and none outlives its supervisor. */
import { openStdin, type StdinWriter } from '../stdin.ts'

export class StdinWriters {
  readonly #stateDir: string
  readonly #mustBeOpen: () => void
  readonly #last = new Map<string, Promise<void>>()
  readonly #open = new Set<StdinWriter>()

  /** @param mustBeOpen throws PROCMAN_CLOSED when the supervisor is closed */
  constructor(stateDir: string, mustBeOpen: () => void) {
    this.#stateDir = stateDir
    this.#mustBeOpen = mustBeOpen
  }

  /** Waits for its turn. @throws PROCMAN_STDIN_CLOSED, PROCMAN_CLOSED, what `use` throws */
  use(id: string, use: (stdin: StdinWriter) => Promise<void>): Promise<void> {
    const before = this.#last.get(id) ?? Promise.resolve()
    const write = before.then(() => this.#useNow(id, use))
    const done = write
      .catch(() => {})
      .then(() => {
        if (this.#last.get(id) === done) this.#last.delete(id)
      })
    this.#last.set(id, done)
    return write
  }

  /** A command that does not read keeps a write waiting: that is over. */
  abandon(): void {
    for (const stdin of this.#open) stdin.abandon()
  }

  async #useNow(id: string, use: (stdin: StdinWriter) => Promise<void>): Promise<void> {
    this.#mustBeOpen()
    const stdin = openStdin(this.#stateDir, id)
    this.#open.add(stdin)
    try {
      await use(stdin)
    } catch (error) {
      this.#mustBeOpen()
      throw error
    } finally {
      this.#open.delete(stdin)
    }
  }
}
