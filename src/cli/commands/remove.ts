/** `remove`: forgets ended processes with their files; with --force also live ones, which are stopped first, all at once. */
import type { ProcessRecord } from '../../index.ts'
import type { Cli } from '../context.ts'
import { forEachId, resolveIds } from '../report.ts'

const isSettled = ({ state }: ProcessRecord) => state === 'exited' || state === 'orphaned'

export async function remove(cli: Cli, given: readonly string[], options: { readonly force?: boolean }): Promise<number> {
  return cli.withSupervisor(async (supervisor) => {
    const { ids, code } = await resolveIds(cli.io, given, (id) => supervisor.get(id))
    const stops = new Map(options.force === true ? ids.map((id) => [id, supervisor.stop(id)]) : [])
    await Promise.allSettled(stops.values())
    const failed = await forEachId(cli.io, ids, async (id) => {
      // That a stop could not be written down does not matter to what is forgotten: on a full disk, this is the way out.
      if (!isSettled(supervisor.get(id))) await stops.get(id)
      await supervisor.remove(id)
    })
    return code === 0 ? failed : code
  })
}
