/** Composes the collection of logs with a supervisor: whatever its processes put out is delivered to the targets. */
import type { Supervisor } from './api.ts'
import { LogCollector } from './collect/collector.ts'
import type { CollectLogsOptions, Collector } from './collect/contract.ts'
import { ProcmanError } from './errors.ts'
import { beforeRemoval, onNews } from './supervisor.ts'

export type {
  CollectEvent,
  CollectLogsOptions,
  CollectOptions,
  Collector,
  CollectRules,
  FileTarget,
  FunctionTarget,
  HttpTarget,
  LogRecord,
  LogTarget,
  RecordSelector,
  StreamTarget,
  SyslogTarget,
  TargetStatus,
} from './collect/contract.ts'

/**
 * Delivers the output of all processes, line by line, to targets: at least once, each at its own pace. How far a target is, is kept in the state directory: the next
 * collector goes on there. Close it before the supervisor.
 *
 * @param supervisor of this program
 * @throws PROCMAN_INVALID_ARGUMENT with `details.problems`
 * @example
 * const collector = collectLogs(supervisor, { targets: [{ type: 'file', path: '/var/log/all.json', format: 'json' }] })
 */
export function collectLogs(supervisor: Supervisor, { onEvent = () => {}, ...options }: CollectLogsOptions): Collector {
  return new LogCollector(
    {
      supervisor,
      onNews: (listener) => onNews(supervisor, listener) ?? notHere(),
      beforeRemoval: (listener) => beforeRemoval(supervisor, listener) ?? notHere(),
      tell: onEvent,
    },
    options,
  )
}

function notHere(): never {
  throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', 'logs are collected by the program that manages the processes: a client of another one cannot')
}
