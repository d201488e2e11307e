/** Rotation as keeper/README.md says, by both keepers, on the file systems that are here. */
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { some } from '../effort.ts'
import { C_KEEPER, crashingKeeper, LINES, LogDir, NODE_KEEPER, numbered, until } from './log-dir.ts'

let made: LogDir[] = []
afterEach(async () => {
  for (const each of made) await each.end()
  made = []
})
const jobIn = (parent: string, command: readonly string[] = C_KEEPER): LogDir => {
  const it = new LogDir(command, parent)
  made.push(it)
  return it
}
const node = (script: string) => [process.execPath, '-e', script]
const sh = (script: string) => ['sh', '-c', script]
const left = (keeper: { exitCode: number | null; signalCode: string | null }) =>
  until('the keeper leaves', () => keeper.exitCode !== null || keeper.signalCode !== null)
const BLOCK = 4096

const places = [
  ['/tmp', 'collapse'],
  ['/tmp', 'punch'],
  ['/tmp', 'freeze'],
  ['/dev/shm', 'collapse'],
] as const
const here = process.platform === 'linux' ? places.filter(([parent]) => existsSync(parent)) : []

const both = [
  ...here.map(([parent, way]) => ({ keeper: 'C', command: C_KEEPER, parent, way })),
  ...some(here, 2).map(([parent, way]) => ({ keeper: 'Node', command: NODE_KEEPER, parent, way })),
]

describe.each(both)('rotation by the keeper in $keeper in $parent, first way: $way', ({ command, parent, way }) => {
  const limits = { logSize: 65_536, logFiles: 5000, logWay: way }

  it('keeps every line once and in order, of both streams, while they are written at full speed', async () => {
    const it = jobIn(parent, command)
    const keeper = it.run(1, sh(`${JSON.stringify(process.execPath)} -e "$A" & ${JSON.stringify(process.execPath)} -e "$A" >&2; wait`), {
      ...limits,
      env: `A=${LINES('a', 20_000)}`,
    })
    expect(await it.ended(1)).toMatchObject({ kind: 'code', code: 0 })
    await left(keeper)
    for (const stream of ['stdout', 'stderr']) {
      numbered(it.content(stream), 'a', 20_000)
      // While the tree stands still, all that there is becomes one.
      expect(it.segments(stream).length).toBeGreaterThan(way === 'freeze' ? 0 : 3)
      for (const { name, from, to } of it.segments(stream)) {
        if (way !== 'freeze') expect(to - from).toBeLessThanOrEqual(65_536)
        expect(statSync(it.path(name)).mode & 0o777).toBe(0o600)
      }
      expect(statSync(it.path(`${stream}.place`)).mode & 0o777).toBe(0o600)
    }
  })

  it('has room made by what is asked for: a rotation of what is there, a clearing of all', async () => {
    const it = jobIn(parent, command)
    it.run(1, sh('head -c 10000 /dev/zero | tr "\\0" a; read x; printf b; read x'), { ...limits, logSize: 1_000_000, stdin: 'pipe' })
    await until('output', () => it.has('stdout.log') && it.size('stdout.log') === 10_000)
    it.tell('r\n', 1)
    await until('rotated', () => it.place().head > 0 && it.place().flux === 0 && (way !== 'freeze' || it.size('stdout.log') === 0))
    expect(it.segments()).toHaveLength(1)
    expect(it.place().head).toBe(way === 'freeze' ? 10_000 : 2 * BLOCK)
    expect(it.content().toString()).toBe('a'.repeat(10_000))
    it.tell('x\n', 1)
    await until('cleared', () => it.place().head === 10_000 && it.segments().length === 0 && it.place().flux === 0)
    expect(it.content()).toHaveLength(0)
    writeFileSync(it.path('run-1.in'), '\n')
    await until('more output', () => it.content().toString() === 'b')
  })

  it('begins with what is too large already, and cuts it into segments of the size', async () => {
    const it = jobIn(parent, command)
    writeFileSync(it.path('stdout.log'), `${'x'.repeat(99)}\n`.repeat(5000))
    it.run(1, sh('read x'), { ...limits, stdin: 'pipe' })
    expect(await it.child(1)).toMatchObject({ out: 500_000 })
    await until('rotated', () => it.place().head >= 500_000 - 65_536 && it.place().flux === 0 && (way !== 'freeze' || it.size('stdout.log') === 0))
    await until('done', () => it.content().length === 500_000)
    expect(
      it
        .segments()
        .slice(0, 6)
        .map(({ from, to }) => to - from),
    ).toEqual(Array(6).fill(65_536))
  })

  it('keeps as many segments as it may, and what they begin with is not in the log any more', async () => {
    const it = jobIn(parent, command)
    const keeper = it.run(1, node(LINES('a', 20_000)), { ...limits, logFiles: 3 })
    await it.ended(1)
    await left(keeper)
    expect(it.segments().length).toBeGreaterThan(1)
    expect(it.segments().length).toBeLessThanOrEqual(3)
    const first = Number(/^a (\d+) \.{80}$/m.exec(it.content().toString())?.[1])
    expect(first).toBeGreaterThan(1)
    numbered(it.content(), 'a', 20_000, first)
    expect(it.place().lost).toBe(0)
  })

  it('keeps no more bytes than it may, of both streams together', async () => {
    const it = jobIn(parent, command)
    const keeper = it.run(1, node(LINES('a', 20_000)), { ...limits, logTotal: 400_000 })
    await it.ended(1)
    await left(keeper)
    expect(it.content().length).toBeLessThanOrEqual(400_000)
    expect(it.content().length).toBeGreaterThan(200_000)
  })
})

