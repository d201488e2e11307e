/** What can be asked of the manager as a whole. */
import { ProcmanError } from '../../errors.ts'
import { readVersion } from '../../version.ts'
import { API_VERSION } from '../contract.ts'
import * as schemas from '../schemas.ts'
import { timeoutOf } from './process-routes.ts'
import { managerOf, type Route, route } from './route.ts'

export const managerRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/v1/status',
    operationId: 'getStatus',
    summary: 'Who answers, and how it is',
    answer: schemas.status,
    act: ({ supervisor, manager }) => ({
      api: API_VERSION,
      pid: process.pid,
      version: readVersion(),
      state_dir: supervisor.stateDir,
      processes: supervisor.table.getSnapshot().context.processes.size,
      problems: supervisor.problems,
      manager: manager?.status() ?? null,
    }),
  }),
  route({
    method: 'PUT',
    url: '/v1/desired',
    operationId: 'applyConfig',
    summary: 'Reads a config file and brings about what it says',
    body: schemas.applyRequest,
    answer: schemas.applyReport,
    act: (ground, { body: { path, env, start_down, replace, watch } }) => managerOf(ground).apply(given({ path, env, startDown: start_down, replace, watch })),
  }),
  route({
    method: 'POST',
    url: '/v1/down',
    operationId: 'down',
    summary: 'Stops what is declared, dependents first, and removes it',
    body: schemas.downBody,
    answer: schemas.applyReport,
    act: (ground, { body: { keep, ...body } }) => managerOf(ground).down(given({ keep, ...timeoutOf(body) })),
  }),
  route({
    method: 'POST',
    url: '/v1/manager/stop',
    operationId: 'stopManager',
    summary: 'The manager lets go and ends; everything that runs goes on',
    answer: schemas.done,
    act: (ground) => managerOf(ground).stop(),
  }),
  route({
    method: 'PUT',
    url: '/v1/manager/log-level',
    operationId: 'setLogLevel',
    summary: 'What the manager writes to its log from now on',
    body: schemas.logLevelBody,
    answer: schemas.done,
    act: (ground, { body: { level } }) => managerOf(ground).setLogLevel(level),
  }),
  route({
    method: 'POST',
    url: '/v1/shutdown',
    operationId: 'shutdown',
    summary: 'Stops everything, then lets go',
    body: schemas.stopBody,
    answer: schemas.done,
    act: async (ground, { body }) => {
      if (!ground.supervisor.actor.getSnapshot().hasTag('open')) throw new ProcmanError('PROCMAN_CLOSED', 'the supervisor is closed or shutting down')
      try {
        await ground.supervisor.shutdown(timeoutOf(body))
      } finally {
        ground.end()
      }
    },
  }),
]

function given<Options extends object>(options: Options): { [Name in keyof Options]: Exclude<Options[Name], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as ReturnType<typeof given<Options>>
}
