/** A manager in another program. */
import { ProcmanError } from '../../errors.ts'
import type { ApplyReport, ManagerStatus } from '../../manager/contract.ts'
import type { RemoteManager } from '../contract.ts'
import { timeoutBody } from './timeout.ts'

type Ask = (method: 'GET' | 'POST' | 'PUT', path: string, body?: object) => Promise<unknown>

export function remoteManager(ask: Ask): RemoteManager {
  return {
    status: async () => {
      const { manager, state_dir } = (await ask('GET', '/v1/status')) as { readonly manager: ManagerStatus | null; readonly state_dir: string }
      if (manager !== null) return manager
      throw new ProcmanError('PROCMAN_NO_MANAGER', `what holds ${state_dir} is a program of its own`, { details: { stateDir: state_dir } })
    },
    apply: async ({ startDown, ...request }) =>
      (await ask('PUT', '/v1/desired', { ...request, ...(startDown === undefined ? {} : { start_down: startDown }) })) as ApplyReport,
    down: async ({ keep, timeoutMs } = {}) =>
      (await ask('POST', '/v1/down', { ...(keep === undefined ? {} : { keep }), ...timeoutBody(timeoutMs) })) as ApplyReport,
    stop: async () => void (await ask('POST', '/v1/manager/stop', {})),
    setLogLevel: async (level) => void (await ask('PUT', '/v1/manager/log-level', { level })),
  }
}
