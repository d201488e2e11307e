/** `diagram`: the chart of a machine. */
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { write } from '../io.ts'
import { parseChoice } from '../parse/choice.ts'

export async function diagram(cli: Cli, name: string, options: { readonly format: string }): Promise<number> {
  const machine = parseChoice(name, 'machine', ['process', 'supervisor', 'reconciler'])
  const format = parseChoice(options.format, '--format', ['mermaid', 'svg'])
  const { diagramOf } = await import('../../diagrams.ts')
  const text = diagramOf(machine, format)
  await write(cli.io.stdout, text.endsWith('\n') ? text : `${text}\n`)
  return EXIT.done
}
