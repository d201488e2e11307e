/** `start`: launches and leaves; prints the id alone. */
import type { ProcessRecord } from '../../index.ts'
import type { Cli } from '../context.ts'
import { describeDuties } from '../duties.ts'
import { EXIT } from '../exit-codes.ts'
import { say, write } from '../io.ts'
import { parseSpec, type SpecOptions } from '../parse/spec.ts'
import { renderJson } from '../render/json.ts'

export async function start(cli: Cli, argv: readonly string[], options: SpecOptions & { readonly json?: boolean }): Promise<number> {
  const input = parseSpec(argv, options, cli.io)
  const record = await cli.withSupervisor(async (supervisor) => supervisor.get((await supervisor.start(input)).id))
  await write(cli.io.stdout, options.json === true ? renderJson(record) : `${record.id}\n`)
  await sayWhoManages(cli, record)
  return EXIT.done
}

/** Policy and probes act only while a manager lives, and none does once a command has left. */
export async function sayWhoManages(cli: Cli, record: ProcessRecord): Promise<void> {
  const duties = describeDuties(record)
  if (duties === null) return
  const sentence = `${record.id} runs, but is ${duties} only while a manager lives, and none does now`
  await say(cli.io, `${sentence}; 'procman run' stays as one, 'procman wait --for ready' is one while it waits, or embed the library`)
}
