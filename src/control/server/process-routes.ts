/** What can be asked about processes, and of them. */
import { Buffer } from 'node:buffer'
import type { ProcessInput, Supervisor } from '../../api.ts'
import { ProcmanError } from '../../errors.ts'
import { explainProcess, type ProcessCommand } from '../../process.ts'
import * as schemas from '../schemas.ts'
import { isRecord, withCallerEnv } from './caller-env.ts'
import { filterOf } from './filter.ts'
import { type Route, route } from './route.ts'

const params = schemas.idParams
const record = schemas.processRecord

export const processRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/v1/processes',
    operationId: 'listProcesses',
    summary: 'All processes, or those that fit',
    query: schemas.listQuery,
    answer: schemas.recordList,
    act: ({ supervisor }, { query }) => ({ processes: supervisor.list(filterOf(query)) }),
  }),
  route({
    method: 'POST',
    url: '/v1/processes',
    operationId: 'startProcess',
    summary: 'Creates a process and starts it; answers once it is launched',
    body: schemas.startBody,
    answer: record,
    act: async ({ supervisor }, { body }) => supervisor.get((await supervisor.start(inputOf(body))).id),
  }),
  route({
    method: 'GET',
    url: '/v1/processes/:id',
    operationId: 'getProcess',
    summary: 'The record of a process',
    params,
    answer: record,
    act: ({ supervisor }, { params: { id } }) => supervisor.get(id),
  }),
  route({
    method: 'PUT',
    url: '/v1/processes/:id',
    operationId: 'updateProcess',
    summary: 'Declares a process anew; it is restarted only if what its run is made of has changed',
    params,
    body: schemas.startBody,
    answer: record,
    act: ({ supervisor }, { params: { id }, body }) => supervisor.update(id, inputOf(body)),
  }),
  route({
    method: 'DELETE',
    url: '/v1/processes/:id',
    operationId: 'removeProcess',
    summary: 'Forgets a settled process with its files',
    params,
    answer: schemas.done,
    act: ({ supervisor }, { params: { id } }) => supervisor.remove(id),
  }),
  route({
    method: 'POST',
    url: '/v1/processes/:id/launch',
    operationId: 'launchProcess',
    summary: 'Starts a process that is not up',
    params,
    body: schemas.launchBody,
    answer: record,
    act: ({ supervisor }, { params: { id }, body }) => supervisor.launch(id, body),
  }),
  route({
    method: 'POST',
    url: '/v1/processes/:id/stop',
    operationId: 'stopProcess',
    summary: 'Stops a process; answers once its whole tree is gone',
    params,
    body: schemas.stopBody,
    answer: record,
    act: ({ supervisor }, { params: { id }, body }) => supervisor.stop(id, timeoutOf(body)),
  }),
  route({
    method: 'POST',
    url: '/v1/processes/:id/restart',
    operationId: 'restartProcess',
    summary: 'Stops what is up and starts the next run; answers once that is launched',
    params,
    body: schemas.launchBody,
    answer: record,
    act: ({ supervisor }, { params: { id }, body }) => supervisor.restart(id, body),
  }),
  route({
    method: 'POST',
    url: '/v1/processes/:id/reset',
    operationId: 'resetProcess',
    summary: 'Nothing counts against the process any more',
    params,
    answer: record,
    act: ({ supervisor }, { params: { id } }) => supervisor.reset(id),
  }),
  route({
    method: 'POST',
    url: '/v1/processes/:id/signal',
    operationId: 'signalProcess',
    summary: 'Sends a signal',
    params,
    body: schemas.signalBody,
    answer: schemas.done,
    act: ({ supervisor }, { params: { id }, body: { signal, target = 'group' } }) => supervisor.signal(id, signal, { target }),
  }),
  route({
    method: 'POST',
    url: '/v1/processes/:id/stdin',
    operationId: 'writeStdin',
    summary: 'Writes to stdin, closes it, or both',
    params,
    body: schemas.stdinBody,
    answer: schemas.done,
    act: async ({ supervisor }, { params: { id }, body: { data, encoding, close } }) => {
      if (data !== undefined) await supervisor.write(id, Buffer.from(data, encoding))
      if (close) await supervisor.closeStdin(id)
    },
  }),
  route({
    method: 'POST',
    url: '/v1/processes/:id/hold',
    operationId: 'holdProcess',
    summary: 'Tells why a process that is down is not started; null: nothing holds it',
    params,
    body: schemas.holdBody,
    answer: record,
    act: ({ supervisor }, { params: { id }, body: { reason } }) => supervisor.hold(id, reason),
  }),
  route({
    method: 'POST',
    url: '/v1/processes/:id/send',
    operationId: 'sendToProcess',
    summary: "Sends a command to the process's actor, which may take a while over it",
    params,
    body: schemas.sendBody,
    answer: schemas.done,
    act: ({ supervisor }, { params: { id }, body: { event } }) => send(supervisor, id, { ...event, atMs: Date.now() } as ProcessCommand),
  }),
  route({
    method: 'GET',
    url: '/v1/processes/:id/wait',
    operationId: 'waitForProcess',
    summary: 'Answers once the process is what is waited for',
    params,
    query: schemas.waitQuery,
    answer: record,
    act: ({ supervisor }, { params: { id }, query, signal }) =>
      supervisor.waitFor(id, query.for, { signal, ...(query.timeout_ms === undefined ? {} : { timeoutMs: query.timeout_ms }) }),
  }),
  route({
    method: 'GET',
    url: '/v1/processes/:id/why',
    operationId: 'explainProcess',
    summary: 'Why a process is in its state, in words',
    params,
    answer: schemas.explanation,
    act: ({ supervisor }, { params: { id } }) => {
      const found = supervisor.get(id)
      return { id: found.id, state: found.state, lines: explainProcess(found, Date.now()) }
    },
  }),
  route({
    method: 'GET',
    url: '/v1/processes/:id/logs/files',
    operationId: 'listLogFiles',
    summary: 'The files of its output, and what is kept in them',
    params,
    answer: schemas.logFiles,
    act: async ({ supervisor }, { params: { id } }) => ({ paths: await supervisor.logPaths(id), stats: await supervisor.logStats(id) }),
  }),
  route({
    method: 'POST',
    url: '/v1/processes/:id/logs/rotate',
    operationId: 'rotateLogs',
    summary: 'Rotates its logs now; answers once that is done',
    params,
    answer: schemas.done,
    act: ({ supervisor }, { params: { id } }) => supervisor.rotateLogs(id),
  }),
  route({
    method: 'POST',
    url: '/v1/processes/:id/logs/clear',
    operationId: 'clearLogs',
    summary: 'Lets go of all of its output so far',
    params,
    answer: schemas.done,
    act: ({ supervisor }, { params: { id } }) => supervisor.clearLogs(id),
  }),
  route({
    method: 'POST',
    url: '/v1/cleanup',
    operationId: 'cleanup',
    summary: 'Forgets all that has settled, and ended long enough ago',
    body: schemas.cleanupBody,
    answer: schemas.removedIds,
    act: async ({ supervisor }, { body: { older_than_ms } }) => ({ removed: await supervisor.cleanup({ olderThanMs: older_than_ms }) }),
  }),
  route({
    method: 'POST',
    url: '/v1/refresh',
    operationId: 'refresh',
    summary: 'Checks every process against the operating system now',
    answer: schemas.recordList,
    act: async ({ supervisor }) => ({ processes: await supervisor.refresh() }),
  }),
]

