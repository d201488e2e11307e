/** A socket's path has room for about 100 bytes only; a directory with a longer one is reached by a link that lies in a directory of ours with a short one. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** 104 on macOS with the NUL at the end, 108 on Linux. */
const LONGEST_BYTES = 103

export interface ShortPath {
  readonly path: string
  /** Only while a socket is bound or connected the path is needed. Repeated: nothing. */
  release(): void
}

export function shortPathOf(dir: string, name: string): ShortPath {
  const path = join(dir, name)
  if (Buffer.byteLength(path) <= LONGEST_BYTES) return { path, release: () => {} }
  // 0700, so that nobody else can put a link of his own in its place.
  const room = mkdtempSync(join(shortTmp(), 'procman-'))
  symlinkSync(dir, join(room, 'd'))
  return { path: join(room, 'd', name), release: () => rmSync(room, { recursive: true, force: true }) }
}

function shortTmp(): string {
  return Buffer.byteLength(tmpdir()) <= 60 ? tmpdir() : '/tmp'
}
