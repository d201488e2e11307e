/** What the logs of a process take on the disk. */
import { lstatSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { LogStream } from '../contract.ts'
import { placePath, readPlace } from '../place.ts'
import { type Coding, listSegments, segmentPath } from '../segments.ts'
import type { StoredSegment } from './retention.ts'

const CODINGS: readonly Coding[] = ['plain', 'gzip', 'zstd']

export interface StreamStock {
  /** Oldest first. */
  readonly segments: readonly StoredSegment[]
  readonly livePath: string
  /** Null: there is no live file. Its punched head takes nothing on the disk. */
  readonly live: { readonly bytes: number; readonly diskBytes: number; readonly blockBytes: number; readonly base: number; readonly head: number } | null
  readonly lostBytes: number
}

export function stockOf(jobDir: string, stream: LogStream): StreamStock {
  const livePath = join(jobDir, `${stream}.log`)
  const segments = listSegments(livePath).flatMap((segment) => {
    const stat = lstatSync(segment.path, { throwIfNoEntry: false })
    return stat?.isFile() ? [{ ...segment, bytes: stat.size, rotatedAtMs: stat.mtimeMs }] : []
  })
  const stat = lstatSync(livePath, { throwIfNoEntry: false })
  const { ino, base, head, lost } = readPlace(placePath(livePath)) ?? { ino: '0', base: 0, head: 0, lost: 0 }
  const isSame = ino === '0' || ino === String(stat?.ino)
  const live = stat?.isFile()
    ? { bytes: stat.size, diskBytes: Math.min(stat.size, stat.blocks * 512), blockBytes: stat.blksize, base: isSame ? base : head, head }
    : null
  return { segments, livePath, live, lostBytes: lost }
}

/** Also where a compression was cut off, and it lies there twice. */
export function removeSegment(livePath: string, { from, to }: { readonly from: number; readonly to: number }): void {
  for (const coding of CODINGS) rmSync(segmentPath(livePath, { from, to, coding }), { force: true })
}
