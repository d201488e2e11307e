/** Where output goes, and what becomes of it on a full disk and beyond an age: keeper/README.md, by both keepers. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statfsSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { canMount } from '../crash/disk.ts'
import { some } from '../effort.ts'
import { C_KEEPER, LINES, LogDir, NODE_KEEPER, numbered, until } from './log-dir.ts'

const linux = process.platform === 'linux'
let made: LogDir[] = []
afterEach(async () => {
  for (const each of made) await each.end()
  made = []
})
const jobIn = (command: readonly string[], parent?: string): LogDir => {
  const it = new LogDir(command, parent)
  made.push(it)
  return it
}
const sh = (script: string) => ['sh', '-c', script]
const left = (keeper: { exitCode: number | null; signalCode: string | null }) =>
  until('the keeper leaves', () => keeper.exitCode !== null || keeper.signalCode !== null)
const both = [
  { name: 'C', command: C_KEEPER },
  { name: 'Node', command: NODE_KEEPER },
]

describe.skipIf(!linux).each(both)('capture by the keeper in $name', ({ name, command }) => {
  it('of nothing: no file is made, and the log of earlier runs stays as it is', async () => {
    const it = jobIn(command)
    await left(it.run(1, sh('echo kept; echo and this >&2')))
    await left(it.run(2, sh('echo dropped; echo kept too >&2'), { stdoutTo: 'none' }))
    expect(await it.child(2)).toMatchObject({ out: 5, err: 9 })
    expect(readFileSync(it.path('stdout.log'), 'utf8')).toBe('kept\n')
    expect(readFileSync(it.path('stderr.log'), 'utf8')).toBe('and this\nkept too\n')
    const fresh = jobIn(command)
    await left(fresh.run(1, sh('echo dropped'), { stdoutTo: 'none', stderrTo: 'none' }))
    expect(fresh.has('stdout.log')).toBe(false)
  })

  it.runIf(name === 'C')('in memory: the last bytes are there for who looks, and little more', async () => {
    const it = jobIn(command)
    const keeper = it.run(1, sh('head -c 9000000 /dev/zero | tr "\\0" x; echo the end; read x'), { stdoutTo: 'memory', logBuffer: 100_000, stdin: 'pipe' })
    const { outFd, errFd } = await it.child(1)
    expect(errFd).toBeUndefined()
    const fd = openSync(`/proc/${keeper.pid}/fd/${outFd}`, 'r')
    try {
      const { size } = await until('all is written', () => fstatSync(fd).size === 9_000_008 && fstatSync(fd))
      await until('little is held', () => fstatSync(fd).blocks * 512 <= 150_000)
      const bytes = Buffer.alloc(100_000)
      readSync(fd, bytes, 0, bytes.length, size - bytes.length)
      expect(bytes.toString()).toBe(`${'x'.repeat(100_000 - 8)}the end\n`)
    } finally {
      closeSync(fd)
    }
    expect(it.has('stdout.log')).toBe(false)
  })

  it.runIf(name === 'Node')('in memory is in a file that never gets much larger', async () => {
    const it = jobIn(command)
    it.run(1, sh('head -c 3000000 /dev/zero | tr "\\0" x; echo the end; read x'), { stdoutTo: 'memory', logBuffer: 100_000, stdin: 'pipe' })
    await until('little is held', () => it.has('stdout.log') && it.place().head > 2_500_000 && it.size('stdout.log') <= 130_000)
    expect(it.segments()).toEqual([])
    expect(it.content().subarray(-8).toString()).toBe('the end\n')
    expect(it.content().length).toBeGreaterThanOrEqual(100_000)
  })

  it('keeps no segment where none is to be kept, and the last half of a log', async () => {
    const it = jobIn(command)
    await left(it.run(1, [process.execPath, '-e', LINES('a', 20_000)], { logSize: 65_536, logFiles: 0 }))
    expect(it.segments()).toEqual([])
    const content = it.content()
    expect(content.length).toBeGreaterThan(30_000)
    const first = Number(/^a (\d+) \.{80}$/m.exec(content.toString())?.[1])
    numbered(content, 'a', 20_000, first)
    expect(it.place().lost).toBe(0)
  })

  it('removes what is older than it may be, when it cuts', async () => {
    const it = jobIn(command)
    writeFileSync(it.path('stdout.log'), 'x'.repeat(150_000))
    const limits = { logSize: 65_536, logFiles: 50, logAge: 60_000, stdin: 'pipe' }
    it.run(1, sh('read x; head -c 100000 /dev/zero | tr "\\0" y; read x'), limits)
    await until('two segments', () => it.segments().length === 2 && it.place().flux === 0)
    const old = it.segments()[0]?.name ?? ''
    utimesSync(it.path(old), 0, Date.now() / 1000 - 61)
    writeFileSync(it.path('run-1.in'), '\n')
    await until('another segment', () => it.segments().length === 2 && !it.has(old))
  })
})

/** A small disk. */
const aDisk = (kind: 'ext4' | 'tmpfs', bytes: number) => {
  const root = mkdtempSync('/tmp/procman-keeper-disk-')
  const point = join(root, 'disk')
  execFileSync('mkdir', [point])
  if (kind === 'tmpfs') execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', point])
  else {
    execFileSync('truncate', ['-s', String(bytes), join(root, 'image')])
    execFileSync('mkfs.ext4', ['-q', '-b', '4096', '-m', '0', join(root, 'image')])
    execFileSync('mount', ['-o', 'loop', join(root, 'image'), point])
  }
  return {
    point,
    drop: () => {
      execFileSync('umount', ['-l', point])
      rmSync(root, { recursive: true })
    },
  }
}

const fill = (fd: number) => {
  for (const size of [1 << 16, 4096]) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(size))
    } catch {}
  }
}

describe.skipIf(!canMount).each(both)('a full disk and the keeper in $name', ({ command }) => {
  it.each(some(['tmpfs', 'ext4'] as const, 2))('%s: what cannot be kept is counted, nobody stops, and rotation goes on when there is room', async (kind) => {
    const disk = aDisk(kind, 24 << 20)
    try {
      const it = jobIn(command, disk.point)
      writeFileSync(it.path('stdout.log'), 'x'.repeat(100_000))
      const limits = { logSize: 262_144, logFiles: 2, stdin: 'pipe' }
      const keeper = it.run(1, sh(`read x; exec "$NODE" -e "$A"`), limits, {}, { A: LINES('a', 40_000), NODE: process.execPath })
      await until('a place', () => it.has('stdout.place'))
      const filler = openSync(it.path('filler'), 'w')
      fill(filler)
      writeFileSync(it.path('run-1.in'), '\n')
      let freedMs = 0
      // The log may grow, a little at a time; there is never room for a segment.
      await until('what was dropped is counted', () => {
        const { bavail, bsize } = statfsSync(disk.point)
        if (bavail * bsize < 16_384 && Date.now() > freedMs + 40) {
          freedMs = Date.now()
          ftruncateSync(filler, fstatSync(filler).size - 50_000)
        }
        return it.place().lost > 0
      })
      ftruncateSync(filler, 0)
      closeSync(filler)
      expect(await it.ended(1)).toMatchObject({ kind: 'code', code: 0 })
      await left(keeper)
      const content = it.content()
      numbered(content, 'a', 40_000, Number(/^a (\d+) \.{80}$/m.exec(content.toString())?.[1]))
      expect(it.segments()[0]?.from).toBeGreaterThanOrEqual(it.place().lost)
      await it.end()
      made = []
    } finally {
      disk.drop()
    }
  })
})
