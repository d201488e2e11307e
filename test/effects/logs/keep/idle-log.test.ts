/** Rotating a log that no keeper keeps: whoever is killed at whatever moment, no byte is lost and none is there twice. */
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { attachLogs } from '../../../../src/effects/logs/attach.ts'
import { codingFor, compressSegment, removeLeftovers } from '../../../../src/effects/logs/keep/compress.ts'
import { clearIdle, rotateIdle } from '../../../../src/effects/logs/keep/idle-log.ts'
import { formatPlace, NO_PLACE, type Place, readPlace } from '../../../../src/effects/logs/place.ts'
import { listSegments, segmentPath } from '../../../../src/effects/logs/segments.ts'
import { bytesOf, collect, TestLogs } from '../harness.ts'

class Log extends TestLogs {
  readonly live = this.path('stdout')

  constructor() {
    super()
    onTestFinished(() => this.remove())
  }

  async text(): Promise<string> {
    return bytesOf(await collect(attachLogs(this, { follow: false, stderr: false })))
  }

  /** As `cat stdout*.log` gives it. */
  onDisk(): string {
    return [...listSegments(this.live).map(({ path }) => path), this.live].map((path) => readFileSync(path, 'latin1')).join('')
  }

  place(place: Partial<Place>): void {
    writeFileSync(this.path('stdout').replace('.log', '.place'), formatPlace({ ...NO_PLACE, ino: String(statSync(this.live).ino), ...place }))
  }

  rotate(isIdle = () => true): Promise<boolean> {
    return rotateIdle(this.live, isIdle)
  }
}

const lines = (from: number, count: number) => Array.from({ length: count }, (_, index) => `line ${from + index}\n`).join('')

describe('rotating without a keeper', () => {
  it('puts all that is there into a segment, again and again', async () => {
    const log = new Log()
    let all = ''
    for (let round = 0; round < 4; round++) {
      log.write(lines(round * 100, 100))
      all += lines(round * 100, 100)
      expect(await log.rotate()).toBe(true)
      expect(statSync(log.live).size).toBe(0)
      expect(log.onDisk()).toBe(all)
      expect(await log.text()).toBe(all)
    }
    expect(listSegments(log.live)).toHaveLength(4)
    expect(readPlace(log.live.replace('.log', '.place'))).toMatchObject({ base: all.length, head: all.length, flux: 0, lost: 0 })
  })

  it('does nothing where there is nothing, or where somebody has begun to write', async () => {
    const log = new Log()
    expect(await log.rotate()).toBe(true)
    log.write('here')
    expect(await log.rotate(() => false)).toBe(false)
    expect(readdirSync(log.dir)).toEqual(['stdout.log'])
  })

  it('takes along what came while it was copied', async () => {
    const log = new Log()
    log.write(lines(0, 1_000))
    await log.rotate(() => {
      log.write('and more\n')
      return true
    })
    expect(log.onDisk()).toBe(`${lines(0, 1_000)}and more\n`)
  })

  it('finishes what was under way when whoever kept the log was killed', async () => {
    const text = lines(0, 1_000)
    const cases: readonly ((log: Log) => void)[] = [
      // Copied in part.
      (log) => writeFileSync(join(log.dir, `stdout.${'0'.repeat(15)}.log.tmp`), 'half'),
      // The segment has its name, and nobody has said so yet.
      (log) => writeFileSync(segmentPath(log.live, { from: 0, to: text.length, coding: 'plain' }), text),
      // Said, and not emptied yet.
      (log) => {
        writeFileSync(segmentPath(log.live, { from: 0, to: text.length, coding: 'plain' }), text)
        log.place({ head: text.length, flux: 2, size: text.length })
      },
      // Emptied, and not said yet.
      (log) => {
        writeFileSync(segmentPath(log.live, { from: 0, to: text.length, coding: 'plain' }), text)
        log.place({ head: text.length, flux: 2, size: text.length })
        truncateSync(log.live)
      },
    ]
    for (const killed of cases) {
      const log = new Log()
      log.write(text)
      killed(log)
      expect(await log.text()).toBe(text)
      await log.rotate()
      expect(await log.text()).toBe(text)
      log.write('behind\n')
      await log.rotate()
      expect(await log.text()).toBe(`${text}behind\n`)
      expect(log.onDisk()).toBe(`${text}behind\n`)
      expect(readdirSync(log.dir).filter((name) => name.endsWith('.tmp'))).toEqual([])
    }
  })
})

describe('clearing without a keeper', () => {
  it('leaves nothing, and what comes is counted on', async () => {
    const log = new Log()
    log.write(lines(0, 100))
    await log.rotate()
    log.write(lines(100, 100))
    const size = lines(0, 200).length
    expect(await clearIdle(log.live, () => true)).toBe(true)
    expect(log.onDisk()).toBe('')
    expect(await log.text()).toBe('')
    appendFileSync(log.live, 'new\n')
    expect(await log.text()).toBe('new\n')
    expect(readPlace(log.live.replace('.log', '.place'))).toMatchObject({ base: size, head: size, flux: 0 })
  })
})

describe('compression', () => {
  it('keeps bytes and time, and removes the plain one last', async () => {
    const log = new Log()
    log.write(lines(0, 5_000))
    await log.rotate()
    const [segment] = listSegments(log.live)
    if (segment === undefined) throw new Error('there is no segment')
    const { mtimeMs } = statSync(segment.path)
    await compressSegment(log.live, segment, 'gzip', new AbortController().signal)
    const [packed] = listSegments(log.live)
    expect(packed).toMatchObject({ coding: 'gzip', from: segment.from, to: segment.to })
    expect(Math.abs(statSync(packed?.path ?? '').mtimeMs - mtimeMs)).toBeLessThan(1)
    expect(existsSync(segment.path)).toBe(false)
    expect(await log.text()).toBe(lines(0, 5_000))
  })

  it('that is cut off leaves what was there, and nothing else', async () => {
    const log = new Log()
    log.write(lines(0, 5_000))
    await log.rotate()
    const [segment] = listSegments(log.live)
    if (segment === undefined) throw new Error('there is no segment')
    await expect(compressSegment(log.live, segment, 'gzip', AbortSignal.abort())).rejects.toThrow()
    expect(readdirSync(log.dir).filter((name) => name.includes('.gz'))).toEqual([])
    // As one who was killed leaves it: half of it, or both.
    writeFileSync(`${segment.path}.gz.tmp`, 'half')
    removeLeftovers(log.dir)
    expect(readdirSync(log.dir).filter((name) => name.includes('.gz'))).toEqual([])
    writeFileSync(`${segment.path}.gz`, 'damaged')
    expect(await log.text()).toBe(lines(0, 5_000))
  })

  it('with zstd is gzip where Node has none', () => {
    expect([codingFor('none'), codingFor('gzip')]).toEqual([null, 'gzip'])
    const { major = '0', minor = '0' } = /^(?<major>\d+)\.(?<minor>\d+)/.exec(process.versions.node)?.groups ?? {}
    expect(codingFor('zstd')).toBe(Number(major) * 100 + Number(minor) >= 2215 ? 'zstd' : 'gzip')
  })
})
