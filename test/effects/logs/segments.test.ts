import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as zlib from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSegment } from '../../../src/effects/logs/segment-reader.ts'
import { findSegment, listSegments, nextKept, segmentPath } from '../../../src/effects/logs/segments.ts'

let dir: string
let live: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'procman-segments-'))
  live = join(dir, 'stdout.log')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const put = (from: number, to: number, coding: 'plain' | 'gzip' | 'zstd' = 'plain', data = '') => {
  const path = segmentPath(live, { from, to, coding })
  writeFileSync(path, coding === 'gzip' ? zlib.gzipSync(data) : data)
  return { path, from, to, coding }
}

describe('the segments of a log', () => {
  it('are told by their names, oldest first, and nothing else is one', () => {
    const second = put(8192, 12288, 'gzip')
    const first = put(0, 8192)
    const third = put(12288, 16384, 'zstd')
    for (const odd of [
      'stdout.log',
      'stdout.place',
      'stderr.000000000000000-000000000008192.log',
      'stdout.1-2.log',
      'stdout.000000000016384-000000000016384.log',
    ])
      writeFileSync(join(dir, odd), '')
    writeFileSync(`${first.path}.tmp`, '')
    writeFileSync(join(dir, 'stdout.000000000016384-000000000020480.log.7.tmp'), '')
    expect(first.path).toBe(join(dir, 'stdout.000000000000000-000000000008192.log'))
    expect(listSegments(live)).toEqual([first, second, third])
    expect(listSegments(join(dir, 'gone', 'stdout.log'))).toEqual([])
  })

  it('of a range that lies there twice, is the plain one', () => {
    put(0, 4096, 'gzip')
    const plain = put(0, 4096)
    expect(listSegments(live)).toEqual([plain])
  })

  it('has the byte between its two offsets', () => {
    const [first, , third] = [put(0, 4096), put(4096, 8192), put(12288, 16384)]
    const all = listSegments(live)
    expect([0, 4095].map((offset) => findSegment(all, offset))).toEqual([first, first])
    expect(findSegment(all, 12288)).toEqual(third)
    expect([8192, 16384].map((offset) => findSegment(all, offset))).toEqual([undefined, undefined])
    expect([nextKept(all, 8192, 20480), nextKept(all, 16384, 20480), nextKept(all, 0, 20480)]).toEqual([12288, 20480, 4096])
  })
})

describe('a segment', () => {
  const text = Array.from({ length: 60_000 }, (_, line) => `line ${line}\n`).join('')

  it.each(['plain', 'gzip'] as const)('is read from its middle, in pieces of at most 64 KB, also when it is removed meanwhile: %s', async (coding) => {
    const segment = put(4096, 4096 + text.length, coding, text)
    const reader = await openSegment(segment)
    rmSync(segment.path)
    const pieces: Buffer[] = []
    for (let at = 4096 + 300_000; at < segment.to; at += pieces.at(-1)?.length ?? 0) pieces.push(await reader.read(at, 1_000_000))
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(64 * 1024)
    expect(Buffer.concat(pieces).toString()).toBe(text.slice(300_000))
    await reader.close()
    await reader.close()
  })

  it.each(['plain', 'gzip'] as const)('that is shorter than its name says just ends: %s', async (coding) => {
    const reader = await openSegment(put(0, 4096, coding, 'short'))
    expect((await reader.read(0, 4096)).toString()).toBe('short')
    expect(await reader.read(5, 4096)).toHaveLength(0)
    await reader.close()
  })

  it('that is damaged fails, and lets go of its file', async () => {
    const segment = put(0, text.length, 'gzip', text)
    truncateSync(segment.path, 1000)
    const reader = await openSegment(segment)
    await expect(
      (async () => {
        for (let at = 0; at < text.length; ) at += (await reader.read(at, 65_536)).length
      })(),
    ).rejects.toThrow('unexpected end of file')
    await reader.close()
  })

  it.skipIf('createZstdDecompress' in zlib)('packed by zstd says what to do where Node cannot unpack it', async () => {
    const { path, ...rest } = put(0, 4096, 'zstd')
    await expect(openSegment({ path, ...rest })).rejects.toMatchObject({ code: 'PROCMAN_LOG_UNREADABLE', message: expect.stringContaining(`zstd -d ${path}`) })
  })

  it('that was removed before it was opened is not there', async () => {
    const segment = put(0, 4096)
    rmSync(segment.path)
    await expect(openSegment(segment)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
