/** Stdout or stderr of this program. */
import type { LogRecord } from '../record/contract.ts'
import { linesOf } from './render.ts'
import type { Target } from './target.ts'
import { writeAll } from './write-all.ts'

export function streamTarget(fd: 1 | 2, format: 'json' | 'plain'): Target {
  return {
    destination: fd === 1 ? 'stdout' : 'stderr',
    deliver: (records: readonly LogRecord[], signal) => writeAll(fd, Buffer.from(linesOf(records, format)), signal),
    close: () => {},
  }
}
