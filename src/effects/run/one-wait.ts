/** One thing is waited for at a time: what was waited for before is let go. */
export class OneWait {
  #stop: (() => void) | undefined

  get isWaiting(): boolean {
    return this.#stop !== undefined
  }

  /** @param stop ends what is waited for */
  begin(stop: () => void): void {
    this.#stop?.()
    this.#stop = stop
  }

  /** @param stop ends what is waited for beside the time */
  beginFor(ms: number, next: () => void, stop?: () => void): void {
    const timer = setTimeout(next, ms)
    this.begin(() => {
      clearTimeout(timer)
      stop?.()
    })
  }

  /** It has come, or is not worth waiting for any more. */
  end(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  /** It has come, and whoever goes on with it holds what belongs to it. */
  handOver(): void {
    this.#stop = undefined
  }
}
