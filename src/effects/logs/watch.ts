import type { AttachOptions, LogLine } from '../../api.ts'
import { attachLogs } from './attach.ts'
import type { LogSource } from './contract.ts'
import { toLines } from './lines.ts'

/**
 * The output of a process by lines: `attachLogs` (begin, order, end, abort as there) through `toLines`. Attached when called, so
 * `tail: 0` means from now. To be iterated once; breaking out lets go of everything, also while a `next()` is pending.
 *
 * @throws PROCMAN_INVALID_ARGUMENT if `tail` is no whole number from 0
 */
export function watchLines(source: LogSource, options: AttachOptions = {}): AsyncIterableIterator<LogLine, undefined, undefined> {
  const attachment = attachLogs(source, options)
  const lines = toLines(attachment)
  const iterator: AsyncIterableIterator<LogLine, undefined, undefined> = {
    next: async () => {
      const next = await lines.next()
      return next.done ? { done: true, value: undefined } : next
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
export async function watchWithCallback(source: LogSource, onLine: (line: LogLine) => void, options: AttachOptions = {}): Promise<void> {
  for await (const line of watchLines(source, options)) {
    const result: unknown = onLine(line)
    if (result instanceof Promise) await result
  }
}
