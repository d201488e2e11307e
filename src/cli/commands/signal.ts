/** `signal`: one signal to the process group. */
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { parseSignal } from '../parse/signal.ts'

export async function signal(cli: Cli, id: string, name: string): Promise<number> {
  const parsed = parseSignal(name)
  await cli.withSupervisor((supervisor) => supervisor.signal(id, parsed))
  return EXIT.done
}
