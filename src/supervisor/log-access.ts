/** Reading the logs of a process that is told apart by when it has settled. Used by the supervisor and by the lock-free reader alike. */
import type { Attachment, AttachOptions, LogLine, LogLines, WatchOptions } from '../api.ts'
import { attachLogs } from '../effects/logs/attach.ts'
import type { LogSource, LogStream } from '../effects/logs/contract.ts'
import { memoryLogOf } from '../effects/logs/memory-log.ts'
import { watchLines, watchWithCallback } from '../effects/logs/watch.ts'
import { isProcmanError, type ProcmanErrorCode } from '../errors.ts'
import type { Capture } from '../output.ts'
import type { Layout } from '../persistence/layout.ts'
import { type LiveLogs, logSourceOf } from './log-source.ts'

export interface LogAccess {
  readonly layout: Layout
  readonly id: string
  /**
   * Resolves when nothing more will be written; gives up when the signal aborts. Rejects with one of `ENDS`, or when it cannot be told any more.
   * @param run by that run, if one is given
   */
  settled(signal: AbortSignal, run: number | undefined): Promise<unknown>
  /** See `LogSource`. */
  isOwn?(): boolean
  /** See `LogSource`. */
  isAttended?(): boolean
  /** Where its output goes, as it is declared. Default: `files`. */
  capture?(stream: LogStream): Capture
  /** What is held of a run's output in memory here: a descriptor to be closed; null: nothing. */
  held?(run: number, stream: LogStream): number | null
  /** Of a manager that holds the directory. */
  readonly live?: LiveLogs
  /** Calls back right before the process's files are taken away. @returns a function that ends that */
  beforeRemoval?(look: () => void): () => void
}

/** What says that nothing more is to be read: the process was removed, its supervisor was closed, the reader itself has left. */
const ENDS: readonly ProcmanErrorCode[] = ['PROCMAN_PROCESS_UNKNOWN', 'PROCMAN_CLOSED', 'PROCMAN_ABORTED']

export function attachTo(access: LogAccess, options: AttachOptions): Attachment {
  return attachLogs(sourceOf(access, options), options)
}

export function linesOf(access: LogAccess, options: WatchOptions): LogLines {
  return watchLines(sourceOf(access, options), options)
}

export function eachLineOf(access: LogAccess, onLine: (line: LogLine) => void, options: WatchOptions): Promise<void> {
  return watchWithCallback(sourceOf(access, options), onLine, options)
}

/** The end of the process is only waited for from the first read until the reader closes: one who never reads costs nothing. */
function sourceOf(access: LogAccess, { follow = true, run }: AttachOptions): LogSource {
  const ended = new AbortController()
  const reading = new AbortController()
  let isAwaited = !follow
  let isRemoved = false
  let failure: unknown
  let stopLooking: (() => void) | undefined
  const { path, marks, arrivals } = logSourceOf(access.layout, access.id, ended.signal, access.live)
  const end = () => ended.abort()
  const fail = (error: unknown) => {
    if (!isEnd(error)) failure = error
    end()
  }
  /** As long as they are there: the log of what is removed is read to its end all the same. */
  const look = () => {
    isRemoved = true
    try {
      marks()
    } catch {
      // The reader asks for them again, and is told then why they cannot be had.
    }
  }
  return {
    path,
    marks,
    memory: (stream) => {
      const held = (run: number) => access.held?.(run, stream) ?? null
      return memoryLogOf(access.layout.jobDir(access.id), stream, { capture: access.capture?.(stream) ?? 'files', held })
    },
    ...(arrivals && { arrivals }),
    isAttended: () => access.isAttended?.() !== false,
    get ended() {
      if (!isAwaited) {
        isAwaited = true
        stopLooking = access.beforeRemoval?.(look)
        access.settled(reading.signal, run).then(end, fail)
      }
      return ended.signal
    },
    failure: () => failure,
    isOwn: () => !isRemoved && access.isOwn?.() !== false,
    release: () => {
      isAwaited = true
      stopLooking?.()
      reading.abort()
    },
  }
}

function isEnd(error: unknown): boolean {
  return isProcmanError(error) && ENDS.includes(error.code)
}
