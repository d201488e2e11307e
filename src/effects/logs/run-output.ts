/** The output of one run, which is up. */
import { join } from 'node:path'
import { ProcmanError } from '../../errors.ts'
import { readChild } from '../run/run-files.ts'
import { ChunkReader } from './chunks.ts'
import type { LogSource, LogStream, RunMark } from './contract.ts'
import { memoryLogOf } from './memory-log.ts'
import { openCursor } from './open-cursor.ts'

export interface RunPlace {
  readonly jobDir: string
  readonly run: number
}

export const STREAMS: readonly LogStream[] = ['stdout', 'stderr']

/** Where the output of the run begins. @throws PROCMAN_LOG_UNREADABLE when that is not known */
export function markOf({ jobDir, run }: RunPlace): RunMark {
  const child = readChild(jobDir, run)
  if (child !== null) return { run, stdout: child.stdout, stderr: child.stderr }
  const why = `run-${run}.child is missing or damaged, so nobody knows where the output of run ${run} begins`
  throw new ProcmanError('PROCMAN_LOG_UNREADABLE', `no line of the logs in ${jobDir} can be waited for: ${why}`, { details: { path: jobDir, run } })
}

/** Follows both streams until `signal` is aborted: as long as this is asked for, there is no later run. @param from where to begin, of each stream */
export function followRun(
  { jobDir }: RunPlace,
  mark: RunMark,
  options: { readonly from: Readonly<Record<LogStream, number>>; readonly signal: AbortSignal; readonly onCaughtUp?: () => void },
): ChunkReader {
  const { from, signal, onCaughtUp } = options
  const source: LogSource = {
    path: (stream) => join(jobDir, `${stream}.log`),
    marks: () => [mark],
    memory: (stream) => memoryLogOf(jobDir, stream, { run: mark.run }),
    ended: signal,
  }
  const cursors = STREAMS.map((stream) => openCursor(source, stream, { follow: true, tail: Number.POSITIVE_INFINITY, from: from[stream] }))
  return new ChunkReader(source, cursors, { follow: true, signal, ...(onCaughtUp === undefined ? {} : { onCaughtUp }) })
}
