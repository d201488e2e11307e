/** Output of a process to our own streams: stdout to stdout, stderr to stderr, byte for byte, as fast as it is read and no faster. */
import type { LogChunk } from '../api.ts'
import type { Io } from './io.ts'
import { BrokenPipe, write } from './io.ts'

/**
 * Settles when there are no more chunks, or when nobody reads any more what is left to print.
 * @returns false when a reader of ours has gone
 */
export async function copyOutput(chunks: AsyncIterable<LogChunk>, io: Pick<Io, 'stdout' | 'stderr'>): Promise<boolean> {
  const gone = new Set<LogChunk['stream']>()
  for await (const { stream, data } of chunks) {
    if (gone.has(stream)) continue
    try {
      await write(io[stream], data)
    } catch (error) {
      if (!(error instanceof BrokenPipe)) throw error
      gone.add(stream)
      // `| head` has seen enough. Without a stdout there is no use in going on for stderr's sake.
      if (stream === 'stdout') return false
    }
  }
  return gone.size === 0
}
