/** `validate`: says whether a config file is right, and what is wrong. Starts nothing and touches no state directory. */
import type { ConfigProblem, Project } from '../../config/contract.ts'
import { isProcmanError } from '../../errors.ts'
import type { Cli } from '../context.ts'
import { EXIT, exitCodeOfError } from '../exit-codes.ts'
import { say, write } from '../io.ts'
import { renderJson } from '../render/json.ts'
import { escapeControls, renderCommand } from '../render/text.ts'

/** As `--json` tells it. */
export type Validation =
  | {
      readonly valid: true
      readonly path: string
      readonly processes: readonly string[]
      readonly disabled: readonly string[]
      readonly warnings: readonly string[]
    }
  | { readonly valid: false; readonly problems: readonly ConfigProblem[] }

/** @param operand the file; default: found upward from the working directory */
export async function validate({ io }: Cli, operand: string | undefined, options: { readonly json?: boolean; readonly config?: string }): Promise<number> {
  const file = operand ?? options.config
  const { loadProject } = await import('../../config/load.ts')
  try {
    const project = await loadProject({ cwd: io.cwd, env: io.env, ...(file === undefined ? {} : { path: file }) })
    await (options.json === true ? write(io.stdout, renderJson(toValidation(project))) : tell(io, project))
    return EXIT.done
  } catch (error) {
    if (options.json !== true || !isProcmanError(error) || error.code !== 'PROCMAN_CONFIG_INVALID') throw error
    const refused: Validation = { valid: false, problems: error.details.problems as readonly ConfigProblem[] }
    await write(io.stdout, renderJson(refused))
    return exitCodeOfError(error.code)
  }
}

function toValidation({ path, processes, disabled, warnings }: Project): Validation {
  return { valid: true, path, processes: processes.map(({ id }) => id), disabled, warnings }
}

async function tell(io: Cli['io'], { path, processes, disabled, warnings }: Project): Promise<void> {
  const width = Math.max(0, ...processes.map(({ id }) => id.length))
  const lines = [
    `${path} is valid: ${processes.length === 1 ? '1 process' : `${processes.length} processes`}`,
    ...processes.map(({ id, command, args = [] }) => `  ${id.padEnd(width)}  ${renderCommand(command, args)}`),
    ...disabled.map((id) => `  ${id.padEnd(width)}  (not enabled)`),
  ]
  await write(io.stdout, lines.map((line) => `${escapeControls(line)}\n`).join(''))
  for (const warning of warnings) await say(io, `warning: ${escapeControls(warning)}`)
}
