/** `reset`: nothing counts against a process any more, and its circuit breaker is closed. */
import { waitFor } from 'xstate'
import type { ProcessRef } from '../../api.ts'
import type { Cli } from '../context.ts'
import { forEachId, resolveIds } from '../report.ts'

export async function reset(cli: Cli, given: readonly string[]): Promise<number> {
  return cli.withSupervisor(async (supervisor) => {
    const { ids, code } = await resolveIds(cli.io, given, (id) => supervisor.get(id))
    const failed = await forEachId(cli.io, ids, async (id) => {
      await supervisor.reset(id)
      await launched(supervisor.ref(id))
    })
    return code === 0 ? failed : code
  })
}

/** Closing an open breaker begins the next run: who left before its launch would leave it to the next manager. */
async function launched(ref: ProcessRef): Promise<void> {
  await waitFor(ref, (snapshot) => !snapshot.matches('starting') || snapshot.context.identity !== null)
}
