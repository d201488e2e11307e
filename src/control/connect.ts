import type { ConnectOptions, RemoteSupervisor } from './contract.ts'

/**
 * A manager in another program, with the interface of a supervisor in this one. Its records and actor refs are a copy that is kept up to date.
 * @throws PROCMAN_NO_MANAGER when nobody serves the state directory, PROCMAN_MANAGER_UNREACHABLE, PROCMAN_UNAUTHORIZED, PROCMAN_FORBIDDEN, PROCMAN_INVALID_ARGUMENT
 */
export async function connect(options: ConnectOptions = {}): Promise<RemoteSupervisor> {
  const { open } = await import('./client/open.ts')
  return open(options)
}
