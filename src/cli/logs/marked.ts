/** Output as it is copied, and what is said between: that something is missing, and on a terminal, that another run begins. */
import type { LogChunk } from '../../api.ts'
import { type Io, write } from '../io.ts'
import { Marks } from './marks.ts'
import { recordOf, type Source } from './source.ts'

const LF = 10

/** What is piped elsewhere stays what the program has written, but where that is not whole any more. */
export async function* marked(chunks: AsyncIterable<LogChunk>, source: Pick<Source, 'get'>, id: string, io: Io): AsyncGenerator<LogChunk, void, undefined> {
  const isTerminal = io.stdout.isTTY === true && io.stderr.isTTY === true
  const marks = new Marks(() => recordOf(source, id), { prefix: null, isTimed: false })
  let lastByte: number | undefined = LF
  for await (const chunk of chunks) {
    const mark = marks.before({ ...chunk, id })
    if (mark !== '' && (isTerminal || chunk.gapBytes !== undefined))
      await write(io.stderr, isTerminal && lastByte !== LF ? `\n${mark}` : mark).catch(() => undefined)
    yield chunk
    lastByte = chunk.data.at(-1)
  }
}
