import type { Cursor, CursorOptions } from './any-cursor.ts'
import type { LogSource, LogStream } from './contract.ts'
import { LogCursor } from './cursor.ts'
import { MemoryCursor } from './memory-cursor.ts'

export function openCursor(source: LogSource, stream: LogStream, options: CursorOptions): Cursor {
  const memory = source.memory?.(stream) ?? null
  return memory === null ? new LogCursor(source, stream, options) : new MemoryCursor(source, memory, stream, options)
}
