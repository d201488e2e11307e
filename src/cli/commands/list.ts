/** `list`: the processes, from the files alone. */
import type { ProcessRecord } from '../../index.ts'
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { say, write } from '../io.ts'
import { parseFilter } from '../parse/filter.ts'
import { colorsFor } from '../render/colors.ts'
import { renderJson } from '../render/json.ts'
import { escapeControls } from '../render/text.ts'

export interface ListOptions {
  readonly status?: readonly string[]
  readonly label?: readonly string[]
  readonly json?: boolean
}

export async function list(cli: Cli, options: ListOptions): Promise<number> {
  const filter = parseFilter(options)
  const reader = await cli.reader()
  const { records, problems } = reader.survey(filter)
  await printRecords(cli, records, options.json === true)
  for (const problem of problems) await say(cli.io, `warning: ${escapeControls(problem.message)}`)
  return EXIT.done
}

/** A table for people or an array for programs. */
export async function printRecords(cli: Cli, records: readonly ProcessRecord[], isJson: boolean): Promise<void> {
  if (isJson) return write(cli.io.stdout, renderJson(records))
  const { renderTable } = await import('../render/table.ts')
  await write(cli.io.stdout, renderTable(records, cli.io, await colorsFor(cli.io)))
}
