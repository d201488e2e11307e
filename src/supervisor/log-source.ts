/** What log readers need to know about a process, from its directory. */
import { statSync } from 'node:fs'
import { ArrivalLookup } from '../effects/logs/arrivals/lookup.ts'
import type { LogSource, LogStream, RunMark } from '../effects/logs/contract.ts'
import { readChild, runsWith } from '../effects/run/run-files.ts'
import { errnoOf } from '../files.ts'
import type { Layout } from '../persistence/layout.ts'

/** What a manager that holds the directory adds. */
export interface LiveLogs {
  /** Changes when a new run has begun; the marks are read again then. */
  currentRun(): number
  /** Has it written down now what of a stream has arrived. */
  recordNow(stream: LogStream): void
}

/** What changes within so long after a change may have the same time. */
const SETTLED_MS = 50

/** @param live undefined: nobody tells when a run begins, and the directory is looked at each time */
export function logSourceOf(layout: Layout, id: string, ended: AbortSignal, live?: LiveLogs): LogSource {
  const jobDir = layout.jobDir(id)
  const arrivals = new ArrivalLookup(jobDir, live && ((stream) => live.recordNow(stream)))
  let marks: readonly RunMark[] = []
  let readAt: number | string | undefined
  // Of a process that is being removed, its log is read to the end: what is known of its runs holds.
  const read = () => {
    const kept = marksIn(jobDir)
    return kept === null ? marks : together(arrivals.marks(), kept)
  }
  return {
    path: (stream) => layout.logFile(id, stream),
    marks: () => {
      const run = live?.currentRun()
      const now = run ?? versionOf(jobDir)
      if (now === undefined || now !== readAt || (run !== undefined && marks.at(-1)?.run !== run)) marks = read()
      readAt = now
      return marks
    },
    arrivals,
    ended,
  }
}

/** @returns what is another one when a file has come or gone since; undefined: that cannot be told yet */
function versionOf(jobDir: string): string | undefined {
  const stat = statSync(jobDir, { bigint: true, throwIfNoEntry: false })
  return stat === undefined || Date.now() - Number(stat.mtimeMs) < SETTLED_MS ? undefined : `${stat.ino}.${stat.mtimeNs}`
}

/** @returns null when the directory is not there any more */
function marksIn(jobDir: string): readonly RunMark[] | null {
  try {
    return runsWith(jobDir, 'child').flatMap((run) => {
      const child = readChild(jobDir, run)
      return child === null ? [] : [{ run, stdout: child.stdout, stderr: child.stderr }]
    })
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw error
  }
}

/** The run files of old runs are pruned, their output may still be there. */
function together(indexed: readonly RunMark[], kept: readonly RunMark[]): readonly RunMark[] {
  const first = kept[0]?.run ?? Number.POSITIVE_INFINITY
  return [...indexed.filter(({ run }) => run < first), ...kept]
}
