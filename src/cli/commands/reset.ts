/** `reset`: nothing counts against a process any more, and its circuit breaker is closed. */
import type { Cli } from '../context.ts'
import { forEachId, resolveIds } from '../report.ts'

export async function reset(cli: Cli, given: readonly string[]): Promise<number> {
  return cli.withSupervisor(async (supervisor) => {
    const { ids, code } = await resolveIds(cli.io, given, (id) => supervisor.get(id))
    const failed = await forEachId(cli.io, ids, async (id) => void (await supervisor.reset(id)))
    return code === 0 ? failed : code
  })
}
