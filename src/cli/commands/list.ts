/** `list`: the processes, from the files alone. */
import type { ProcessRecord } from '../../machines/process/record.ts'
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
  const [{ selectRecords }, { listIds }, { layoutOf }] = await Promise.all([
    import('../../select.ts'),
    import('../../persistence/store.ts'),
    import('../../persistence/layout.ts'),
  ])
  const all = reader.list()
  await printRecords(cli, selectRecords(all, filter), options.json === true)
  // Looking for what is damaged takes as long as the list itself: only when something is missing from that.
  if (listIds(layoutOf(reader.stateDir)).length > all.length) {
    for (const problem of reader.problems) await say(cli.io, `warning: ${escapeControls(problem.message)}`)
  }
  return EXIT.done
}

/** A table for people or an array for programs. */
export async function printRecords(cli: Cli, records: readonly ProcessRecord[], isJson: boolean): Promise<void> {
  if (isJson) return write(cli.io.stdout, renderJson(records))
  const { renderTable } = await import('../render/table.ts')
  await write(cli.io.stdout, renderTable(records, cli.io, await colorsFor(cli.io)))
}
