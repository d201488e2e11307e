/** `start`: launches and leaves; prints the id alone. */
import type { ProcessRecord } from '../../index.ts'
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { say, write } from '../io.ts'
import { parseSpec, type SpecOptions } from '../parse/spec.ts'
import { renderJson } from '../render/json.ts'

export async function start(cli: Cli, argv: readonly string[], options: SpecOptions & { readonly json?: boolean }): Promise<number> {
  const input = parseSpec(argv, options, cli.io)
  const record = await cli.withSupervisor(async (supervisor) => supervisor.get((await supervisor.start(input)).id))
  await write(cli.io.stdout, options.json === true ? renderJson(record) : `${record.id}\n`)
  await sayWhoRestarts(cli, record)
  return EXIT.done
}

/** A policy acts only while a manager lives, and none does once a command has left. */
export async function sayWhoRestarts(cli: Cli, record: ProcessRecord): Promise<void> {
  if (record.restart.strategy === 'never') return
  await say(
    cli.io,
    `${record.id} runs, but is restarted (${record.restart.strategy}) only while a manager lives, and none does now; 'procman run' stays as one, or embed the library`,
  )
}