function inputOf(body: object): ProcessInput {
  const { callerEnv, ...input }: { readonly callerEnv?: unknown } = body
  if (callerEnv !== undefined && !isRecord(callerEnv)) throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', 'callerEnv must be an object of strings')
  return withCallerEnv(withPattern(input as ProcessInput), callerEnv as Readonly<Record<string, string>> | undefined, process.env)
}

/** JSON has no regular expressions. One that is none is told by the library. */
function withPattern(input: ProcessInput): ProcessInput {
  const logLine = isRecord(input.ready) && 'logLine' in input.ready ? patternOf(input.ready.logLine) : null
  const pattern = isRecord(input.progress) ? patternOf(input.progress.pattern) : null
  return { ...input, ...(logLine === null ? {} : { ready: { logLine } }), ...(pattern === null ? {} : { progress: { pattern } }) }
}

function patternOf(given: unknown): RegExp | null {
  if (!isRecord(given) || typeof given.source !== 'string' || typeof given.flags !== 'string') return null
  try {
    return new RegExp(given.source, given.flags)
  } catch {
    return null
  }
}

export function timeoutOf({ timeout_ms }: { readonly timeout_ms?: number | 'never' | undefined }): { readonly timeoutMs?: number } {
  if (timeout_ms === undefined) return {}
  return { timeoutMs: timeout_ms === 'never' ? Number.POSITIVE_INFINITY : timeout_ms }
}

/** What an actor would not take is refused here: it would be dropped without a word. */
function send(supervisor: Supervisor, id: string, event: ProcessCommand): void {
  const ref = supervisor.ref(id)
  const snapshot = ref.getSnapshot()
  if (!snapshot.can(event))
    throw new ProcmanError('PROCMAN_WRONG_STATE', `process ${ref.id} is ${snapshot.value}: ${event.type} is refused in this state`, {
      details: { id: ref.id, state: snapshot.value, command: event.type },
    })
  ref.send(event)
}
