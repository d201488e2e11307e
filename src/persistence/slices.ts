/** Small blocking work (a state file, an intent) done in slices, so that however much of it comes at once, the loop is never held up for long. */
import { performance } from 'node:perf_hooks'

const SLICE_MS = 4

export interface Slices {
  /** Does the work soon: in this turn of the loop when little was done in it so far. */
  run(work: () => void): void
  /** Resolves when it is the caller's turn to do a piece of blocking work. */
  turn(): Promise<void>
}

interface Piece {
  readonly work: () => void
  /** What is to be measured is not the work itself but what goes on behind the promise that it resolves. */
  readonly isTurn: boolean
}

export function createSlices(): Slices {
  const queue: Piece[] = []
  let isScheduled = false
  let lastEnd = 0

  const schedule = () => {
    if (isScheduled) return
    isScheduled = true
    if (performance.now() - lastEnd > 1) queueMicrotask(begin)
    else setImmediate(begin)
  }
  const begin = () => goOn(performance.now() + SLICE_MS)
  const goOn = (until: number) => {
    let isHeldUp = false
    try {
      for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
        piece.work()
        if (performance.now() > until) break
        if (!piece.isTurn) continue
        isHeldUp = true
        queueMicrotask(() => goOn(until))
        return
      }
    } finally {
      if (!isHeldUp) end()
    }
  }
  const end = () => {
    isScheduled = false
    lastEnd = performance.now()
    if (queue.length > 0) schedule()
  }
  const add = (piece: Piece) => {
    queue.push(piece)
    schedule()
  }
  return { run: (work) => add({ work, isTurn: false }), turn: () => new Promise((resolve) => add({ work: resolve, isTurn: true })) }
}
