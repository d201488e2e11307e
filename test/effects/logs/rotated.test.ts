/** Logs that are rotated while they are read. Stands still after each step of a rotation, as a keeper that was killed there would. */
import { rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LogChunk } from '../../../src/api.ts'
import { attachLogs } from '../../../src/effects/logs/attach.ts'
import { placePath } from '../../../src/effects/logs/place.ts'
import { watchLines } from '../../../src/effects/logs/watch.ts'
import { bytesOf, collect, settle, TestLogs, take, told } from './harness.ts'
import { Rotator, type Step } from './rotator.ts'

let logs: TestLogs
let rotator: Rotator
let written: string
beforeEach(() => {
  logs = new TestLogs()
  rotator = new Rotator(logs.path('stdout'))
  written = ''
})
afterEach(async () => {
  await vi.waitFor(() => expect(logs.openFiles()).toBe(0))
  logs.remove()
})

/** Numbered lines, at least so many bytes. */
function write(bytes: number): void {
  let text = ''
  for (let line = written.split('\n').length; text.length < bytes; line++) text += `line ${line}\n`
  logs.write(text)
  written += text
}

const now = { follow: false, stderr: false } as const
const STEPS: readonly Step[] = ['renamed', 'placed', 'punched', 'fluxed', 'collapsed', 'done']
const HOLES = 0xef53 // ext4
const canCollapse = process.platform === 'linux' && statfsSync(process.cwd()).type === HOLES

function rotateUntil(last: Step): void {
  for (const step of rotator.collapse()) if (step === last) return
}

async function follow(): Promise<{ chunks: AsyncIterator<LogChunk>; seen: LogChunk[] }> {
  return { chunks: attachLogs(logs, { stderr: false })[Symbol.asyncIterator](), seen: [] }
}

/** Until all that was written was seen. */
async function catchUp({ chunks, seen }: Awaited<ReturnType<typeof follow>>): Promise<void> {
  while (bytesOf(seen).length < written.length) seen.push(...(await take(chunks, 1)))
  expect(bytesOf(seen)).toBe(written)
}

describe.skipIf(!canCollapse)('a log that stands still in the middle of a rotation', () => {
  it.each(STEPS)('is read whole, from its beginning, from a position and from its end, after the step: %s', async (step) => {
    write(30_000)
    const early = attachLogs(logs, now)
    await collect(early)
    const behind = written.length
    write(20_000)
    rotator.rotate()
    const follower = await follow()
    await catchUp(follower)
    write(30_000)
    await catchUp(follower)
    const asked = attachLogs(logs, now)
    rotateUntil(step)
    expect(bytesOf(await collect(asked))).toBe(written)
    expect(bytesOf(await collect(attachLogs(logs, now)))).toBe(written)
    expect(bytesOf(await collect(attachLogs(logs, { ...now, from: early.position })))).toBe(written.slice(behind))
    for (const tail of [1, 5, 5_000]) {
      const lines = written.split('\n').slice(0, -1)
      expect(bytesOf(await collect(attachLogs(logs, { ...now, tail })))).toBe(`${lines.slice(-tail).join('\n')}\n`)
    }
    const later = attachLogs(logs, { stderr: false, tail: 0 })
    write(10_000)
    await catchUp(follower)
    logs.end()
    expect(bytesOf(await collect(later))).toBe(written.slice(-bytesOf(await collect(attachLogs(logs, { ...now, from: asked.position }))).length))
    expect(bytesOf(follower.seen)).toBe(written)
    await follower.chunks.return?.()
  })

  it.each(STEPS)('is followed over each step, from the middle: %s', async (step) => {
    write(200_000)
    const follower = await follow()
    follower.seen.push(...(await take(follower.chunks, 1)))
    rotateUntil(step)
    follower.seen.push(...(await take(follower.chunks, 1)))
    write(100)
    await catchUp(follower)
    await follower.chunks.return?.()
  })
})

describe.skipIf(!canCollapse)('a log that is rotated', () => {
  it('again and again is read by all that follow it, each byte once, while they wait and while they read', async () => {
    const follower = await follow()
    for (let rotations = 0; rotations < 10; rotations++) {
      write(10_000)
      if (rotations % 2 === 0) await catchUp(follower)
      rotator.rotate()
      write(500)
      if (rotations % 3 === 0) await catchUp(follower)
    }
    await catchUp(follower)
    expect(rotator.segments).toHaveLength(10)
    await follower.chunks.return?.()
  })

  it('wakes nobody who waits for more, and loses nothing for him', async () => {
    write(10_000)
    const follower = await follow()
    await catchUp(follower)
    const pending = follower.chunks.next()
    await settle()
    rotator.rotate()
    await settle()
    logs.write('more\n')
    expect((await pending).value?.data.toString()).toBe('more\n')
    await follower.chunks.return?.()
  })

  it('has runs as before', async () => {
    logs.mark(1, 0, 0)
    write(9_000)
    logs.mark(2, written.length, 0)
    write(9_000)
    rotator.rotate()
    logs.mark(3, written.length, 0)
    write(100)
    const chunks = await collect(attachLogs(logs, now))
    expect(told(chunks).map((text) => text.slice(0, 9))).toEqual(['1 stdout:', '2 stdout:', '3 stdout:'])
    expect(bytesOf(chunks)).toBe(written)
  })

  it('gives positions that hold for another reader, over rotations, also by lines', async () => {
    write(10_000)
    const lines = watchLines(logs, { stderr: false })
    await take(lines, 100)
    const { position } = lines
    await lines.return?.()
    rotator.rotate()
    write(10_000)
    rotator.rotate()
    const rest = await collect(watchLines(logs, { ...now, from: position }))
    expect(rest.map(({ text }) => text)).toEqual(written.split('\n').slice(100, -1))
  })

  it('is read where the file system can only punch holes', async () => {
    write(10_000)
    const follower = await follow()
    await catchUp(follower)
    for (let rotations = 0; rotations < 3; rotations++) {
      rotator.punch()
      write(10_000)
    }
    expect(rotator.place).toMatchObject({ base: 0, head: 28_672 })
    await catchUp(follower)
    expect(bytesOf(await collect(attachLogs(logs, now)))).toBe(written)
    await follower.chunks.return?.()
  })

  it('goes on behind what was rotated when its own program empties it', async () => {
    write(10_000)
    rotator.punch()
    const follower = await follow()
    await catchUp(follower)
    truncateSync(logs.path('stdout'))
    logs.write('new\n')
    expect(bytesOf(await take(follower.chunks, 1))).toBe('new\n')
    expect(bytesOf(await collect(attachLogs(logs, now)))).toBe(`${written.slice(0, 8192)}new\n`)
    await follower.chunks.return?.()
  })
})

