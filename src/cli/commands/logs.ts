/** `logs`: what a process has printed, and with `-f` what it prints until it has ended. */
import type { Cli } from '../context.ts'
import { copyOutput } from '../copy-output.ts'
import { EXIT } from '../exit-codes.ts'
import { parseCount } from '../parse/count.ts'

export interface LogsOptions {
  readonly follow?: boolean
  readonly tail?: string
  readonly stdout?: boolean
  readonly stderr?: boolean
}

/** One of --stdout and --stderr: that stream alone. None or both: both. */
export async function logs(cli: Cli, id: string, options: LogsOptions): Promise<number> {
  const tail = options.tail === undefined ? undefined : parseCount(options.tail, '--tail')
  const reader = await cli.reader()
  const isBoth = options.stdout === options.stderr
  const attachment = reader.attach(reader.get(id).id, {
    follow: options.follow === true,
    stdout: isBoth || options.stdout === true,
    stderr: isBoth || options.stderr === true,
    ...(tail === undefined ? {} : { tail }),
  })
  await copyOutput(attachment, cli.io)
  return EXIT.done
}
