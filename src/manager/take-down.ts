/** Everything that projects have brought up is stopped: also without their files. */
import type { Supervisor } from '../api.ts'
import { originsIn } from './conflict.ts'
import type { ApplyReport } from './contract.ts'
import { Reconciling } from './reconciling.ts'
import { forget } from './remembered.ts'

export const FORCE_AFTER_MS = 30_000

/** @param options.keep they are stopped, and not removed. @param options.timeoutMs whatever is left then is killed. Default 30 000 */
export async function takeDown(
  supervisor: Supervisor,
  { keep = false, timeoutMs = FORCE_AFTER_MS }: { readonly keep?: boolean; readonly timeoutMs?: number } = {},
): Promise<ApplyReport> {
  const projects = originsIn(supervisor).map((origin) => new Reconciling(supervisor, origin, origin))
  try {
    const reports = await Promise.all(projects.map((project) => project.drain({ keep, timeoutMs })))
    if (!keep) forget(supervisor.stateDir)
    return downReport(reports)
  } finally {
    for (const project of projects) project.close()
  }
}

/** All of it was declared, and still is: that is not why it goes. */
export function downReport(reports: readonly ApplyReport[]): ApplyReport {
  const lines = reports.flatMap((report) => report.lines.map((line) => (line.action === 'remove' ? { ...line, reason: 'is taken down' } : line)))
  return { lines, warnings: [], failures: reports.flatMap(({ failures }) => failures) }
}
