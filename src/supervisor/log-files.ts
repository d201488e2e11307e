/** The files of a process's output, told from its directory. */
import { type StreamStock, stockOf } from '../effects/logs/keep/stock.ts'
import type { LogPaths, LogStats, StreamStats } from '../log-api.ts'

export function logPathsIn(jobDir: string): LogPaths {
  const paths = ({ segments, live, livePath }: StreamStock) => [...segments.map(({ path }) => path), ...(live === null ? [] : [livePath])]
  return { stdout: paths(stockOf(jobDir, 'stdout')), stderr: paths(stockOf(jobDir, 'stderr')) }
}

export function logStatsIn(jobDir: string): LogStats {
  return { stdout: statsOf(stockOf(jobDir, 'stdout')), stderr: statsOf(stockOf(jobDir, 'stderr')) }
}

function statsOf({ segments, live, lostBytes }: StreamStock): StreamStats {
  const rotated = segments.map(({ from, to }) => ({ from, to }))
  const kept = live === null ? rotated : [...rotated, { from: live.head, to: live.base + live.bytes }]
  const to = Math.max(0, ...kept.map((each) => each.to))
  const from = Math.min(to, ...kept.map((each) => each.from))
  let end = from
  let gapBytes = 0
  for (const each of kept) {
    gapBytes += Math.max(0, each.from - end)
    end = Math.max(end, each.to)
  }
  const diskBytes = segments.reduce((sum, { bytes }) => sum + bytes, live?.diskBytes ?? 0)
  const compressedFiles = segments.filter(({ coding }) => coding !== 'plain').length
  return { diskBytes, from, to, gapBytes, lostBytes, rotatedFiles: segments.length, compressedFiles }
}
