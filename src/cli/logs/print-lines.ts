/** Prints lines of one or several processes: as text, each after the name of its process when there are several, or as JSON. */
import type { WatchOptions } from '../../api.ts'
import { type NamedLine, type ProcessRecord, watchAll } from '../../index.ts'
import { EXIT } from '../exit-codes.ts'
import { BrokenPipe, type Io } from '../io.ts'
import { prefixesFor } from '../render/prefix.ts'
import { reportError } from '../report.ts'
import type { Asked } from './asked.ts'
import { type LineStyle, lineToJson, renderLine } from './line-text.ts'
import { Marks } from './marks.ts'
import { Printer } from './printer.ts'
import { runsOf } from './runs.ts'
import { recordOf, type Source } from './source.ts'

/** What cannot be read is reported, and the rest printed. @param asked `isNamed`: each line after the name of its process @returns the exit code */
export async function printLines(io: Io, source: Source, records: readonly ProcessRecord[], asked: Asked & { readonly isNamed: boolean }): Promise<number> {
  const runs = asked.run === undefined ? null : runsOf(records, asked.run)
  const ids = records.map(({ id }) => id).filter((id) => runs?.has(id) !== false)
  const style: LineStyle = { prefix: asked.isNamed ? await prefixesFor(io, ids) : null, isTimed: asked.isTimed }
  const printer = new Printer(io)
  const print = asked.isJson
    ? (line: NamedLine) => printer.print('stdout', lineToJson(line))
    : printText(printer, new Marks((id) => recordOf(source, id), style), style)
  let code: number = EXIT.done
  const reported: Promise<void>[] = []
  const onError = (_id: string, error: unknown) => {
    reported.push(
      reportError(io, error).then((failed) => {
        code ||= failed
      }),
    )
  }
  try {
    const watched = runs === null ? source : { ...source, watch: (id: string, how: WatchOptions = {}) => source.watch(id, { ...how, ...runOf(runs, id) }) }
    let isLive = false
    const onCaughtUp = () => {
      isLive = true
    }
    // What has just come may not be written down yet.
    const withTime = (line: NamedLine): NamedLine => (isLive && line.at === undefined ? { ...line, at: io.nowMs() } : line)
    for await (const line of watchAll(watched, ids, { ...asked.read, onError, onCaughtUp })) await print(withTime(line))
    await printer.flush()
    await Promise.all(reported)
  } catch (error) {
    // `| head` has seen enough.
    if (!(error instanceof BrokenPipe)) throw error
  }
  return code
}

function runOf(runs: ReadonlyMap<string, number>, id: string): WatchOptions {
  const run = runs.get(id)
  return run === undefined ? {} : { run }
}

function printText(printer: Printer, marks: Marks, style: LineStyle): (line: NamedLine) => Promise<void> {
  return async (line) => {
    const mark = marks.before(line)
    if (mark !== '') await printer.print('stderr', mark)
    await printer.print(line.stream, renderLine(line, style))
  }
}
