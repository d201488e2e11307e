/** Connecting: who is there, and what all processes are now. */
import { resolve } from 'node:path'
import { isProcmanError, ProcmanError } from '../../errors.ts'
import { show } from '../../spec/must.ts'
import { defaultStateDir, holderOf } from '../../state-dir.ts'
import { API_VERSION, type ConnectOptions, type RemoteSupervisor } from '../contract.ts'
import { Link, type Target } from './link.ts'
import { RemoteHandle } from './remote-supervisor.ts'

/** To the first answer. */
const PATIENCE_MS = 10_000

export async function open({ stateDir, url, token, env }: ConnectOptions): Promise<RemoteSupervisor> {
  for (const [name, value] of Object.entries({ stateDir, url, token }))
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', `${name} must be a non-empty string, not ${show(value)}`, {
        details: { [name]: name === 'token' ? null : value },
      })
  const target: Target = url === undefined ? { stateDir: resolve(stateDir ?? defaultStateDir(process.env)) } : { url, token: token?.trim() }
  if (url !== undefined && stateDir !== undefined)
    throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', 'a manager is asked by its stateDir or by its url, not by both', { details: { stateDir, url } })
  const link = new Link(target)
  try {
    const stateDir = await stateDirOf(link)
    const caller = { cwd: 'stateDir' in target ? cwdOrNull() : null, env }
    const handle = new RemoteHandle(link, stateDir, caller)
    await handle.open()
    return handle
  } catch (error) {
    await link.close()
    throw 'stateDir' in target ? noManager(target.stateDir, error) : error
  }
}

/** It may have been deleted under this program. */
function cwdOrNull(): string | null {
  try {
    return process.cwd()
  } catch {
    return null
  }
}

/** A manager that is stopped by a signal, or hangs, accepts connections all the same. */
async function stateDirOf(link: Link): Promise<string> {
  const status = await link.ask('GET', '/v1/status', undefined, AbortSignal.timeout(PATIENCE_MS)).then(({ data }) => data, foreign)
  if (typeof status === 'object' && status !== null && 'api' in status && status.api === API_VERSION && 'state_dir' in status) return String(status.state_dir)
  throw new ProcmanError('PROCMAN_MANAGER_UNREACHABLE', `what answers there does not speak ${API_VERSION} of the control API`)
}

/** One that does not know the question speaks another version. */
function foreign(error: unknown): null {
  if (isProcmanError(error) && error.code === 'PROCMAN_INVALID_ARGUMENT') return null
  throw error
}

/** Nobody listens: nobody is there, or a program that holds the directory without serving it. */
function noManager(stateDir: string, error: unknown): unknown {
  const errno = isProcmanError(error) ? error.details.errno : undefined
  if (errno !== 'ENOENT' && errno !== 'ECONNREFUSED') return error
  const pid = holderOf(stateDir)?.pid ?? null
  const what = pid === null ? `no manager lives in ${stateDir}: procman up starts one` : `process ${pid} holds ${stateDir}, and does not serve the control API`
  return new ProcmanError('PROCMAN_NO_MANAGER', what, { details: { stateDir, pid }, cause: error })
}
