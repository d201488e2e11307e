/** `start`: launches and leaves; prints the id alone. */
import { isProcmanError, ProcmanError } from '../../errors.ts'
import type { ProcessRecord } from '../../index.ts'
import type { Cli } from '../context.ts'
import { findNeglect, sayNeglect } from '../duties.ts'
import { EXIT } from '../exit-codes.ts'
import { write } from '../io.ts'
import { parseSpec, type SpecOptions } from '../parse/spec.ts'
import { renderJson } from '../render/json.ts'

export async function start(cli: Cli, argv: readonly string[], options: SpecOptions & { readonly json?: boolean }): Promise<number> {
  const input = parseSpec(argv, options, cli.io)
  const { record, neglect } = await cli.withSupervisor(async (supervisor) => {
    const record = supervisor.get((await supervisor.start(input).catch((error: unknown) => explain(error, supervisor.list(), argv))).id)
    return { record, neglect: await findNeglect(supervisor, record) }
  })
  await write(cli.io.stdout, options.json === true ? renderJson(record) : `${record.id}\n`)
  await sayNeglect(cli, neglect)
  return EXIT.done
}

/** Other tools start by name what is down. */
function explain(error: unknown, records: readonly ProcessRecord[], argv: readonly string[]): never {
  const named = argv.length === 1 ? records.find(({ id }) => id === argv[0]) : undefined
  if (named === undefined || !isProcmanError(error) || error.code !== 'PROCMAN_LAUNCH_FAILED') throw error
  const message = `${error.message}; to start the process ${named.id} again: 'procman restart ${named.id}'`
  throw new ProcmanError(error.code, message, { details: error.details, cause: error.cause })
}
