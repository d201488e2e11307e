/** `send`: a line to the stdin of a process, or its end, or both in this order. */
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { usageError } from '../report.ts'

export async function send(cli: Cli, id: string, text: string | undefined, options: { readonly eof?: boolean }): Promise<number> {
  if (text === undefined && options.eof !== true) throw usageError('nothing to send; give a text, or --eof to close stdin')
  await cli.withSupervisor(async (supervisor) => {
    const full = supervisor.get(id).id
    if (text !== undefined) await supervisor.write(full, `${text}\n`)
    if (options.eof === true) await supervisor.closeStdin(full)
  })
  return EXIT.done
}
