/** `plan`: the difference between what a config file declares and what there is, with the reason for each line. Looks without the lock. */
import type { PlanLine } from '../../manager/contract.ts'
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { say, write } from '../io.ts'
import { type ConfigOption, projectSource } from '../project.ts'
import { colorsFor } from '../render/colors.ts'
import { renderJson } from '../render/json.ts'
import { renderPlanLines, renderSummary } from '../render/plan.ts'
import { escapeControls } from '../render/text.ts'

export interface PlanCommandOptions extends ConfigOption {
  readonly replace?: boolean
  readonly check?: boolean
  readonly json?: boolean
}

export async function plan(cli: Cli, options: PlanCommandOptions): Promise<number> {
  const { lines, warnings } = await planFor(cli, options)
  if (options.json === true) await write(cli.io.stdout, renderJson({ lines, warnings }))
  else await write(cli.io.stdout, `${renderPlanLines(lines, await colorsFor(cli.io))}${renderSummary(lines, false)}\n`)
  for (const warning of warnings) await say(cli.io, `warning: ${escapeControls(warning)}`)
  return options.check === true && lines.some(({ action }) => action !== 'keep') ? EXIT.failed : EXIT.done
}

async function planFor(cli: Cli, options: PlanCommandOptions): Promise<{ lines: readonly PlanLine[]; warnings: readonly string[] }> {
  const { path, env } = await projectSource(cli, options)
  const [{ loadProject }, { planProcesses }, { mustBeAlone }] = await Promise.all([
    import('../../config/load.ts'),
    import('../../reconciler.ts'),
    import('../../manager/conflict.ts'),
  ])
  const { processes, disabled, dir, warnings } = await loadProject({ path, cwd: cli.io.cwd, env })
  const reader = await cli.reader()
  const replace = options.replace === true
  if (!replace) mustBeAlone(reader, dir)
  return { lines: planProcesses({ processes, disabled, origin: dir, actual: reader.specs(), startDown: true, replace }), warnings }
}
