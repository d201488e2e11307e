/** What was rotated out of the live file of a stream: `stdout.<from>-<to>.log`, maybe compressed, beside it. keeper/README.md has the contract. */
import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { errnoOf } from '../../files.ts'

export type Coding = 'plain' | 'gzip' | 'zstd'

export interface Segment {
  readonly path: string
  /** Logical offset of its first byte. */
  readonly from: number
  /** Logical offset behind its last byte. */
  readonly to: number
  readonly coding: Coding
}

const SUFFIX: Readonly<Record<Coding, string>> = { plain: '', gzip: '.gz', zstd: '.zst' }
const CODINGS: Readonly<Record<string, Coding>> = { '': 'plain', '.gz': 'gzip', '.zst': 'zstd' }
const RANGE = /^\.(\d{15})-(\d{15})\.log(|\.gz|\.zst)$/

/** @param livePath of the live file: `…/stdout.log` */
export function segmentPath(livePath: string, { from, to, coding }: Omit<Segment, 'path'>): string {
  return livePath.replace(/\.log$/, `.${digits(from)}-${digits(to)}.log${SUFFIX[coding]}`)
}

/** All that are whole, oldest first; of a range that lies there twice the plain one. Empty when the directory is gone. */
export function listSegments(livePath: string): readonly Segment[] {
  const dir = dirname(livePath)
  const stem = basename(livePath, '.log')
  const found = new Map<string, Segment>()
  for (const name of namesIn(dir)) {
    const [, from, to, suffix] = (name.startsWith(stem) && RANGE.exec(name.slice(stem.length))) || []
    const coding = suffix === undefined ? undefined : CODINGS[suffix]
    const range = `${from}-${to}`
    if (coding === undefined || (found.has(range) && coding !== 'plain')) continue
    const segment = { path: join(dir, name), from: Number(from), to: Number(to), coding }
    if (segment.from < segment.to) found.set(range, segment)
  }
  return [...found.values()].sort((a, b) => a.from - b.from || a.to - b.to)
}

/** @returns the one that has the byte at a logical offset; undefined: none has */
export function findSegment(segments: readonly Segment[], offset: number): Segment | undefined {
  return segments.find(({ from, to }) => from <= offset && offset < to)
}

/** @returns the first logical offset behind `offset`, and before `head`, that a segment has; else `head` */
export function nextKept(segments: readonly Segment[], offset: number, head: number): number {
  return Math.min(head, ...segments.filter(({ from }) => from > offset).map(({ from }) => from))
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}

function digits(offset: number): string {
  return String(offset).padStart(15, '0')
}
