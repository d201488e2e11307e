/** What is declared now and takes effect in later versions. */
import { list, object, option } from './leaf.ts'
import { flag, fullText, moreThanZero, size, whole, word } from './values.ts'

const MANY = Number.MAX_SAFE_INTEGER

export const resourceLimits = object('a map of limits', {
  max_memory_mb: option(moreThanZero, 'Memory of the whole tree, in MB (1 MB is 1024 × 1024 bytes).'),
  max_memory: option(size, 'The same, with a unit: `512MB`.'),
  max_cpu_percent: option(moreThanZero, 'Share of one processor; 200 is two of them.'),
  max_file_descriptors: option(whole(1, MANY), 'Open files of each process.'),
  max_processes: option(whole(1, MANY), 'Processes of the whole tree.'),
}).meta({ id: 'resource_limits', description: 'Checked, and without effect yet: `procman validate` and `procman plan` warn of it.' })

export const logging = object('a map about its output', {
  capture_stdout: option(flag, 'Its stdout goes to its log. False has no effect yet.', true),
  capture_stderr: option(flag, 'Its stderr goes to its log. False has no effect yet.', true),
  buffer_size: option(size, 'Without effect: output goes straight to files, and nothing is buffered.'),
}).meta({ id: 'logging', description: 'What becomes of its output.' })

const target = object('a map with type', {
  type: word(['file', 'process_manager_stdout', 'process_manager_stderr']).meta({ description: 'Where output goes.' }),
  path: option(fullText, 'The file, of type `file`.'),
  format: option(word(['plain', 'json']), 'How a line is written.', 'plain'),
}).meta({ id: 'log_target', description: 'Where collected output goes.' })

export const logCollection = object('a map about the collection of logs', {
  enabled: option(flag, 'Whether output is collected.', true),
  global_aggregation: option(
    object('a map of enabled and targets', {
      enabled: option(flag, 'Whether the output of all processes goes to the targets.', true),
      targets: option(list('a list of targets', target), 'Where it goes.', []),
    }).meta({ id: 'global_aggregation', description: 'The output of all processes together.' }),
    'The output of all processes together.',
  ),
}).meta({ id: 'log_collection', description: 'Checked, and without effect yet: `procman validate` and `procman plan` warn of it.' })
