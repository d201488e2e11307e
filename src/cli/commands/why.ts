/** `why`: in a few sentences, why a process is as it is, and what comes next. */
import type { Cli } from '../context.ts'
import { findDue } from '../duties.ts'
import { EXIT } from '../exit-codes.ts'
import { say, write } from '../io.ts'
import { renderJson } from '../render/json.ts'
import { escapeControls } from '../render/text.ts'

export async function why(cli: Cli, given: string, options: { readonly json?: boolean }): Promise<number> {
  const record = (await cli.reader()).get(given)
  const { explainProcess } = await import('../../index.ts')
  const { id, state } = record
  const lines = explainProcess(record, cli.io.nowMs())
  await write(cli.io.stdout, options.json === true ? renderJson({ id, state, lines }) : lines.map((line) => `${escapeControls(line)}\n`).join(''))
  const due = await findDue(cli, record)
  if (due?.managerPid === null) await say(cli.io, `no manager lives now: until one does, ${due.undone}`)
  return EXIT.done
}