describe.skipIf(here.length === 0)('a log that is meddled with', () => {
  const limits = { logSize: 65_536, logFiles: 5000 }

  it('is emptied by its own program: goes on from its head', async () => {
    const it = jobIn('/tmp')
    it.run(1, sh('head -c 70000 /dev/zero | tr "\\0" a; read x; printf bb; read x'), { ...limits, stdin: 'pipe' })
    await until('rotated', () => it.place().head > 0 && it.place().flux === 0)
    const { head } = it.place()
    truncateSync(it.path('stdout.log'))
    writeFileSync(it.path('run-1.in'), '\n')
    await until('two bytes', () => it.size('stdout.log') === 2)
    expect(it.content().subarray(head).toString()).toBe('bb')
    it.tell('r\n', 1)
    await until('told', () => it.place().base === head)
    expect(it.content().subarray(head).toString()).toBe('bb')
  })

  it('takes nothing for its own that is not: what lies in the way is moved aside', async () => {
    const it = jobIn('/tmp')
    writeFileSync(it.path('mine'), 'mine')
    const { symlinkSync } = await import('node:fs')
    symlinkSync(it.path('mine'), it.path('stdout.place'))
    writeFileSync(it.path('stdout.log'), 'x'.repeat(100_000))
    it.run(1, sh('read x'), { ...limits, stdin: 'pipe' })
    await until('rotated', () => it.has('stdout.place.odd') && it.place().head > 0 && it.place().flux === 0)
    expect(readFileSync(it.path('mine'), 'utf8')).toBe('mine')
    expect(it.content().length).toBe(100_000)
  })
})

describe.skipIf(here.length === 0)('a program that opens its log anew without O_APPEND, and writes at an offset of its own', () => {
  it('does not fill the segments with what nobody has written', async () => {
    const it = jobIn('/tmp')
    const keeper = it.run(1, sh(`"$NODE" -e "$A" > /dev/stdout`), { logSize: 65_536, logFiles: 5000 }, {}, { A: LINES('a', 20_000), NODE: process.execPath })
    await it.ended(1)
    await left(keeper)
    const files = [...it.segments().map(({ name }) => name), 'stdout.log']
    const bytes = Buffer.concat(files.map((name) => readFileSync(it.path(name))))
    numbered(Buffer.from(bytes.filter((byte) => byte !== 0)), 'a', 20_000)
    expect(bytes.length).toBeLessThan(10_000_000)
  })
})

