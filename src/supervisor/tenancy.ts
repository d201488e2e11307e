/** Holding a state directory: taking its lock, and taking it again when somebody has deleted the directory under its manager. */
import { readdirSync } from 'node:fs'
import { bootId, isAlive, startTimeOf } from '../effects/run/identity.ts'
import { ProcmanError } from '../errors.ts'
import { changeIn, errnoOf } from '../files.ts'
import type { Layout } from '../persistence/layout.ts'
import { type LockPorts, type LockResult, NOT_A_LOCK, readHolder, releaseLock, sweepLockLeftovers, takeLock } from '../persistence/lock.ts'
import { prepareStateDir } from '../persistence/state-dir.ts'

const LOOK_MS = 100

export class Tenancy {
  readonly #layout: Layout
  /** Of the locks that were ours: more than one when the directory was put back, and then came back by itself. */
  readonly #nonces = new Set<string>()
  #onLost: (message: string) => void = () => {}
  #isLost = false

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /** Another manager has made the directory its own: nothing of it may be touched any more. */
  get isLost(): boolean {
    return this.#isLost
  }

  /**
   * Makes the directory where there is none, and takes it.
   * @param patienceMs waits so long for another manager to let go of it
   * @param onLost called once if another manager has it later, because it was deleted under this one
   * @returns what was found wrong, without being in the way
   * @throws PROCMAN_STATE_DIR_LOCKED, PROCMAN_STATE_DIR_UNUSABLE
   */
  async take(patienceMs: number, onLost: (message: string) => void): Promise<string | null> {
    prepareStateDir(this.#layout)
    const giveUpAtMs = performance.now() + patienceMs
    for (;;) {
      const taken = this.#try()
      if (taken.kind === 'held') {
        this.#onLost = onLost
        return this.#sweepLeftovers()
      }
      const leftMs = giveUpAtMs - performance.now()
      if (leftMs <= 0) throw locked(this.#layout.root, taken.holder.pid)
      await changeIn(this.#layout.root, Math.min(LOOK_MS, leftMs))
    }
  }

  /** False when the directory, or its lock, was deleted or moved away. */
  holds(): boolean {
    const holder = readHolder(this.#layout.lock)
    return holder !== null && this.#nonces.has(holder.nonce)
  }

  /** Puts a deleted directory back and takes it again. @returns false when it is lost */
  takeAgain(): boolean {
    if (this.#isLost) return false
    prepareStateDir(this.#layout)
    const taken = this.#try()
    if (taken.kind === 'held') return true
    this.#isLost = true
    const message = `${this.#layout.root} was deleted under its manager, and process ${taken.holder.pid} manages it now: this manager has let go`
    queueMicrotask(() => this.#onLost(message))
    return false
  }

  /** @returns why the lock is still there; null when it is not */
  release(): string | null {
    try {
      for (const nonce of this.#nonces) releaseLock(this.#layout.lock, nonce)
      return null
    } catch (error) {
      return `the lock ${this.#layout.lock} cannot be taken away (${errnoOf(error)}): it holds as long as this program lives`
    }
  }

  #sweepLeftovers(): string | null {
    try {
      sweepLockLeftovers(this.#layout.lock, lockPorts)
      const odd = readdirSync(this.#layout.root).filter((name) => name.startsWith(NOT_A_LOCK))
      return odd.length === 0 ? null : `something lay in the place of the lock ${this.#layout.lock}, and is kept beside it: ${odd.join(', ')}`
    } catch (error) {
      return `what takers of the lock ${this.#layout.lock} have left cannot be removed (${errnoOf(error)})`
    }
  }

  #try(): LockResult {
    try {
      const result = takeLock(this.#layout.lock, lockPorts)
      if (result.kind === 'held') this.#nonces.add(result.nonce)
      return result
    } catch (error) {
      const message = `the lock ${this.#layout.lock} cannot be taken (${errnoOf(error)})`
      throw new ProcmanError('PROCMAN_STATE_DIR_UNUSABLE', message, { details: { path: this.#layout.lock, errno: errnoOf(error) }, cause: error })
    }
  }
}

export const lockPorts: LockPorts = {
  self: () => ({ pid: process.pid, start: startTimeOf(process.pid) ?? '', boot: bootId() }),
  isAlive,
}

function locked(stateDir: string, pid: number): ProcmanError {
  return new ProcmanError('PROCMAN_STATE_DIR_LOCKED', `the state directory ${stateDir} is in use by process ${pid}: another procman manages it`, {
    details: { stateDir, pid },
  })
}
