/** `show`: the whole record. */
import type { Cli } from '../context.ts'
import { findDue } from '../duties.ts'
import { EXIT } from '../exit-codes.ts'
import { write } from '../io.ts'
import { colorsFor } from '../render/colors.ts'
import { renderJson } from '../render/json.ts'

export async function show(cli: Cli, id: string, options: { readonly json?: boolean }): Promise<number> {
  const record = (await cli.reader()).get(id)
  if (options.json === true) {
    await write(cli.io.stdout, renderJson(record))
  } else {
    const { renderRecord } = await import('../render/record.ts')
    await write(cli.io.stdout, renderRecord(record, await findDue(cli, record), cli.io, await colorsFor(cli.io)))
  }
  return EXIT.done
}
