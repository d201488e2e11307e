/** What becomes of the output of a process, in words. */
import type { LogStats, ProcessRecord, StreamStats } from '../../index.ts'
import { writeSize } from '../../size.ts'
import type { Row } from './row.ts'
import { renderSize } from './size.ts'
import { renderSpan } from './time.ts'

const STREAMS = ['stdout', 'stderr'] as const

type Logs = ProcessRecord['logs']

/** @param stats null: nobody has looked */
export function logRows({ logs }: Pick<ProcessRecord, 'logs'>, stats: LogStats | null): readonly Row[] {
  const where: readonly Row[] =
    logs.stdout === logs.stderr
      ? [['output', renderCapture(logs, logs.stdout)]]
      : [
          ['stdout', renderCapture(logs, logs.stdout)],
          ['stderr', renderCapture(logs, logs.stderr)],
        ]
  return stats === null ? where : [...where, ...statRows(logs, stats)]
}

function statRows(logs: Logs, stats: LogStats): readonly Row[] {
  const inFiles = STREAMS.filter((stream) => logs[stream] === 'files' || stats[stream].to > 0)
  const lost = STREAMS.filter((stream) => stats[stream].lostBytes > 0).map((stream) => `${renderSize(stats[stream].lostBytes)} of ${stream}`)
  return [
    ...(inFiles.length === 0 ? [] : [['logs', inFiles.map((stream) => renderStats(stream, stats[stream])).join(', ')] as const]),
    ...(lost.length === 0 ? [] : [['lost output', `${lost.join(', ')}: it could not be written, the disk was full`] as const]),
  ]
}

function renderStats(stream: string, { from, to, gapBytes, diskBytes, rotatedFiles, compressedFiles }: StreamStats): string {
  const packed = compressedFiles === 0 ? '' : `, ${compressedFiles} of them compressed`
  const rotated = rotatedFiles === 0 ? '' : ` in ${rotatedFiles + 1} files${packed}`
  const taken = compressedFiles === 0 ? '' : ` (${renderSize(diskBytes)} on the disk)`
  return `${renderSize(to - from - gapBytes)} of ${stream}${rotated}${taken}`
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
