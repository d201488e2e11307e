/** How fast a number grows: over the last seconds, so that it neither jumps with each observation nor remembers for ever. */

const WINDOW_MS = 15_000
const LEAST_MS = 300
const MOST_SAMPLES = 64

interface Sample {
  readonly atMs: number
  readonly value: number
}

export class Speed {
  #samples: Sample[] = []

  /** One that is lower begins anew. */
  add(value: number, atMs: number): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && (value < last.value || atMs < last.atMs)) this.#samples = []
    this.#samples = this.#samples.filter((sample) => atMs - sample.atMs <= WINDOW_MS).slice(1 - MOST_SAMPLES)
    this.#samples.push({ atMs, value })
  }

  /** Per second; null while too little is known. */
  get perSecond(): number | null {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || last.atMs - first.atMs < LEAST_MS) return null
    return ((last.value - first.value) / (last.atMs - first.atMs)) * 1_000
  }
}
