import type { FileHandle } from 'node:fs/promises'

const BLOCK_BYTES = 64 * 1024
const LF = 10
const CR = 13

/**
 * Finds where the last lines of a log begin, reading backwards in blocks of 64 KB. A line ends with `\n`, `\r\n` (one end) or a
 * lone `\r`; an unterminated last line counts.
 *
 * @param size only the bytes before this offset are looked at
 * @param lines 0 or more; 0 gives `size`
 * @param starts offsets that begin a line whatever stands before them: where runs begin
 * @returns 0 if there are not more lines than asked for, or if the log shrank meanwhile
 */
export async function findTail(file: FileHandle, size: number, lines: number, starts: ReadonlySet<number> = new Set()): Promise<number> {
  if (lines <= 0) return size
  const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, size))
  let left = lines
  let next = LF // what stands behind the block; LF for the end of the log, where no line begins
  for (let end = size; end > 0; ) {
    const begin = Math.max(0, end - BLOCK_BYTES)
    const { bytesRead } = await file.read(block, 0, end - begin, begin)
    if (bytesRead < end - begin) return 0
    for (let at = end; at > begin; at--) {
      const byte = block[at - 1 - begin] ?? 0
      const ends = byte === LF || (byte === CR && next !== LF) || starts.has(at)
      if (ends && at < size && --left === 0) return at
      next = byte
    }
    end = begin
  }
  return 0
}
