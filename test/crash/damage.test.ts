/** Something else lies where a file of ours should be: every kind of thing, in every place. A manager in a process of its own, since it may be blocked by it. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { aHome, type Home, lives, type Manager, sh, sleeper, startOf, until } from '../e2e/harness.ts'
import { IS_FULL } from '../effort.ts'
import { DAMAGES, Foreign, replace } from './damage.ts'
import { aDoomedHome, aManager, ask, isSound, names, problemsOf, recordWhere, refusal, settles } from './hostile.ts'

const OF_RUN = ['intent', 'claim', 'ctl', 'alive', 'in', 'child', 'exit', 'rest'] as const
/** Places in the directory of a process. The damage of each is done to a process of its own. */
const PLACES: readonly string[] = [
  'state.json',
  'state.json.tmp',
  ...OF_RUN.map((name) => `run-1.${name}`),
  'run-1.intent.tmp',
  'run-1.exit.tmp',
  ...OF_RUN.map((name) => `run-2.${name}`),
  'run-2.intent.tmp',
  'stdout.log',
  'stderr.log',
]
const idOf = (place: string) => `at-${place}`

async function opened(home: Home): Promise<Manager> {
  const manager = await aManager(home, { isClosedAtFirst: true })
  await settles('the opening', ask(manager, 'open'))
  return manager
}

interface Healthy {
  readonly pid: number | null
  readonly at: string
}

async function startIn(manager: Manager, id: string): Promise<Healthy> {
  const { pid } = await manager.start(sleeper({ id, stop: { timeoutMs: 300 } }))
  return { pid, at: startOf(pid) }
}

const isUntouched = ({ pid, at }: Healthy) => lives(pid) && startOf(pid) === at

async function beginAll(home: Home, ids: readonly string[]): Promise<Map<string, Healthy>> {
  const first = await opened(home)
  const started = new Map<string, Healthy>()
  await Promise.all(ids.map(async (id) => started.set(id, await startIn(first, id))))
  await first.kill()
  return started
}

/** One of each nature; all of them in the long form. */
const TELLING = ['an empty file', 'a symlink to a directory of somebody else', 'a symlink to itself', 'a FIFO', 'a directory with something in it', 'a socket']
const SOME = Object.entries(DAMAGES).filter(([what]) => IS_FULL || TELLING.includes(what))

describe.each(SOME)('%s in the directory of a process', (_what, damage) => {
  it('harms nobody else; what runs goes on, is known and is stopped; the next run comes or is refused; nothing foreign is touched', async () => {
    const home = aDoomedHome()
    const foreign = new Foreign(home)
    const started = await beginAll(home, ['good', ...PLACES.map(idOf)])
    replace(
      home,
      foreign,
      damage,
      PLACES.map((place) => home.jobFile(idOf(place), place)),
    )
    const next = await opened(home)
    expect(await next.call('get', 'good')).toMatchObject({ state: 'running', pid: started.get('good')?.pid, run: 1 })
    await Promise.all(PLACES.map((place) => isTakenOver(home, next, place, started)))
    expect.soft(foreign.change()).toBe(null)
    await isSound(next)
    await stopAll(next, started)
    await Promise.all(PLACES.map((place) => isStartedAgainOrRefused(next, place)))
    expect.soft(foreign.change()).toBe(null)
    expect(await next.call('get', 'good')).toMatchObject({ state: 'running' })
    expect(await next.start(sleeper({ id: 'new' }))).toMatchObject({ state: 'running' })
    await isSound(next)
  })

  it('that lies in the place of the directory itself: is told, and harms nobody else', async () => {
    const home = aDoomedHome()
    const foreign = new Foreign(home)
    const started = await beginAll(home, ['good', 'bad'])
    replace(home, foreign, damage, [home.jobFile('bad', '')])
    const next = await opened(home)
    expect(await next.call('get', 'good')).toMatchObject({ state: 'running', pid: started.get('good')?.pid, run: 1 })
    const isDirectory = _what.includes('directory') && !_what.includes('symlink')
    if (!isDirectory) expect((await problemsOf(next)).map(({ message }) => message).join('\n')).toContain(home.jobFile('bad', ''))
    expect(await next.start(sleeper({ id: 'new' }))).toMatchObject({ state: 'running' })
    const again = await settles('a start in its place', refusal(next.start(sleeper({ id: 'bad' }))))
    if (again !== null) names(again, 'bad')
    expect(foreign.change()).toBe(null)
    await isSound(next)
    await refusal(settles('the shutdown', next.call('shutdown', { timeoutMs: 0 })))
    expect(lives(started.get('good')?.pid ?? null)).toBe(false)
  })
})

