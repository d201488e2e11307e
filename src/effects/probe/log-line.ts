/** Readiness by a line of output: this run's, of either stream, from its beginning on. */
import type { ReadySpec } from '../../types.ts'
import { toLines } from '../logs/lines.ts'
import { followRun, markOf, type RunPlace } from '../logs/run-output.ts'
import type { SignalListener } from './up-run.ts'

/** Only lines that have ended are looked at. Files and watches are held until it has come, or is ended. @returns a function that ends it */
export function onLogLine(place: RunPlace, pattern: Extract<ReadySpec, { kind: 'log-line' }>, listener: SignalListener, nowMs: () => number): () => void {
  const stopped = new AbortController()
  const search = async () => {
    try {
      const isThere = await findLine(place, new RegExp(pattern.source, pattern.flags), stopped.signal, () => {
        if (!stopped.signal.aborted) listener.looked()
      })
      if (!isThere || stopped.signal.aborted) return
    } catch (error) {
      if (!stopped.signal.aborted) listener.failed(error)
      return
    }
    listener.came(nowMs())
  }
  queueMicrotask(() => void search())
  return () => stopped.abort()
}

async function findLine(place: RunPlace, pattern: RegExp, signal: AbortSignal, onCaughtUp: () => void): Promise<boolean> {
  if (signal.aborted) return false
  const mark = markOf(place)
  const reader = followRun(place, mark, { from: mark, signal, onCaughtUp })
  try {
    for await (const line of toLines(reader.read(), { silenceMs: Number.POSITIVE_INFINITY })) {
      // A pattern with the flag g or y keeps where it matched last, but the first match is the last that is asked for.
      if (line.partial !== true && pattern.test(line.text)) return true
    }
    return false
  } finally {
    await reader.close()
  }
}
