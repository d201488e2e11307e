/** `restart`: stops what is up and starts the next run; what is down is just started. */
import type { Cli } from '../context.ts'
import { findNeglect, sayNeglect } from '../duties.ts'
import { forEachId, resolveIds } from '../report.ts'

export async function restart(cli: Cli, given: readonly string[], { force = false }: { readonly force?: boolean }): Promise<number> {
  return cli.withSupervisor(async (supervisor) => {
    const { ids, code } = await resolveIds(cli.io, given, (id) => supervisor.get(id))
    const failed = await forEachId(cli.io, ids, async (id) => sayNeglect(cli, await findNeglect(supervisor, await supervisor.restart(id, { force }))))
    return code === 0 ? failed : code
  })
}