async function isTakenOver(home: Home, manager: Manager, place: string, started: ReadonlyMap<string, Healthy>): Promise<void> {
  const healthy = started.get(idOf(place)) ?? { pid: null, at: '' }
  const record = await recordWhere(manager, idOf(place), 'known', ({ state }) => state !== 'starting').catch((error: Error) => error.message)
  expect.soft(record, place).toMatchObject({ state: 'running', pid: healthy.pid, run: 1 })
  expect.soft(isUntouched(healthy), `what runs behind ${place} goes on`).toBe(true)
  // What it said is gone, and somebody ought to hear of it. Run files are as good as new once the run ends.
  const told = (await problemsOf(manager)).map(({ message }) => message).join('\n')
  if (place === 'state.json') expect.soft(told, 'a problem names the path').toContain(home.jobFile(idOf(place), place))
}

async function isStartedAgainOrRefused(manager: Manager, place: string): Promise<void> {
  const error = await refusal(settles(`the next run behind ${place}`, manager.call('launch', idOf(place))))
  expect.soft(error?.message ?? '').not.toContain('never settled')
}

async function stopAll(manager: Manager, started: ReadonlyMap<string, Healthy>): Promise<void> {
  const stops = PLACES.map(async (place) => {
    const error = await refusal(settles(`the stop behind ${place}`, manager.call('stop', idOf(place))))
    expect.soft(error?.message ?? null, place).toBe(null)
    expect.soft(lives(started.get(idOf(place))?.pid ?? null), `what ran behind ${place} is gone`).toBe(false)
  })
  await Promise.all(stops)
}

const GLOBAL: readonly [string, (home: Home) => string][] = [
  ['manager.lock', (home) => join(home.stateDir, 'manager.lock')],
  ['jobs', (home) => join(home.stateDir, 'jobs')],
  ['quarantine', (home) => join(home.stateDir, 'quarantine')],
  ['trash', (home) => join(home.stateDir, 'trash')],
  ['bin', (home) => join(home.stateDir, 'bin')],
  ['bin/procman-keeper-*', (home) => join(home.stateDir, 'bin', readdirSync(join(home.stateDir, 'bin'))[0] ?? '')],
]

/** Each of them in two places at least, and each place with two at least. */
const placesOf = (index: number) => (IS_FULL ? GLOBAL : GLOBAL.filter((_, place) => (place + index) % 3 === 0))

describe.each(SOME.map(([what, damage], index) => [what, damage, placesOf(index)] as const))('%s', (_what, damage, places) => {
  it.each(places)('in the place of %s: a manager serves all the same, or refuses with path and cause; afterwards all is well', async (name, pathOf) => {
    const home = aDoomedHome()
    const foreign = new Foreign(home)
    const started = await beginAll(home, ['good'])
    const path = pathOf(home)
    replace(home, foreign, damage, [path])
    const next = await aManager(home, { isClosedAtFirst: true })
    const refused = await refusal(settles('the opening', ask(next, 'open')))
    if (refused === null && name !== 'jobs') await serves(next, started, path)
    else if (refused !== null) {
      expect(refused.code).toBe('PROCMAN_STATE_DIR_UNUSABLE')
      names(refused, path)
    }
    expect(foreign.change()).toBe(null)
    await isSound(next)
    await next.kill()
    for (const { pid, at } of started.values()) expect(isUntouched({ pid, at })).toBe(true)
    await mended(home, path, name, started)
  })
})

