/** How fast a number grows: over the last seconds, so that it neither jumps with each observation nor remembers for ever. */

const WINDOW_MS = 15_000
const LEAST_MS = 300
/** Between two that are kept. */
const STEP_MS = 250

interface Sample {
  readonly atMs: number
  readonly value: number
}

export class Speed {
  readonly #kept: Sample[] = []
  #last: Sample | null = null

  /** One that is lower begins anew. */
  add(value: number, atMs: number): void {
    if (this.#last !== null && (value < this.#last.value || atMs < this.#last.atMs)) this.#kept.length = 0
    this.#last = { atMs, value }
    if (atMs - (this.#kept.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) < STEP_MS) return
    this.#kept.push(this.#last)
    const first = this.#kept.findIndex((sample) => atMs - sample.atMs <= WINDOW_MS)
    this.#kept.splice(0, first)
  }

  /** Per second; null while too little is known. */
  get perSecond(): number | null {
    const first = this.#kept[0]
    const last = this.#last
    if (first === undefined || last === null || last.atMs - first.atMs < LEAST_MS) return null
    return ((last.value - first.value) / (last.atMs - first.atMs)) * 1_000
  }
}
