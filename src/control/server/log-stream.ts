/** The output of one process as a stream. What is read from the files is what the client takes: a slow one is waited for, and costs one piece of each log. */

import type { Attachment, LogLines, Supervisor, WatchOptions } from '../../api.ts'
import { isProcmanError, ProcmanError } from '../../errors.ts'
import { toErrorBody } from '../errors.ts'
import type { EventStream } from './sse.ts'

export interface LogStreaming {
  readonly format: 'lines' | 'chunks' | 'raw'
  readonly options: WatchOptions
}

/** Attached when it is called, and read by `run`. @throws what `attach` throws */
export function logReader(supervisor: Supervisor, id: string, { format, options }: LogStreaming): (stream: EventStream) => Promise<void> {
  if (format === 'lines') {
    const lines = supervisor.watch(id, options)
    return (stream) => told(stream, () => sendLines(stream, lines))
  }
  const attachment = supervisor.attach(id, options)
  if (format === 'chunks') return (stream) => told(stream, () => sendChunks(stream, attachment))
  return async (stream) => {
    for await (const { data } of attachment) {
      await stream.write(data)
      if (stream.isClosed) return
    }
    stream.end()
  }
}

async function sendLines(stream: EventStream, lines: LogLines): Promise<void> {
  for await (const line of lines) {
    await stream.event('line', JSON.stringify(line), lines.position)
    if (stream.isClosed) return
  }
}

async function sendChunks(stream: EventStream, attachment: Attachment): Promise<void> {
  for await (const { data, ...chunk } of attachment) {
    await stream.event('chunk', JSON.stringify({ ...chunk, data: data.toString('base64') }), attachment.position)
    if (stream.isClosed) return
  }
}

async function told(stream: EventStream, send: () => Promise<void>): Promise<void> {
  try {
    await send()
    await stream.event('end', '{}')
  } catch (error) {
    const known = isProcmanError(error) ? error : new ProcmanError('PROCMAN_INTERNAL', `internal: ${error instanceof Error ? error.message : String(error)}`)
    await stream.event('failed', JSON.stringify(toErrorBody(known)))
  }
  stream.end()
}
