/** Asking the manager of a state directory, where there is one. */
import { connect as connectSocket } from 'node:net'
import { type RemoteSupervisor, SOCKET_NAME } from '../control/contract.ts'
import { shortPathOf } from '../control/short-path.ts'
import { isProcmanError } from '../errors.ts'

/** @returns null when nobody serves the directory now */
export async function tryConnect(stateDir: string, env?: Readonly<Record<string, string | undefined>>): Promise<RemoteSupervisor | null> {
  // Whoever finds nobody does not load a client.
  if (!(await isServed(stateDir))) return null
  try {
    return await mustConnect(stateDir, env)
  } catch (error) {
    // It has just ended.
    if (isProcmanError(error) && (error.code === 'PROCMAN_NO_MANAGER' || error.code === 'PROCMAN_MANAGER_UNREACHABLE')) return null
    throw error
  }
}

/** @throws PROCMAN_NO_MANAGER, PROCMAN_MANAGER_UNREACHABLE */
export async function mustConnect(stateDir: string, env?: Readonly<Record<string, string | undefined>>): Promise<RemoteSupervisor> {
  const { connect } = await import('../control/connect.ts')
  return connect({ stateDir, ...(env === undefined ? {} : { env }) })
}

/** Whether somebody listens on the socket. */
export function isServed(stateDir: string): Promise<boolean> {
  const { path, release } = shortPathOf(stateDir, SOCKET_NAME)
  return new Promise((resolve) => {
    const socket = connectSocket(path)
    const answer = (served: boolean) => () => {
      socket.destroy()
      release()
      resolve(served)
    }
    socket.once('connect', answer(true))
    socket.once('error', answer(false))
  })
}
