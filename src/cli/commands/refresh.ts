/** `refresh`: checks every process against the OS, writes down what is found, prints it. */
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { printRecords } from './list.ts'

export async function refresh(cli: Cli, options: { readonly json?: boolean }): Promise<number> {
  const records = await cli.withSupervisor((supervisor) => supervisor.refresh())
  await printRecords(cli, records, options.json === true)
  return EXIT.done
}
