/** The Unix socket in the state directory. Only who holds the directory's lock serves there, so what lies in its place is a dead manager's. */
import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { fromSystemError } from '../../errors.ts'
import { SOCKET_NAME } from '../contract.ts'
import { shortPathOf } from '../short-path.ts'

/** How often it is looked whether it is there: somebody may delete the directory, which the supervisor then puts back. */
const LOOK_MS = 2_000

export class LocalSocket {
  readonly path: string
  readonly #stateDir: string
  readonly #open: () => Server
  #server: Server | undefined
  #inode: bigint | undefined
  #timer: NodeJS.Timeout | undefined

  /** @param open makes a server that listens to nothing yet */
  constructor(stateDir: string, open: () => Server) {
    this.path = join(stateDir, SOCKET_NAME)
    this.#stateDir = stateDir
    this.#open = open
  }

  /** @throws PROCMAN_SYSTEM_ERROR */
  async listen(): Promise<void> {
    try {
      await this.#bind()
    } catch (error) {
      throw fromSystemError(`the control socket ${this.path} cannot be made`, error, { path: this.path })
    }
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref()
  }

  /** Takes it away, unless another manager's lies there by now. */
  remove(): void {
    clearInterval(this.#timer)
    if (inodeOf(this.path) === this.#inode) rmSync(this.path, { force: true })
  }

  /** Under another name first: from the first instant it can be used by its owner only. */
  async #bind(): Promise<void> {
    const name = `${SOCKET_NAME}.${process.pid}`
    const beside = join(this.#stateDir, name)
    const short = shortPathOf(this.#stateDir, name)
    const server = this.#open()
    try {
      rmSync(beside, { force: true })
      await listen(server, { path: short.path })
      chmodSync(beside, 0o600)
      this.#inode = inodeOf(beside)
      renameSync(beside, this.path)
      // Those who are connected stay.
      this.#server?.close()
      this.#server = server
    } catch (error) {
      server.close()
      throw error
    } finally {
      short.release()
    }
  }

  async #look(): Promise<void> {
    if (inodeOf(this.path) !== undefined || inodeOf(this.#stateDir) === undefined) return
    // Tried again at the next look.
    await this.#bind().catch(() => {})
  }
}

function inodeOf(path: string): bigint | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino
  } catch {
    return undefined
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
