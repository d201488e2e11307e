/** What there is, as the supervisor tells: exactly the process of that id, never one whose id begins with it. */
import type { Supervisor } from '../api.ts'
import type { Actual } from '../machines/reconciler/facts.ts'

/** Null: it is not there. */
export function look(supervisor: Supervisor, id: string): Actual | null {
  const record = supervisor.table.getSnapshot().context.processes.get(id)?.get()
  return record === undefined ? null : { record, spec: supervisor.ref(id).getSnapshot().context.spec }
}
