/** `reload`: the manager reads its config file again. What a user has stopped stays so. */
import { resolve } from 'node:path'
import type { Cli } from '../context.ts'
import { envOf } from '../project.ts'
import { reportApply } from '../report-apply.ts'

export async function reload(cli: Cli, options: { readonly config?: string; readonly json?: boolean }): Promise<number> {
  const { mustFindManager } = await import('../../manager/reach.ts')
  const manager = await mustFindManager(await cli.stateDir())
  // Another file is read with the variables of who names it, the one in force with those of who brought it up.
  const report = await manager.apply(options.config === undefined ? {} : { path: resolve(cli.io.cwd, options.config), env: envOf(cli) })
  return reportApply(cli, report, { to: 'stdout', isJson: options.json === true })
}
