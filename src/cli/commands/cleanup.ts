/** `cleanup`: forgets what has ended; prints the ids. */
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { write } from '../io.ts'
import { parseDuration } from '../parse/duration.ts'
import { renderJson } from '../render/json.ts'

export async function cleanup(cli: Cli, options: { readonly olderThan?: string; readonly json?: boolean }): Promise<number> {
  const cleanupOptions = options.olderThan === undefined ? {} : { olderThanMs: parseDuration(options.olderThan, '--older-than') }
  const ids = await cli.withSupervisor((supervisor) => supervisor.cleanup(cleanupOptions))
  await write(cli.io.stdout, options.json === true ? renderJson(ids) : ids.map((id) => `${id}\n`).join(''))
  return EXIT.done
}
