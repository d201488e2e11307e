/** What `run` acts through: the manager, or the directory itself when it is to be held. Turns interrupts into a cancel and then a kill. */
import type { ProcessInput, Supervisor } from '../api.ts'
import { isProcmanError } from '../errors.ts'
import { attend } from './attend.ts'
import { type Cli, isRemote } from './context.ts'
import { say } from './io.ts'
import { reportError, wasNotAsked } from './report.ts'
import { serveMeanwhile } from './serving.ts'

export class Grip {
  readonly #cli: Cli
  #supervisor: Promise<Supervisor> | null
  #id: string | null = null
  #interrupts = 0
  #isOver = false
  readonly #cancels: Promise<void>[] = []
  #endKeeping: () => Promise<void> = async () => undefined

  constructor(cli: Cli, supervisor: Supervisor) {
    this.#cli = cli
    this.#supervisor = Promise.resolve(supervisor)
  }

  /** The manager, asked again when it was let go. Two callers at once share it. */
  take(): Promise<Supervisor> {
    if (this.#supervisor === null) {
      const taken = this.#open()
      this.#supervisor = taken
      taken.catch(() => {
        if (this.#supervisor === taken) this.#supervisor = null
      })
    }
    return this.#supervisor
  }

  /** @returns through what it was started, and its id. A manager that was just leaving has another one after it. */
  async start(input: ProcessInput): Promise<{ readonly supervisor: Supervisor; readonly id: string }> {
    for (;;) {
      const supervisor = await this.take()
      try {
        return { supervisor, id: (await supervisor.start(input)).id }
      } catch (error) {
        if (!wasNotAsked(error)) throw error
        await this.abandon()
      }
    }
  }

  /** A manager lives from now on until the end: the one that there is, and when that has left, we; or we, who serve the others meanwhile. */
  keep(): void {
    const held = this.take()
    let end = (): void => undefined
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    const kept = held.then(async (supervisor) => {
      if (isRemote(supervisor)) return attend(this.#cli, over)
      const stopServing = await serveMeanwhile(this.#cli, supervisor)
      await over
      await stopServing()
    })
    // What keeps us from being the manager is no reason to end before the process has.
    const told = kept.catch((error: unknown) => reportError(this.#cli.io, error))
    this.#endKeeping = async () => {
      end()
      await told
    }
  }

  /** An interrupt is not lost because somebody else acts in the directory: it is tried again until it can be done, or the process has ended. */
  async #open(): Promise<Supervisor> {
    for (let isTold = false; ; isTold = true) {
      try {
        return await this.#cli.openSupervisor()
      } catch (error) {
        if (this.#isOver || !isProcmanError(error) || error.code !== 'PROCMAN_STATE_DIR_LOCKED') throw error
        if (!isTold) await say(this.#cli.io, `waiting to cancel: ${error.message}`)
      }
    }
  }

  /** The process has ended: nothing is waited for any more that would only cancel it. */
  async finish(): Promise<void> {
    this.#isOver = true
    await this.release()
  }

  /** Waits for cancels under way, then lets go. Not held: nothing. */
  async release(): Promise<void> {
    await Promise.all(this.#cancels)
    await this.abandon()
  }

  /** Lets go without waiting for cancels. */
  async abandon(): Promise<void> {
    await this.#endKeeping()
    const held = this.#supervisor
    this.#supervisor = null
    await (await held)?.close()
  }

  /** From now on there is a process to interrupt; interrupts that came before act now. */
  aim(id: string): void {
    this.#id = id
    for (let nth = 1; nth <= Math.min(2, this.#interrupts); nth++) this.#cancels.push(this.#cancel(id, nth > 1))
  }

  /** The first cancels, each further one kills. */
  interrupt(): void {
    this.#interrupts++
    if (this.#id !== null) this.#cancels.push(this.#cancel(this.#id, this.#interrupts > 1))
  }

  async #cancel(id: string, isKill: boolean): Promise<void> {
    try {
      await this.#askToCancel(id, isKill ? { timeoutMs: 0 } : {})
    } catch (error) {
      if (isProcmanError(error) && error.code === 'PROCMAN_CLOSED')
        return say(this.#cli.io, `the stop of ${id} is under way, and is finished by the next command`)
      await say(this.#cli.io, `${id} was not ${isKill ? 'killed' : 'cancelled'}, it goes on, for this reason:`)
      await reportError(this.#cli.io, error)
    }
  }

  /** A manager that was lost meanwhile has another one after it. */
  async #askToCancel(id: string, options: { readonly timeoutMs?: number }): Promise<void> {
    for (;;) {
      const asked = this.take()
      const supervisor = await asked
      try {
        await supervisor.cancel(id, options)
        return
      } catch (error) {
        if (this.#isOver) return
        if (!isProcmanError(error) || error.code !== 'PROCMAN_MANAGER_UNREACHABLE') throw error
        if (this.#supervisor === asked) this.#supervisor = null
        await supervisor.close()
      }
    }
  }
}
