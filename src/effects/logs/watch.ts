import type { LogLine, LogLines, WatchOptions } from '../../log-api.ts'
import { attachLogs, type LogAttachment } from './attach.ts'
import type { LogSource, LogStream } from './contract.ts'
import { LineReader } from './lines.ts'
import { toMs, wantsOf } from './options.ts'
import { fromPosition, toPosition } from './position.ts'

/**
 * The output of a process by lines: `attachLogs` (begin, order, end, abort as there) through `toLines`. Attached when called, so
 * `tail: 0` means from now. To be iterated once; breaking out lets go of everything, also while a `next()` is pending.
 *
 * @throws PROCMAN_INVALID_ARGUMENT for options that mean nothing
 */
export function watchLines(source: LogSource, options: WatchOptions = {}): LogLines {
  return linesOf(attachLogs(source, options), options)
}

/** @param options with which the attachment was made */
export function linesOf(attachment: LogAttachment, { from = '', follow = true, grep, since, unfinished = true }: WatchOptions = {}): LogLines {
  const sinceMs = since === undefined ? Number.NEGATIVE_INFINITY : Math.ceil(toMs(since))
  const begun = fromPosition(from)
  const reader = new LineReader(attachment, {
    isAfterCr: (stream) => begun[stream]?.isAfterCr === true,
    wants: wantsOf(grep),
    isSilent: () => attachment.isSilent(),
    ...(!follow && { silenceMs: Number.POSITIVE_INFINITY, keepsRest: !unfinished }), // what is there is read to its end
  })
  const lines = reader.read()
  const iterator: LogLines = {
    get position() {
      const placed = Object.entries(attachment.places).map(([name, place]) => {
        const stream = name as LogStream
        return [stream, { ...place, offset: place.offset - reader.heldBytes(stream), isAfterCr: reader.endedWithCr(stream) }]
      })
      return toPosition(Object.fromEntries(placed))
    },
    next: async () => {
      for (;;) {
        const next = await lines.next()
        if (next.done) return { done: true, value: undefined }
        // One that had begun before, and was over by then.
        if (next.value.at === undefined || next.value.at >= sinceMs) return next
      }
    },
    return: async () => {
      attachment.destroy() // first: the generator's own return() waits for the next() that is pending
      await lines.return()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}

/**
 * Calls back for each line. Resolves when the process has ended (or `options.signal` was aborted); a callback that throws ends the
 * watch and rejects it with its error. A promise that the callback returns is waited for before the next line.
 */
export function watchWithCallback(source: LogSource, onLine: (line: LogLine) => void, options: WatchOptions = {}): Promise<void> {
  return callForEach(watchLines(source, options), onLine)
}

export async function callForEach(lines: AsyncIterable<LogLine>, onLine: (line: LogLine) => void): Promise<void> {
  for await (const line of lines) {
    const result: unknown = onLine(line)
    if (result instanceof Promise) await result
  }
}
