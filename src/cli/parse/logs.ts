/** Options about what becomes of output. */
import type { LogsInput, ProcessInput } from '../../api.ts'
import type { Capture } from '../../output.ts'
import { readSize } from '../../size.ts'
import { usageError } from '../report.ts'
import { parseChoice } from './choice.ts'
import { parseCount } from './count.ts'
import { parseDuration } from './duration.ts'

export const CAPTURES = ['files', 'memory', 'none'] as const
export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const

/** As commander leaves them. */
export interface LogOptions {
  readonly capture?: readonly string[]
  readonly logBuffer?: string
  readonly logMaxSize?: string
  readonly logMaxFiles?: string
  readonly logMaxAge?: string
  readonly logMaxTotal?: string
  readonly logCompress?: string
  /** False with --no-log-rotate. */
  readonly logRotate?: boolean
}

export function parseLogs(options: LogOptions): Pick<ProcessInput, 'logs'> {
  const { capture, logBuffer, logMaxSize, logMaxFiles, logMaxAge, logMaxTotal, logCompress } = options
  const isRotated = options.logRotate !== false
  if (!isRotated && logMaxSize !== undefined) throw usageError('--no-log-rotate and --log-max-size cannot both be meant')
  const logs: LogsInput = {
    ...(capture === undefined ? {} : { capture: parseCapture(capture) }),
    ...(isRotated ? {} : { rotate: false }),
    ...(logBuffer === undefined ? {} : { bufferBytes: parseSize(logBuffer, '--log-buffer') }),
    ...(logMaxSize === undefined ? {} : { maxSizeBytes: parseSize(logMaxSize, '--log-max-size') }),
    ...(logMaxFiles === undefined ? {} : { maxFiles: parseCount(logMaxFiles, '--log-max-files') }),
    ...(logMaxAge === undefined ? {} : { maxAgeMs: parseDuration(logMaxAge, '--log-max-age') }),
    ...(logMaxTotal === undefined ? {} : { maxTotalBytes: parseSize(logMaxTotal, '--log-max-total') }),
    ...(logCompress === undefined ? {} : { compress: parseChoice(logCompress, '--log-compress', COMPRESSIONS) }),
  }
  return Object.keys(logs).length === 0 ? {} : { logs }
}

/** Both streams, or one by name; what is given later counts. */
function parseCapture(given: readonly string[]): LogsInput['capture'] {
  let streams: { readonly stdout?: Capture; readonly stderr?: Capture } = {}
  for (const text of given.flatMap((option) => option.split(','))) {
    const [, stream, word = ''] = /^(?:(stdout|stderr)=)?(.*)$/s.exec(text) ?? []
    const capture = parseChoice(word, '--capture', CAPTURES)
    streams = stream === undefined ? { stdout: capture, stderr: capture } : { ...streams, [stream]: capture }
  }
  return streams
}

function parseSize(text: string, option: string): number {
  const bytes = readSize(text)
  if (bytes === undefined) throw usageError(`${option} ${JSON.stringify(text)} is not a size; write one such as 512kB, 10MB or 1GB, more than 0`)
  return bytes
}
