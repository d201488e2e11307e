/** Rotation under what is worst for it: a writer at full speed through a thousand of them, and keepers that are killed at any instant. */
import { existsSync, readdirSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { IS_FULL, some } from '../effort.ts'
import { C_KEEPER, LINES, LogDir, NODE_KEEPER, numbered, until } from './log-dir.ts'

let made: LogDir[] = []
afterEach(async () => {
  for (const each of made) await each.end()
  made = []
})
const jobIn = (parent: string, command: readonly string[]): LogDir => {
  const it = new LogDir(command, parent)
  made.push(it)
  return it
}
const node = (script: string) => [process.execPath, '-e', script]
const left = (keeper: { exitCode: number | null; signalCode: string | null }) =>
  until('the keeper leaves', () => keeper.exitCode !== null || keeper.signalCode !== null)

const rows = [
  { keeper: 'C', parent: '/tmp', way: 'collapse' },
  { keeper: 'C', parent: '/tmp', way: 'freeze' },
  { keeper: 'C', parent: '/dev/shm', way: 'collapse' },
  { keeper: 'C', parent: '/tmp', way: 'punch' },
  { keeper: 'Node', parent: '/tmp', way: 'collapse' },
] as const
const here = process.platform === 'linux' ? rows.filter(({ parent }) => existsSync(parent)) : []
const commandOf = (keeper: string) => (keeper === 'C' ? C_KEEPER : NODE_KEEPER)

describe.skipIf(here.length === 0)('a thousand rotations', () => {
  it.each(some(here, 5))(
    'keeper in $keeper, in $parent, first way $way: each line once and in order, whichever process of the tree has written it',
    { timeout: 120_000 },
    async ({ keeper: kind, parent, way }) => {
      const it = jobIn(parent, commandOf(kind))
      const count = 50_000
      const writer = (tag: string) => `"$NODE" -e "$${tag}"`
      // One inherits the descriptor, one has left group, session and parent behind.
      const script = `${writer('A')} & (setsid sh -c '${writer('B')}; : > done' &) ; ${writer('C')}; wait; until [ -e done ]; do sleep 0.02; done`
      const env = { ...Object.fromEntries(['a', 'b', 'c'].map((tag) => [tag.toUpperCase(), LINES(tag, count)])), NODE: process.execPath }
      const keeper = it.run(1, ['sh', '-c', script], { logSize: kind === 'C' ? 8192 : 131_072, logFiles: 9999, logWay: way }, {}, env)
      await it.ended(1, 100_000)
      await left(keeper)
      for (const tag of ['a', 'b', 'c']) numbered(it.content(), tag, count)
      expect(it.segments().length).toBeGreaterThan(kind === 'C' ? 1000 : 80)
    },
  )
})

describe.skipIf(here.length === 0)('keepers that are killed at any instant, while writers go on', () => {
  it.each(some(here, 5))(
    'keeper in $keeper, in $parent, first way $way: the next one goes on where the last was',
    { timeout: 600_000 },
    async ({ keeper: kind, parent, way }) => {
      const it = jobIn(parent, commandOf(kind))
      const rounds = IS_FULL ? 150 : 12
      const count = 6000
      const limits = { logSize: kind === 'C' ? 16_384 : 262_144, logFiles: 99_999, logWay: way }
      for (let n = 1; n <= rounds; n++) {
        const keeper = it.run(n, node(`${LINES(`r${n}`, count)};require('fs').writeFileSync('done-${n}','')`), limits)
        await it.child(n)
        await new Promise((resolve) => setTimeout(resolve, 40 + Math.random() * 120))
        keeper.kill('SIGKILL')
        await left(keeper)
        // Who is not of the keeper's tree does not stand still for it.
        if (way === 'freeze') await until('it has written', () => it.has(`done-${n}`))
      }
      await until('all have written', () => Array.from({ length: rounds }, (_, i) => it.has(`done-${i + 1}`)).every(Boolean))
      const last = it.run(rounds + 1, ['true'], limits)
      await left(last)
      const content = it.content()
      for (let n = 1; n <= rounds; n++) numbered(content, `r${n}`, count)
      expect(it.place()).toMatchObject({ flux: 0, lost: 0 })
      expect(readdirSync(it.dir).filter((name) => name.startsWith('stdout') && name.endsWith('.tmp'))).toEqual([])
    },
  )
})
