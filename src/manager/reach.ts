/** Reaching the manager of a state directory, where there is one. */
import { connect as connectSocket } from 'node:net'
import { type RemoteManager, type RemoteSupervisor, SOCKET_NAME } from '../control/contract.ts'
import { shortPathOf } from '../control/short-path.ts'
import { isProcmanError, ProcmanError } from '../errors.ts'
import { holderOf } from '../state-dir.ts'

/** To ask it for something. @returns null when nobody serves the directory now */
export async function findManager(stateDir: string): Promise<RemoteManager | null> {
  // Whoever finds nobody loads nothing.
  return (await isServed(stateDir)) ? (await import('./ask.ts')).askManager(stateDir) : null
}

/** @throws PROCMAN_NO_MANAGER */
export async function mustFindManager(stateDir: string): Promise<RemoteManager> {
  const manager = await findManager(stateDir)
  if (manager !== null) return manager
  const pid = holderOf(stateDir)?.pid ?? null
  const what =
    pid === null
      ? `no manager lives in ${stateDir}: 'procman up' or 'procman daemon start' starts one`
      : `process ${pid} holds ${stateDir}, and cannot be asked`
  throw new ProcmanError('PROCMAN_NO_MANAGER', what, { details: { stateDir, pid } })
}

/** To follow its processes, too. @returns null when nobody serves the directory now */
export async function tryConnect(stateDir: string): Promise<RemoteSupervisor | null> {
  if (!(await isServed(stateDir))) return null
  const { connect } = await import('../control/connect.ts')
  try {
    return await connect({ stateDir })
  } catch (error) {
    // It has just ended.
    if (isProcmanError(error) && (error.code === 'PROCMAN_NO_MANAGER' || error.code === 'PROCMAN_MANAGER_UNREACHABLE')) return null
    throw error
  }
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
