/** Waits that somebody else can end. */

export class Wakeups {
  #wake: (() => void) | null = null
  #isRung = false

  /** Ends the wait under way, or the next one. */
  ring(): void {
    this.#isRung = true
    this.#wake?.()
  }

  /** @param ms Infinity: until it is rung. */
  async wait(ms = Number.POSITIVE_INFINITY): Promise<void> {
    if (!this.#isRung && ms > 0) {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        if (ms < Number.POSITIVE_INFINITY) timer = setTimeout(resolve, ms)
      })
      clearTimeout(timer)
      this.#wake = null
    }
    this.#isRung = false
  }
}
