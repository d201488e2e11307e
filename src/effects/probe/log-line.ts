/** Readiness by a line of output: this run's, of either stream, from its beginning on. */
import { join } from 'node:path'
import { ProcmanError } from '../../errors.ts'
import type { ReadySpec } from '../../types.ts'
import { ChunkReader } from '../logs/chunks.ts'
import type { LogSource, LogStream, RunMark } from '../logs/contract.ts'
import { LogCursor } from '../logs/cursor.ts'
import { toLines } from '../logs/lines.ts'
import { readChild } from '../run/run-files.ts'
import type { SignalListener } from './up-run.ts'

interface RunPlace {
  readonly jobDir: string
  readonly run: number
}

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
  const source = sourceOf(place, mark, signal)
  const streams: readonly LogStream[] = ['stdout', 'stderr']
  const cursors = streams.map((stream) => new LogCursor(source, stream, { follow: true, tail: Number.POSITIVE_INFINITY, from: mark[stream] }))
  const reader = new ChunkReader(source, cursors, { follow: true, signal, onCaughtUp })
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

function markOf({ jobDir, run }: RunPlace): RunMark {
  const child = readChild(jobDir, run)
  if (child !== null) return { run, stdout: child.stdout, stderr: child.stderr }
  const why = `run-${run}.child is missing or damaged, so nobody knows where the output of run ${run} begins`
  throw new ProcmanError('PROCMAN_LOG_UNREADABLE', `no line of the logs in ${jobDir} can be waited for: ${why}`, { details: { path: jobDir, run } })
}

/** The output of one run only: as long as this is asked for, there is no later one. */
function sourceOf({ jobDir }: RunPlace, mark: RunMark, ended: AbortSignal): LogSource {
  return { path: (stream) => join(jobDir, `${stream}.log`), marks: () => [mark], ended }
}