describe('a log that is rotated by truncating it', () => {
  it.each(['renamed', 'fluxed', 'collapsed', 'done'] as const)('is read whole after the step: %s', async (last) => {
    write(10_000)
    const follower = await follow()
    await catchUp(follower)
    for (const step of rotator.truncate()) if (step === last) break
    expect(bytesOf(await collect(attachLogs(logs, now)))).toBe(written)
    write(10)
    await catchUp(follower)
    expect(bytesOf(await collect(attachLogs(logs, now)))).toBe(written)
    await follower.chunks.return?.()
  })
})

describe('segments', () => {
  const truncated = () => {
    for (const _ of rotator.truncate());
  }

  it('are read compressed or not, also while one of them is compressed or removed under its reader', async () => {
    for (let rotations = 0; rotations < 4; rotations++) {
      write(200_000)
      truncated()
    }
    write(10)
    const [first, second, third] = rotator.segments
    if (!first || !second || !third) throw new Error('there are four')
    rotator.compress(first)
    const follower = await follow()
    follower.seen.push(...(await take(follower.chunks, 1)))
    rmSync(first.path.replace(/$/, '.gz'))
    follower.seen.push(...(await take(follower.chunks, 4)))
    rotator.compress(second, () => expect(rotator.segments).toHaveLength(3))
    rotator.compress(third)
    await catchUp(follower)
    expect(bytesOf(await collect(attachLogs(logs, now)))).toBe(written.slice(second.from))
    await follower.chunks.return?.()
  })

  it('that are compressed are tailed, within and across them', async () => {
    for (let rotations = 0; rotations < 3; rotations++) {
      write(100_000)
      if (rotations === 1) {
        logs.write('cr\r')
        written += 'cr\r'
      }
      truncated()
    }
    for (const segment of rotator.segments) rotator.compress(segment)
    const lines = written.match(/[^\r\n]*[\r\n]/g) ?? []
    for (const tail of [1, 100, 8_000, 8_001, 9_000, 18_000, 30_000, 100_000]) {
      expect(bytesOf(await collect(attachLogs(logs, { ...now, tail })))).toBe(lines.slice(-tail).join(''))
    }
  })

  it('that are gone are a gap for one who was before them, and nothing for one who begins', async () => {
    write(1_000)
    const before = attachLogs(logs, now)
    await collect(before)
    const follower = await follow()
    await catchUp(follower)
    for (let rotations = 0; rotations < 3; rotations++) {
      write(50_000)
      truncated()
    }
    const [first, second] = rotator.segments
    if (!first || !second) throw new Error('there are three')
    rmSync(first.path)
    rmSync(second.path)
    const gapBytes = second.to - 1_000 - (before.position === '' ? 0 : Number(/\.(\d+)\./.exec(before.position)?.[1]) - 1_000)
    expect(await take(follower.chunks, 1)).toMatchObject([{ gapBytes }])
    const [chunk, next] = await collect(attachLogs(logs, { ...now, from: before.position }))
    expect([chunk?.gapBytes, chunk?.data.toString().slice(0, 20), next?.gapBytes]).toEqual([gapBytes, written.slice(second.to, second.to + 20), undefined])
    expect((await collect(watchLines(logs, { ...now, from: before.position })))[0]).toMatchObject({ gapBytes })
    const fresh = await collect(attachLogs(logs, now))
    expect([fresh[0]?.gapBytes, bytesOf(fresh)]).toEqual([undefined, written.slice(second.to)])
    expect(bytesOf(await collect(attachLogs(logs, { ...now, tail: 100_000 })))).toBe(written.slice(second.to))
    await follower.chunks.return?.()
  })

  it('are all there is when somebody has removed the live file, and the next one goes on behind them', async () => {
    write(10_000)
    const before = attachLogs(logs, now)
    await collect(before)
    truncated()
    rmSync(logs.path('stdout'))
    expect(bytesOf(await collect(attachLogs(logs, now)))).toBe(written)
    expect(bytesOf(await collect(attachLogs(logs, { ...now, tail: 1 })))).toBe(written.split('\n').slice(-2).join('\n'))
    const follower = await follow()
    await catchUp(follower)
    write(10)
    await catchUp(follower)
    expect(bytesOf(await collect(attachLogs(logs, { ...now, from: before.position })))).toBe(written.slice(-bytesOf(follower.seen.slice(-1)).length))
    await follower.chunks.return?.()
  })

  it('say where the live file begins when its place is damaged', async () => {
    write(10_000)
    truncated()
    write(10_000)
    writeFileSync(placePath(logs.path('stdout')), 'nonsense')
    expect(bytesOf(await collect(attachLogs(logs, now)))).toBe(written)
  })
})
