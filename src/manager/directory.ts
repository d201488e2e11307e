/** Taking a state directory, unless it has a manager that can be asked. */
import type { Supervisor } from '../api.ts'
import { isProcmanError, ProcmanError } from '../errors.ts'
import { changeIn } from '../files.ts'
import { createSupervisor } from '../supervisor.ts'
import { isServed } from './reach.ts'

const LOOK_MS = 100

/**
 * @param patienceMs waits so long for a command that holds the directory for a moment. A manager that serves it is not waited for.
 * @throws what `createSupervisor` throws; PROCMAN_STATE_DIR_LOCKED has `details.isServed`
 */
export async function openDirectory(stateDir: string, patienceMs: number): Promise<Supervisor> {
  const giveUpAtMs = performance.now() + patienceMs
  for (;;) {
    try {
      return await createSupervisor({ stateDir })
    } catch (error) {
      if (!isProcmanError(error) || error.code !== 'PROCMAN_STATE_DIR_LOCKED') throw error
      const leftMs = giveUpAtMs - performance.now()
      const served = await isServed(stateDir)
      if (served || leftMs <= 0) throw new ProcmanError(error.code, error.message, { details: { ...error.details, isServed: served }, cause: error })
      await changeIn(stateDir, Math.min(LOOK_MS, leftMs))
    }
  }
}
