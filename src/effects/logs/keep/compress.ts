/** Compressing a rotated log, so that at each moment it is there, whoever is killed. */
import { constants, createWriteStream, readdirSync, rmSync } from 'node:fs'
import { lstat, open, rename, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as zlib from 'node:zlib'
import type { Compression } from '../../../output.ts'
import { type Coding, type Segment, segmentPath } from '../segments.ts'

const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
/** Small pieces: others have their turn in between. */
const PIECE_BYTES = 64 * 1024

type Packer = () => Transform

const zstd: Packer | undefined = (zlib as { readonly createZstdCompress?: Packer }).createZstdCompress

/** What is made of a wish: zstd is had from Node 22.15 on. Null: nothing is compressed. */
export function codingFor(compress: Compression): Exclude<Coding, 'plain'> | null {
  if (compress === 'none') return null
  return compress === 'zstd' && zstd !== undefined ? 'zstd' : 'gzip'
}

/**
 * The compressed one has its name when it is whole; then the other one goes. It keeps the time of its rotation.
 * @throws what `open`, `write` and `rename` throw; then it is as it was
 */
export async function compressSegment(livePath: string, segment: Segment, coding: Exclude<Coding, 'plain'>, signal: AbortSignal): Promise<void> {
  const path = segmentPath(livePath, { ...segment, coding })
  const temp = `${path}.tmp`
  try {
    const { atime, mtime } = await lstat(segment.path)
    await rm(temp, { recursive: true, force: true })
    const file = await open(segment.path, READ)
    await pipeline(file.createReadStream({ highWaterMark: PIECE_BYTES }), packer(coding), createWriteStream(temp, { flags: 'wx', mode: 0o600 }), { signal })
    await utimes(temp, atime, mtime)
    // Removed meanwhile by who keeps the limits: it is not to come back.
    await lstat(segment.path)
    await rename(temp, path)
    await rm(segment.path, { force: true })
  } catch (error) {
    await rm(temp, { recursive: true, force: true }).catch(() => {})
    throw error
  }
}

function packer(coding: Exclude<Coding, 'plain'>): Transform {
  return coding === 'zstd' && zstd !== undefined ? zstd() : zlib.createGzip()
}

/** What a manager that was killed has begun to write. */
export function removeLeftovers(jobDir: string): void {
  for (const name of readdirSync(jobDir))
    if (/^std(out|err)\.[\d-]+\.log\.(gz|zst)\.tmp$/.test(name)) rmSync(join(jobDir, name), { recursive: true, force: true })
}
