/** What becomes of output: from the file's words to the library's. */
import type { LogsInput } from '../../api.ts'
import type { Capture } from '../../output.ts'
import type { ProcessAsked } from '../schema/process.ts'
import { withoutUndefined } from '../without-undefined.ts'

type LoggingAsked = NonNullable<ProcessAsked['logging']>

export function toLogs(asked: LoggingAsked): LogsInput {
  return withoutUndefined({
    capture: withoutUndefined({ stdout: toCapture(asked.capture_stdout, asked.capture), stderr: toCapture(asked.capture_stderr, asked.capture) }),
    rotate: asked.rotate,
    bufferBytes: asked.buffer_size,
    maxSizeBytes: asked.max_size,
    maxFiles: asked.max_files,
    maxAgeMs: asked.max_age,
    maxTotalBytes: asked.max_total,
    compress: asked.compress,
  })
}

function toCapture(ofOne: boolean | Capture | undefined, ofBoth: Capture | undefined): Capture | undefined {
  if (ofOne === false) return 'none'
  return ofOne === undefined || ofOne === true ? ofBoth : ofOne
}
