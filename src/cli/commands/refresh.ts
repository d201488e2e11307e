/** `refresh`: checks every process against the OS, writes down what is found, prints it. */
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { printRecords } from './list.ts'

export async function refresh(cli: Cli, options: { readonly json?: boolean }): Promise<number> {
  const records = await cli.withSupervisor((supervisor) => supervisor.refresh())
  // In the order of `list`, whoever has looked.
  const sorted = [...records].sort((one, other) => (one.id < other.id ? -1 : 1))
  await printRecords(cli, sorted, options.json === true)
  return EXIT.done
}