/** Everything works, but what the damage itself stands in the way of is refused with its path. */
async function serves(manager: Manager, started: ReadonlyMap<string, Healthy>, path: string): Promise<void> {
  expect(await manager.call('get', 'good')).toMatchObject({ state: 'running', pid: started.get('good')?.pid, run: 1 })
  const error = await refusal(settles('a start', manager.start(sleeper({ id: 'new' }))))
  if (error !== null) return names(error, path)
  await settles('the stop', manager.call('stop', 'new'))
  const removal = await refusal(settles('the removal', manager.call('remove', 'new')))
  if (removal !== null) names(removal, path)
}

async function mended(home: Home, path: string, name: string, started: ReadonlyMap<string, Healthy>): Promise<void> {
  if (name === 'jobs') return
  rmSync(path, { recursive: true, force: true })
  const last = await opened(home)
  expect(await last.call('get', 'good')).toMatchObject({ state: 'running', pid: started.get('good')?.pid, run: 1 })
  expect(await settles('a start', last.start(sleeper({ id: 'newest' })))).toMatchObject({ state: 'running' })
  await settles('the stop', last.call('stop', 'good'))
  expect(lives(started.get('good')?.pid ?? null)).toBe(false)
}

describe('a snapshot cut off at every byte', () => {
  it('of a process that has ended: all are opened at once, none is started again, each end is known from its run files', async () => {
    const home = aHome()
    const first = await home.supervisor()
    await first.start(sh('exit 6', { id: 'model' }))
    await first.wait('model')
    await first.close()
    const files = readdirSync(home.jobFile('model', '')).filter((file) => /intent|child|exit|claim/.test(file))
    const whole = readFileSync(home.jobFile('model', 'state.json'))
    const idAt = (length: number) => `cut-${String(length).padStart(6, '0')}`
    const copy = (text: Buffer | string, id: string) => text.toString('latin1').replaceAll('"model"', `"${id}"`)
    for (let length = 0; length < whole.length; length++) {
      const id = idAt(length)
      mkdirSync(home.jobFile(id, ''))
      for (const file of files) writeFileSync(home.jobFile(id, file), copy(readFileSync(home.jobFile('model', file)), id), 'latin1')
      writeFileSync(home.jobFile(id, 'state.json'), copy(whole, id).slice(0, length), 'latin1')
    }
    const told = new Set<string>()
    const next = await home.supervisor({
      inspect: (event) => {
        if (event.type === '@xstate.event' && event.event.type === 'directory.damaged') told.add((event.event as unknown as { id: string }).id)
      },
    })
    expect(next.list()).toHaveLength(whole.length + 1)
    for (const record of next.list()) expect(record).toMatchObject({ state: 'exited', exit_code: 6, run: 1 })
    expect(told.size).toBe(whole.length)
    expect(readdirSync(join(home.stateDir, 'quarantine'))).toHaveLength(whole.length)
    expect(home.strays()).toEqual([])
  })

  it('of a process that runs, at some: it is taken over', async () => {
    const home = aHome()
    const first = await home.supervisor()
    const lengths = Array.from({ length: 16 }, (_, n) => n * n * n)
    const pids = new Map<string, number | null>()
    for (const length of lengths) pids.set(`cut-${length}`, (await first.start(sleeper({ id: `cut-${length}` }))).getSnapshot().context.identity?.pid ?? null)
    await first.close()
    for (const length of lengths) {
      const path = home.jobFile(`cut-${length}`, 'state.json')
      writeFileSync(path, readFileSync(path).subarray(0, length))
    }
    const next = await home.supervisor()
    for (const [id, pid] of pids) {
      await until(`${id} is up`, () => next.get(id).state === 'running')
      expect(next.get(id)).toMatchObject({ pid, run: 1 } satisfies Partial<ProcessRecord>)
      expect(lives(pid)).toBe(true)
    }
  })
})
