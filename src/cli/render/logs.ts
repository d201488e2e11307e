/** What becomes of the output of a process, in words. */
import type { ProcessRecord } from '../../index.ts'
import { writeSize } from '../../size.ts'
import type { Row } from './row.ts'
import { renderSpan } from './time.ts'

type Logs = ProcessRecord['logs']

export function logRows({ logs }: Pick<ProcessRecord, 'logs'>): readonly Row[] {
  if (logs.stdout === logs.stderr) return [['output', renderCapture(logs, logs.stdout)]]
  return [
    ['stdout', renderCapture(logs, logs.stdout)],
    ['stderr', renderCapture(logs, logs.stderr)],
  ]
}

function renderCapture(logs: Logs, capture: Logs['stdout']): string {
  switch (capture) {
    case 'none':
      return 'not kept'
    case 'memory':
      return `in memory, the last ${writeSize(logs.bufferBytes)} of it`
    case 'files':
      return renderFiles(logs)
  }
}

function renderFiles({ maxSizeBytes, maxFiles, maxAgeMs, maxTotalBytes, compress }: Logs): string {
  const total = maxTotalBytes === null ? [] : [`${writeSize(maxTotalBytes)} in all`]
  if (maxSizeBytes === null) return ['in files, not rotated', ...total].join(', ')
  return [
    `in files, rotated at ${writeSize(maxSizeBytes)}`,
    maxFiles === 0 ? 'nothing older is kept' : `${maxFiles} rotated ${maxFiles === 1 ? 'file' : 'files'} kept`,
    ...(maxAgeMs === null ? [] : [`none older than ${renderSpan(maxAgeMs)}`]),
    ...total,
    ...(compress === 'none' ? [] : [`compressed by ${compress}`]),
  ].join(', ')
}
