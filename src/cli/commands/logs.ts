/** `logs`: what processes have printed, and with `-f` what they print until they have ended. */
import type { AttachOptions, LogLine } from '../../api.ts'
import type { Reader } from '../../index.ts'
import type { Cli } from '../context.ts'
import { copyOutput } from '../copy-output.ts'
import { EXIT } from '../exit-codes.ts'
import { BrokenPipe, type Io, write } from '../io.ts'
import { parseCount } from '../parse/count.ts'
import { prefixesFor } from '../render/prefix.ts'

export interface LogsOptions {
  readonly follow?: boolean
  readonly tail?: string
  readonly stdout?: boolean
  readonly stderr?: boolean
}

/** One of --stdout and --stderr: that stream alone. None or both: both. Without ids: of all that there are. */
export async function logs(cli: Cli, given: readonly string[], options: LogsOptions): Promise<number> {
  const tail = options.tail === undefined ? undefined : parseCount(options.tail, '--tail')
  const reader = await cli.reader()
  const isBoth = options.stdout === options.stderr
  const how = {
    follow: options.follow === true,
    stdout: isBoth || options.stdout === true,
    stderr: isBoth || options.stderr === true,
    ...(tail === undefined ? {} : { tail }),
  }
  const ids = [...new Set(given.length === 0 ? reader.list().map(({ id }) => id) : given.map((id) => reader.get(id).id))]
  const [only] = ids
  if (given.length > 0 && ids.length === 1 && only !== undefined) await copyOutput(reader.attach(only, how), cli.io)
  else await copyLines(reader, cli.io, ids, how)
  return EXIT.done
}

/** Each line after the name of its process: one process after the other, or when they are followed, as the lines come. */
async function copyLines(reader: Reader, io: Io, ids: readonly string[], how: AttachOptions): Promise<void> {
  const prefix = await prefixesFor(io, ids)
  const gone = new AbortController()
  const copy = async (id: string) => {
    for await (const { stream, text } of reader.watch(id, { ...how, signal: gone.signal }) as AsyncIterable<LogLine>)
      await write(io[stream], `${prefix(id)}${text}\n`)
  }
  try {
    if (how.follow === true) await Promise.all(ids.map(copy))
    else for (const id of ids) await copy(id)
  } catch (error) {
    // `| head` has seen enough.
    if (!(error instanceof BrokenPipe)) throw error
  } finally {
    gone.abort()
  }
}
