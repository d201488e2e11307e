/** Being the manager for a while, for what only a manager brings about: probes are asked, and what is due is started, only while one lives. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Supervisor } from '../api.ts'
import { isProcmanError } from '../errors.ts'
import type { Cli } from './context.ts'
import { serveMeanwhile } from './serving.ts'

/** Nothing tells when a manager is killed: its lock is looked at so often. */
const LOOK_AGAIN_MS = 500
/** One that is being restarted is back by then, and must find the directory free. */
const RESTART_MS = 3_000

/** Holds the directory until `over`, or from when the one who holds it now has left. Settles once it is let go. @param over never rejects */
export async function attend(cli: Cli, over: Promise<unknown>): Promise<void> {
  let isOver = false
  void over.then(() => {
    isOver = true
  })
  const { holderOf } = await import('../state-dir.ts')
  const stateDir = await cli.stateDir()
  /** Since when nobody holds it; null: somebody does. */
  let freeSinceMs: number | null = Number.NEGATIVE_INFINITY
  while (!isOver) {
    freeSinceMs = holderOf(stateDir) === null ? (freeSinceMs ?? performance.now()) : null
    const isOurTurn = freeSinceMs !== null && performance.now() - freeSinceMs >= RESTART_MS
    const supervisor = isOurTurn ? await tryToTake(cli) : null
    if (supervisor === null) {
      await Promise.race([over, pause(LOOK_AGAIN_MS)])
      continue
    }
    const stopServing = await serveMeanwhile(cli, supervisor)
    await over
    await stopServing()
    await supervisor.close()
  }
}

async function tryToTake(cli: Cli): Promise<Supervisor | null> {
  try {
    return await cli.takeDirectory(0)
  } catch (error) {
    if (isProcmanError(error) && error.code === 'PROCMAN_STATE_DIR_LOCKED') return null
    throw error
  }
}
