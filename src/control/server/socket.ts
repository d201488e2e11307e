/** The Unix socket in the state directory. Only who holds the directory's lock serves there, so what lies in its place is a dead manager's. */
import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { fromSystemError } from '../../errors.ts'
import { SOCKET_NAME } from '../contract.ts'
import { shortPathOf } from '../short-path.ts'

export interface BoundSocket {
  readonly path: string
  /** Takes it away, unless another manager's lies there by now. */
  remove(): void
}

/** Bound under another name and renamed: from the first instant it can be used by its owner only. */
export async function listenOnSocket(server: Server, stateDir: string): Promise<BoundSocket> {
  const path = join(stateDir, SOCKET_NAME)
  const name = `${SOCKET_NAME}.${process.pid}`
  const beside = join(stateDir, name)
  const short = shortPathOf(stateDir, name)
  try {
    rmSync(beside, { force: true })
    await listen(server, { path: short.path })
    chmodSync(beside, 0o600)
    const ours = lstatSync(beside, { bigint: true }).ino
    renameSync(beside, path)
    return {
      path,
      remove: () => {
        if (lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino === ours) rmSync(path, { force: true })
      },
    }
  } catch (error) {
    server.close()
    throw fromSystemError(`the control socket ${path} cannot be made`, error, { path })
  } finally {
    short.release()
  }
}

export function listen(server: Server, where: { readonly path: string } | { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
