/** Small blocking work (a state file, an intent) done in slices, so that however much of it comes at once, the loop is never held up for long. */
import { performance } from 'node:perf_hooks'

const SLICE_MS = 4

export interface Slices {
  /** Does the work soon: in this turn of the loop when little was done in it so far. */
  run(work: () => void): void
  /** Resolves when it is the caller's turn to do a piece of blocking work. */
  turn(): Promise<void>
}

export function createSlices(): Slices {
  const queue: (() => void)[] = []
  let isScheduled = false
  let lastEnd = 0

  const schedule = () => {
    if (isScheduled) return
    isScheduled = true
    if (performance.now() - lastEnd > 1) queueMicrotask(slice)
    else setImmediate(slice)
  }
  const slice = () => {
    isScheduled = false
    const until = performance.now() + SLICE_MS
    try {
      for (let work = queue.shift(); work !== undefined; work = queue.shift()) {
        work()
        if (performance.now() > until) break
      }
    } finally {
      lastEnd = performance.now()
      if (queue.length > 0) schedule()
    }
  }
  const run = (work: () => void) => {
    queue.push(work)
    schedule()
  }
  return { run, turn: () => new Promise((resolve) => run(resolve)) }
}