describe.skipIf(here.length === 0)('who rotates', () => {
  it('is one at a time: a second keeper waits for the first', async () => {
    const it = jobIn('/tmp')
    const limits = { logSize: 65_536, logFiles: 5000, leftovers: 'leave' }
    it.run(1, sh(`"$NODE" -e "$A"; read x`), { ...limits, stdin: 'pipe' }, {}, { A: LINES('a', 10_000), NODE: process.execPath })
    const second = it.run(2, node(LINES('b', 10_000)), limits)
    await it.ended(2)
    await left(second)
    await until('all of the first', () => it.content().includes(`a 10000 `))
    for (const tag of ['a', 'b']) numbered(it.content(), tag, 10_000)
  })

  it('is asked by hand where logs have no limit', async () => {
    const it = jobIn('/tmp')
    it.run(1, sh('head -c 10000 /dev/zero; read x'), { stdin: 'pipe' })
    await until('output', () => it.has('stdout.log') && it.size('stdout.log') === 10_000)
    it.tell('r\n', 1)
    await until('rotated', () => it.segments().length === 1 && it.place().base === 2 * BLOCK)
    it.tell('x\n', 1)
    await until('cleared', () => it.segments().length === 0 && it.content().length === 0)
  })

  it('freezes all of the tree that runs, and lets no one go on who stood still before', async () => {
    const it = jobIn('/tmp')
    const script = `sleep 600 & echo $! > stopped; kill -STOP $!; setsid "$NODE" -e "$A" & "$NODE" -e "$B"; wait %2; : > said; read x`
    const env = { A: LINES('a', 20_000), B: LINES('b', 20_000), NODE: process.execPath }
    it.run(1, sh(script), { logSize: 65_536, logFiles: 5000, logWay: 'freeze', stdin: 'pipe' }, {}, env)
    await until('all have written', () => it.has('said'))
    for (const tag of ['a', 'b']) numbered(it.content(), tag, 20_000)
    expect(it.segments().length).toBeGreaterThan(3)
    const stat = readFileSync(`/proc/${readFileSync(it.path('stopped'), 'utf8').trim()}/stat`, 'utf8')
    expect(stat[stat.lastIndexOf(')') + 2]).toBe('T')
  })
})

const POINTS = ['copying', 'copied', 'named', 'head', 'punching', 'punched', 'flux', 'collapsed', 'emptying', 'emptied'] as const
const crashing = here.length > 0 ? crashingKeeper() : null

describe.skipIf(crashing === null).each(here)('a keeper that is killed in the middle of a rotation in %s, first way: %s', (parent, way) => {
  const wayPoints = POINTS.filter((point) => {
    if (way === 'freeze') return !['punching', 'flux', 'collapsed'].includes(point)
    if (point === 'emptying' || point === 'emptied') return false
    return way === 'collapse' || !['flux', 'collapsed'].includes(point)
  })

  it.each(wayPoints)('at "%s": the next one finishes, nothing is lost and nothing is there twice', async (point) => {
    const it = jobIn(parent, crashing ?? [])
    const limits = { logSize: 65_536, logFiles: 5000, logWay: way }
    const first = it.run(1, node(`${LINES('a', 8000)};require('fs').writeFileSync(${JSON.stringify(it.path('done'))},'')`), limits, { CRASH_AT: point })
    await until('the end of the command', () => it.has('done'))
    await until('killed', () => first.signalCode === 'SIGKILL')
    const second = it.run(2, node(LINES('b', 8000)), limits)
    expect(await it.ended(2)).toMatchObject({ kind: 'code', code: 0 })
    await left(second)
    numbered(it.content(), 'a', 8000)
    numbered(it.content(), 'b', 8000)
    expect(Number((await it.child(2)).out)).toBe(8000 * 3 + it.content().indexOf('b 1 ') - 24_000)
    expect(it.segments().length).toBeGreaterThan(3)
    const stray = (await import('node:fs')).readdirSync(it.dir).filter((name) => name.endsWith('.tmp'))
    expect(stray).toEqual([])
  })
})
