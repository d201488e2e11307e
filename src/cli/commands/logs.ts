/** `logs`: what processes have printed, and with `-f` what they print until they have ended. */
import type { AttachOptions, Reader } from '../../api.ts'
import type { ProcessRecord } from '../../index.ts'
import type { Cli } from '../context.ts'
import { copyOutput } from '../copy-output.ts'
import { EXIT } from '../exit-codes.ts'
import { type Io, say } from '../io.ts'
import { type Asked, type LogsOptions, parseLogsOptions } from '../logs/asked.ts'
import { clearLogs, printPaths, rotateLogs } from '../logs/care.ts'
import { marked } from '../logs/marked.ts'
import { printLines } from '../logs/print-lines.ts'
import { type Source, sourceOf } from '../logs/source.ts'
import { renderSize } from '../render/size.ts'

const STREAMS = ['stdout', 'stderr'] as const

/** Without ids and labels: of all that there are. One process is copied byte for byte, unless it is asked for by lines. */
export async function logs(cli: Cli, given: readonly string[], options: LogsOptions): Promise<number> {
  const asked = parseLogsOptions(given, options, cli.io.nowMs())
  switch (asked.verb) {
    case 'read':
      return read(cli, given, asked)
    case 'path':
      return printPaths(cli, given, asked)
    case 'rotate':
      return rotateLogs(cli, given)
    case 'clear':
      return clearLogs(cli, given)
  }
}

async function read(cli: Cli, given: readonly string[], asked: Asked): Promise<number> {
  const reader = await cli.reader()
  const records = given.length === 0 ? reader.list(asked.labels === undefined ? {} : { labels: asked.labels }) : uniqueById(given.map((id) => reader.get(id)))
  const [only] = records
  const isOne = given.length > 0 && records.length === 1
  const source = await sourceOf(cli, records)
  try {
    for (const record of records) {
      await sayWhatIsNotKept(cli.io, source, record, asked.read)
      if (isFromBeginning(asked)) await sayWhatIsGone(cli.io, reader, record, asked.read)
    }
    if (!isOne || only === undefined || asked.byLine) return await printLines(cli.io, source, records, { ...asked, isNamed: !isOne })
    await copyOne(cli, reader, source, only.id, asked.read)
    return EXIT.done
  } finally {
    await source.close()
  }
}

function isFromBeginning({ read: { tail, since, until }, run }: Asked): boolean {
  return [tail, since, until, run].every((option) => option === undefined)
}

/** What comes first is then maybe only the end of a line. */
async function sayWhatIsGone(io: Io, reader: Reader, { id, logs }: ProcessRecord, read: AttachOptions): Promise<void> {
  const stats = await reader.logStats(id)
  const gone = STREAMS.filter((stream) => read[stream] !== false && logs[stream] === 'files' && stats[stream].from > 0)
  if (gone.length === 0) return
  const what = gone.map((stream) => `the first ${renderSize(stats[stream].from)} of ${stream}`).join(' and ')
  await say(io, `of ${id} ${what} are not kept any more`)
}

/** On a terminal with a bar below it, for one that was asked how far it is. */
async function copyOne({ io }: Cli, reader: Reader, source: Source, id: string, how: AttachOptions): Promise<unknown> {
  const isBar = how.follow === true && io.stderr.isTTY === true
  const progress = isBar ? reader.specs().find(({ record }) => record.id === id)?.spec.progress : null
  const output = source.attach(id, how)
  if (progress === null || progress === undefined) return copyOutput(marked(output, source, id, io), io)
  const { copyWithProgress } = await import('../progress/copy.ts')
  return copyWithProgress(output, io, progress)
}

function uniqueById(records: readonly ProcessRecord[]): readonly ProcessRecord[] {
  return [...new Map(records.map((record) => [record.id, record])).values()]
}

/** An empty answer would leave the user in doubt. */
async function sayWhatIsNotKept(io: Io, source: Source, { id, logs, pid }: ProcessRecord, { stdout = true, stderr = true }: AttachOptions): Promise<void> {
  const read = { stdout, stderr }
  const wanted = STREAMS.filter((stream) => read[stream])
  const none = wanted.filter((stream) => logs[stream] === 'none')
  if (none.length > 0) await say(io, `of ${id} ${none.join(' and ')} ${none.length === 1 ? 'is' : 'are'} not kept (capture: none)`)
  if (pid !== null || !wanted.some((stream) => logs[stream] === 'memory')) return
  for await (const _ of source.watch(id, { follow: false, tail: 1 })) return
  await say(io, `nothing that ${id} has printed is in memory any more: that is held while it is up, and afterwards by a manager that has lived meanwhile`)
}
