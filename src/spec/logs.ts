/** How the output of a process is kept. */
import type { Capture, LogsSpec } from '../output.ts'
import type { ProcessSpec } from '../types.ts'
import { isRecord, LONGEST_MS, Options } from './must.ts'

const MIB = 1024 * 1024
const MANY = Number.MAX_SAFE_INTEGER
const MOST_FILES = 100_000
/** Rotated logs may be kept for years: a hundred. */
const LONGEST_AGE_MS = (LONGEST_MS / 7) * 36_525
const CAPTURES = ['files', 'memory', 'none'] as const
const KNOWN = ['capture', 'rotate', 'bufferBytes', 'maxSizeBytes', 'maxFiles', 'maxAgeMs', 'maxTotalBytes', 'compress']

export function parseLogs(given: unknown, problems: string[]): LogsSpec {
  const options = new Options(given === undefined ? {} : given, 'logs', KNOWN, problems)
  const rotate = options.flag('rotate', true)
  const maxSizeBytes = options.whole('maxSizeBytes', 10 * MIB, [1, MANY])
  return {
    ...parseCapture(options),
    bufferBytes: options.whole('bufferBytes', MIB, [4096, 1024 * MIB]),
    maxSizeBytes: rotate ? maxSizeBytes : null,
    maxFiles: options.whole('maxFiles', 10, [0, MOST_FILES]),
    maxAgeMs: nullableNumber(options, 'maxAgeMs', [1, LONGEST_AGE_MS]),
    maxTotalBytes: nullableNumber(options, 'maxTotalBytes', [1, MANY]),
    compress: options.oneOf('compress', ['none', 'gzip', 'zstd'], 'none'),
  }
}

/** What is read from output needs some. */
export function checkOutput({ logs, ready, progress }: Pick<ProcessSpec, 'logs' | 'ready' | 'progress'>): readonly string[] {
  if (logs.stdout !== 'none' || logs.stderr !== 'none') return []
  const readers = [...(ready?.kind === 'log-line' ? ['ready.logLine'] : []), ...(progress === null ? [] : ['progress'])]
  return readers.map((reader) => `${reader} needs output to look at, and logs.capture is none`)
}

function nullableNumber(options: Options, name: string, [from, to]: readonly [from: number, to: number]): number | null {
  const is = (value: unknown): value is number | null => value === null || (Number.isSafeInteger(value) && Number(value) >= from && Number(value) <= to)
  return options.read(name, `a whole number, ${from} to ${to}, or null`, is, null)
}

function parseCapture(options: Options): { readonly stdout: Capture; readonly stderr: Capture } {
  const given = options.given('capture')
  if (!isRecord(given)) {
    const capture = options.oneOf('capture', CAPTURES, 'files')
    return { stdout: capture, stderr: capture }
  }
  const each = new Options(given, 'logs.capture', ['stdout', 'stderr'], options.problems)
  return { stdout: each.oneOf('stdout', CAPTURES, 'files'), stderr: each.oneOf('stderr', CAPTURES, 'files') }
}
