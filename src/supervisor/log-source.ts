/** What log readers need to know about a process, from its directory. */
import type { LogSource } from '../effects/logs/contract.ts'
import { readChild, runsWith } from '../effects/run/run-files.ts'
import { errnoOf } from '../files.ts'
import type { Layout } from '../persistence/layout.ts'

/** @param currentRun changes when a new run has begun; the marks are read again then. Undefined: they are read each time. */
export function logSourceOf(layout: Layout, id: string, ended: AbortSignal, currentRun?: () => number): LogSource {
  let marks: ReturnType<LogSource['marks']> = []
  let marksOfRun: number | undefined
  // Of a process that is being removed, its log is read to the end: what is known of its runs holds.
  const read = () =>
    runsIn(layout.jobDir(id))?.flatMap((run) => {
      const child = readChild(layout.jobDir(id), run)
      return child === null ? [] : [{ run, stdout: child.stdout, stderr: child.stderr }]
    }) ?? marks
  return {
    path: (stream) => layout.logFile(id, stream),
    marks: () => {
      const run = currentRun?.()
      if (run === undefined || run !== marksOfRun || marks.at(-1)?.run !== run) marks = read()
      marksOfRun = run
      return marks
    },
    ended,
  }
}

/** @returns null when the directory is not there any more */
function runsIn(jobDir: string): readonly number[] | null {
  try {
    return runsWith(jobDir, 'child')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw error
  }
}
