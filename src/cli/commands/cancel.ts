/** `cancel`: stops the whole tree of each process, all at once, and returns when they are gone. */
import type { Cli } from '../context.ts'
import { say } from '../io.ts'
import { parseDuration } from '../parse/duration.ts'
import { forEachId, resolveIds } from '../report.ts'

/** A process that has already ended is left as it is, said on stderr, and no failure. */
export async function cancel(cli: Cli, given: readonly string[], options: { readonly timeout?: string }): Promise<number> {
  const stopOptions = options.timeout === undefined ? {} : { timeoutMs: parseDuration(options.timeout, '--timeout') }
  return cli.withSupervisor(async (supervisor) => {
    const { ids, code } = await resolveIds(cli.io, given, (id) => supervisor.get(id))
    const before = new Map(ids.map((id) => [id, supervisor.get(id)]))
    const stops = new Map(ids.map((id) => [id, supervisor.cancel(id, stopOptions)]))
    await Promise.allSettled(stops.values())
    const failed = await forEachId(cli.io, ids, async (id) => {
      await stops.get(id)
      const record = before.get(id)
      if (record?.state === 'exited' || record?.state === 'orphaned') await say(cli.io, `${id} has already ended (${record.status}); nothing to cancel`)
    })
    return code === 0 ? failed : code
  })
}
