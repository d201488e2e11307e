/** Rebuilds a process from its run files alone, when its state is gone or damaged. */
import { listRuns, readExit, readIntendedSpec } from '../effects/run/run-files.ts'
import { contextOf } from '../machines/process/context.ts'
import { decodeSpec, type ProcessSnapshot } from '../persistence/codec.ts'

/**
 * A run that may be up is adopted; one that never started is not started now; one that has ended is not started again, since nobody knows any more whether
 * the user wanted that.
 * @returns null when no run left a readable intent
 */
export function rebuild(jobDir: string, id: string): ProcessSnapshot | null {
  for (const run of [...listRuns(jobDir)].reverse()) {
    const spec = decodeSpec(readIntendedSpec(jobDir, run), id)
    if (spec === null) continue
    const nowMs = Date.now()
    const context = { ...contextOf(spec, nowMs), run, reasons: [{ atMs: nowMs, text: 'its state file was damaged: rebuilt from its run files' }] }
    const exit = readExit(jobDir, run)
    if (exit === null) return { value: 'starting', context, children: { run: { id, run } } }
    return { value: 'exited', context: { ...context, outcome: exit.outcome, endedAtMs: exit.atMs }, children: {} }
  }
  return null
}
