/** What a process may use, and what becomes of its output. */

import { collected } from './collection.ts'
import { leaf, object, option, orReference } from './leaf.ts'
import { age, flag, moreThanZero, size, sizeFrom, whole, word } from './values.ts'

const MANY = Number.MAX_SAFE_INTEGER
const CAPTURES = ['files', 'memory', 'none'] as const
const MOST_FILES = 100_000
const LEAST_BUFFER = 4 * 1_024
const MOST_BUFFER = 1_024 ** 3

export const resourceLimits = object('a map of limits', {
  max_memory_mb: option(moreThanZero, 'Memory of the whole tree, in MB (1 MB is 1024 × 1024 bytes).'),
  max_memory: option(size, 'The same, with a unit: `512MB`.'),
  max_cpu_percent: option(moreThanZero, 'Share of one processor; 200 is two of them.'),
  max_file_descriptors: option(whole(1, MANY), 'Open files of each process.'),
  max_processes: option(whole(1, MANY), 'Processes of the whole tree.'),
}).meta({ id: 'resource_limits', description: 'Checked, and without effect yet: `procman validate` and `procman plan` warn of it.' })

const capture = word(CAPTURES)
const captureOfOne = leaf('true, false, or one of files, memory, none', orReference({ enum: [true, false, ...CAPTURES] }), ['flag', 'text'], (given) =>
  [true, false, ...CAPTURES].find((one) => String(one) === String(given)),
)

export const logging = object('a map about its output', {
  capture: option(capture, 'Where its output goes: to its logs; to memory, where the last of it is held while it is up; nowhere.', 'files'),
  capture_stdout: option(captureOfOne, 'The same for its stdout alone; false is `none`, true what `capture` says.', true),
  capture_stderr: option(captureOfOne, 'The same for its stderr alone.', true),
  max_size: option(size, 'A log that is larger is rotated, each stream by itself.', '10MB'),
  max_files: option(whole(0, MOST_FILES), 'So many rotated files are kept of each stream.', 10),
  max_age: option(age, 'Rotated files that are older are removed. Default: they are kept.'),
  max_total: option(size, 'Both streams with their rotated files take no more. Default: what the limits above come to.'),
  compress: option(word(['none', 'gzip', 'zstd']), 'How rotated files are compressed; where there is no zstd it is gzip.', 'none'),
  rotate: option(flag, 'False: nothing is rotated, the logs grow without end.', true),
  buffer_size: option(sizeFrom(LEAST_BUFFER, MOST_BUFFER, 'from 4kB to 1GB'), 'How much of each stream is held in memory, with `capture: memory`.', '1MB'),
  ...collected,
}).meta({ id: 'logging', description: 'What becomes of its output. [Logs](logs.md) tells more.' })
