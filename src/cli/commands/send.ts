/** `send`: a line to the stdin of a process, or its end, or both in this order. */
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { usageError } from '../report.ts'

export async function send(cli: Cli, id: string, text: string | undefined, options: { readonly eof?: boolean }): Promise<number> {
  if (text === undefined && options.eof !== true) throw usageError('nothing to send; give a text, or --eof to close stdin')
  // Without the directory: a process that does not read keeps a writer waiting, and must be cancelled all the same.
  const reader = await cli.reader()
  const { openStdin } = await import('../../stdin.ts')
  const stdin = openStdin(reader.stateDir, reader.get(id).id)
  if (text !== undefined) await stdin.write(`${text}\n`)
  if (options.eof === true) await stdin.close()
  else stdin.end()
  return EXIT.done
}
