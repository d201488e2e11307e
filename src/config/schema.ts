/** The schema of config files: types, JSON Schema and the reference page are made from it. */
import type * as z from 'zod'
import type { LogLevel } from './contract.ts'
import { logCollection } from './schema/collection.ts'
import { object, option } from './schema/leaf.ts'
import { managedProcesses } from './schema/managed.ts'
import { processes } from './schema/process.ts'
import { duration, fullText, size, whole, word } from './schema/values.ts'

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

const processManager = object('a map of settings of the manager', {
  port: option(whole(1, 65_535), 'Listen on this port of 127.0.0.1 as well, for holders of a token. Default: on the socket in the state directory only.'),
  log_level: option(word(LEVELS), 'What the manager logs.', 'info'),
  force_shutdown_timeout: option(duration, 'When everything is stopped: what is still there so long after the beginning is killed.', '30s'),
  log_max_total: option(
    size,
    'The output of all processes together takes no more: beyond that the oldest rotated files go. Default: no limit but those of each process.',
  ),
}).meta({ id: 'process_manager', description: 'Settings of the manager.' })

export const config = object('a map with processes or managed_processes', {
  $schema: option(fullText, 'Where an editor finds the JSON Schema.'),
  process_manager: option(processManager, 'Settings of the manager.'),
  processes: option(processes, 'Processes by name: a command line, or a map. The short form.'),
  managed_processes: option(managedProcesses, 'Processes, in the long form. Both forms may stand in one file.'),
  log_collection: option(logCollection, 'Where output is delivered to, beside the logs that each process has.'),
}).meta({ title: 'procman config file', description: 'What should run. Keys that begin with `x-` are left alone: a place for anchors.' })

export type ConfigAsked = z.output<typeof config>
