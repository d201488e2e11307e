/** Reading the logs of a process that is told apart by when it has settled. Used by the supervisor and by the lock-free reader alike. */
import type { Attachment, AttachOptions, LogLine } from '../api.ts'
import { attachLogs } from '../effects/logs/attach.ts'
import { watchLines, watchWithCallback } from '../effects/logs/watch.ts'
import type { Layout } from '../persistence/layout.ts'
import { logSourceOf } from './log-source.ts'

export interface LogAccess {
  readonly layout: Layout
  readonly id: string
  /** Resolves or rejects when nothing more will be written; gives up when the signal aborts. */
  settled(signal: AbortSignal): Promise<unknown>
  /** See `logSourceOf`. */
  currentRun?(): number
}

export function attachTo(access: LogAccess, options: AttachOptions): Attachment {
  const { source, stop } = begin(access, options)
  const attachment = attachLogs(source, options)
  attachment.once('close', stop)
  return attachment
}

export async function* linesOf(access: LogAccess, options: AttachOptions): AsyncGenerator<LogLine> {
  const { source, stop } = begin(access, options)
  try {
    yield* watchLines(source, options)
  } finally {
    stop()
  }
}

export async function eachLineOf(access: LogAccess, onLine: (line: LogLine) => void, options: AttachOptions): Promise<void> {
  const { source, stop } = begin(access, options)
  try {
    await watchWithCallback(source, onLine, options)
  } finally {
    stop()
  }
}

/** The end of the process is only waited for while somebody reads. */
function begin(access: LogAccess, { follow = true }: AttachOptions) {
  const ended = new AbortController()
  const reading = new AbortController()
  const end = () => ended.abort()
  if (follow) access.settled(reading.signal).then(end, end)
  return { source: logSourceOf(access.layout, access.id, ended.signal, access.currentRun), stop: () => reading.abort() }
}
