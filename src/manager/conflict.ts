/** One state directory, one project at a time. */
import type { Supervisor } from '../api.ts'
import { ProcmanError } from '../errors.ts'

/** The projects that have processes here, by their directories. */
export function originsIn(supervisor: Pick<Supervisor, 'list'>): readonly string[] {
  return [...new Set(supervisor.list().flatMap(({ origin }) => (origin === null ? [] : [origin])))]
}

/** @throws PROCMAN_PROJECT_CONFLICT when another project has processes here */
export function mustBeAlone(supervisor: Pick<Supervisor, 'list' | 'stateDir'>, origin: string): void {
  const other = originsIn(supervisor).find((each) => each !== origin)
  if (other === undefined) return
  const message = `the state directory ${supervisor.stateDir} holds the processes of the project in ${other}, not of ${origin}: 'procman down' first, use another --state-dir, or --replace them`
  throw new ProcmanError('PROCMAN_PROJECT_CONFLICT', message, { details: { origin: other } })
}
