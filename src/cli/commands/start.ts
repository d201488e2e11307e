/** `start`: launches and leaves; prints the id alone. */
import type { Cli } from '../context.ts'
import { findNeglect, sayNeglect } from '../duties.ts'
import { EXIT } from '../exit-codes.ts'
import { write } from '../io.ts'
import { parseSpec, type SpecOptions } from '../parse/spec.ts'
import { renderJson } from '../render/json.ts'

export async function start(cli: Cli, argv: readonly string[], options: SpecOptions & { readonly json?: boolean }): Promise<number> {
  const input = parseSpec(argv, options, cli.io)
  const { record, neglect } = await cli.withSupervisor(async (supervisor) => {
    const record = supervisor.get((await supervisor.start(input)).id)
    return { record, neglect: await findNeglect(supervisor, record) }
  })
  await write(cli.io.stdout, options.json === true ? renderJson(record) : `${record.id}\n`)
  await sayNeglect(cli, neglect)
  return EXIT.done
}
