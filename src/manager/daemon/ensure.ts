/** A manager that can be reached: the one that there is, or a daemon that is started. However many ask at once, there is one in the end. */
import type { RemoteManager } from '../../control/contract.ts'
import { ProcmanError } from '../../errors.ts'
import { changeIn } from '../../files.ts'
import { holderOf, takeStartRight } from '../../state-dir.ts'
import { findManager } from '../reach.ts'
import type { DaemonOptions } from './protocol.ts'
import { type StartedDaemon, startDaemon } from './start.ts'

/** Somebody else starts it, and that takes a moment on a busy machine: a change in the directory tells, and if not, it is looked again. */
const LOOK_MS = 200

export type Reached =
  | { readonly kind: 'found'; readonly manager: RemoteManager }
  /** Ours: it was given the options. */
  | ({ readonly kind: 'started' } & StartedDaemon)

export interface Patience {
  /** Waits so long for another one who starts it. */
  readonly patienceMs: number
  /** Waits so long for a command that holds the directory for a moment. */
  readonly lockTimeoutMs: number
}

/**
 * @param env of the daemon, if one is started
 * @throws PROCMAN_STATE_DIR_LOCKED, PROCMAN_STATE_DIR_UNUSABLE, and what the daemon threw when it was started
 */
export async function ensureManager(
  options: Omit<DaemonOptions, 'lockTimeoutMs'>,
  env: Readonly<Record<string, string | undefined>>,
  { patienceMs, lockTimeoutMs }: Patience,
): Promise<Reached> {
  const { stateDir } = options
  const giveUpAtMs = performance.now() + patienceMs
  for (;;) {
    const found = await findManager(stateDir)
    if (found !== null) return { kind: 'found', manager: found }
    const leftMs = giveUpAtMs - performance.now()
    if (leftMs <= 0) throw nobodyCame(stateDir)
    const giveBack = takeStartRight(stateDir)
    if (giveBack === null) {
      await changeIn(stateDir, Math.min(LOOK_MS, leftMs))
      continue
    }
    try {
      // Who had the right before us may have made use of it.
      const late = await findManager(stateDir)
      if (late !== null) return { kind: 'found', manager: late }
      const started = await startDaemon({ ...options, lockTimeoutMs: Math.min(leftMs, lockTimeoutMs) }, env)
      if (started !== null) return { kind: 'started', ...started }
    } finally {
      giveBack()
    }
  }
}

function nobodyCame(stateDir: string): ProcmanError {
  const pid = holderOf(stateDir)?.pid ?? null
  const message =
    pid === null
      ? `no manager of ${stateDir} has come up in time`
      : `the state directory ${stateDir} is in use by process ${pid}, which cannot be asked: another procman manages it`
  return new ProcmanError('PROCMAN_STATE_DIR_LOCKED', message, { details: { stateDir, pid } })
}
