/** The last words of a command, for the cause of its failure. */
import type { Readable } from 'node:stream'

const KEPT_BYTES = 1024

/** Reads all of the streams, and keeps the end. @returns a function that closes them and says the last line that is not empty */
export function lastLineOf(streams: readonly (Readable | null)[]): () => string {
  let kept = Buffer.alloc(0)
  for (const stream of streams)
    stream
      ?.on('data', (chunk: Buffer) => {
        kept = Buffer.concat([kept, chunk]).subarray(-KEPT_BYTES)
      })
      // A read that fails costs no more than the words.
      .on('error', () => {})
  return () => {
    for (const stream of streams) stream?.destroy()
    const lines = kept.toString().split(/[\r\n]+/)
    return lines.map((line) => line.replace(/\p{Cc}+/gu, ' ').trim()).findLast((line) => line !== '') ?? ''
  }
}
