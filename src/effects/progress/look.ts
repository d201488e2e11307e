/** How far a run is, from what it has printed until now: for those who only look. */
import type { Progress, ProgressSpec } from '../../output.ts'
import { ProgressReader } from '../../progress.ts'
import { type RunPlace, STREAMS } from '../logs/run-output.ts'
import { RunGlance } from './run-glance.ts'
import { StreamLines } from './stream-lines.ts'

/** @returns null when nothing is known of it, or it cannot be read */
export function lookForProgress(place: RunPlace, spec: ProgressSpec, nowMs: number): Progress | null {
  const reader = new ProgressReader(spec)
  let glance: RunGlance | undefined
  try {
    glance = new RunGlance(place)
    for (const stream of STREAMS) {
      const lines = new StreamLines()
      const ended = glance.read(stream).flatMap((piece) => lines.take(piece))
      for (const line of [...ended, lines.rest]) reader.take(line, nowMs)
    }
  } catch {
    return null
  } finally {
    glance?.close()
  }
  return reader.progress
}
