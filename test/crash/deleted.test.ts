/** Somebody deletes or moves the state directory, or parts of it, under a living manager and living processes. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { aHome, type Home, kill, lives, type Manager, rejection, sh, sleeper, startOf, stateOf, until } from '../e2e/harness.ts'
import { some } from '../effort.ts'
import { aManager, isSettled, isSound, problemsOf, recordWhere, refusal, savedWhere, settles } from './hostile.ts'

const isDead = (pid: number | null) => until(`${pid} has ended`, () => !lives(pid))

/** Ends with its code once the file is there: no FIFO and no signal is needed for that. */
function endsOn(home: Home, file: string, code: number) {
  return sh(`while [ ! -e "${home.path(file)}" ]; do sleep 0.05; done; exit ${code}`, { id: 'a', stop: { timeoutMs: 200 } })
}

/** Its manager and its keepers may be writing to it in that instant. */
function deleteAll(path: string): void {
  for (;;) {
    try {
      return rmSync(path, { recursive: true, force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
    }
  }
}

function touch(home: Home, file: string): void {
  execFileSync('touch', [home.path(file)])
}

/** Its end could not be written down, so that it may not be known; that it was asked for is. */
function isStopped(record: ProcessRecord): void {
  expect(['cancelled', 'orphaned']).toContain(record.status)
  expect(record).toMatchObject({ run: 1, exit_code: null, pid: null })
  expect(record.reasons.map(({ text }) => text).join('\n')).toContain('stopped by the user')
}

async function isPutBack(home: Home): Promise<void> {
  await savedWhere(home, 'a', 'that it runs', (value) => value === 'running')
  await savedWhere(home, 'other', 'that it runs', (value) => value === 'running')
}

interface Up {
  readonly manager: Manager
  readonly pid: number
  readonly other: number
  readonly at: string
}

async function aliveOne(home: Home): Promise<Up> {
  const manager = await aManager(home)
  const { pid } = await manager.start(endsOn(home, 'end', 5))
  const { pid: other } = await manager.start(sleeper({ id: 'other' }))
  await savedWhere(home, 'a', 'that it runs', (value) => value === 'running')
  return { manager, pid: pid ?? 0, other: other ?? 0, at: startOf(pid) }
}

const WHOLE: readonly [string, (home: Home) => string][] = [
  ['the state directory', (home) => home.stateDir],
  ['jobs/', (home) => join(home.stateDir, 'jobs')],
  ['the directory of one process', (home) => home.jobFile('a', '')],
]

describe.each(some(WHOLE, 3))('%s deleted under a living manager', (_what, pathOf) => {
  it('loses no process: all go on, are told, stopped and signalled by who they are', async () => {
    const home = aHome()
    const { manager, pid, other, at } = await aliveOne(home)
    deleteAll(pathOf(home))
    expect(await manager.call('get', 'a')).toMatchObject({ state: 'running', pid })
    await manager.call('signal', 'a', 'SIGSTOP')
    await until('it is stopped', () => stateOf(pid) === 'T')
    await manager.call('signal', 'a', 'SIGCONT')
    await refusal(manager.call('refresh'))
    expect(await manager.call('get', 'a')).toMatchObject({ state: 'running', pid })
    expect(startOf(pid)).toBe(at)
    isStopped(await settles('the stop', manager.call('stop', 'a')))
    expect(lives(pid)).toBe(false)
    expect(await manager.call('get', 'other')).toMatchObject({ state: 'running', pid: other })
    await isSound(manager)
    await until('nothing of it is left', () => home.strays().length === 1)
  })

  it('is put back with the states in it, by itself; the problem names path and cause; it can be worked with', async () => {
    const home = aHome()
    const { manager, pid } = await aliveOne(home)
    deleteAll(pathOf(home))
    await savedWhere(home, 'a', 'that it runs', (value) => value === 'running')
    if (pathOf(home) !== home.jobFile('a', '')) await savedWhere(home, 'other', 'that it runs', (value) => value === 'running')
    expect((await problemsOf(manager)).some(({ message }) => message.includes(pathOf(home)) && /deleted|not there|gone|ENOENT/.test(message))).toBe(true)
    expect(statSync(home.stateDir).mode & 0o777).toBe(0o700)
    expect((await rejection(home.supervisor())).code).toBe('PROCMAN_STATE_DIR_LOCKED')
    const started = await manager.start(sleeper({ id: 'new' }))
    expect(lives(started.pid)).toBe(true)
    expect(await manager.call('get', 'a')).toMatchObject({ state: 'running', pid })
  })

  it('and that manager killed: the next one knows what runs, and stops it', async () => {
    const home = aHome()
    const { manager, pid, other } = await aliveOne(home)
    deleteAll(pathOf(home))
    await isPutBack(home)
    await manager.kill()
    const next = await aManager(home)
    expect(await recordWhere(next, 'a', 'up', ({ state }) => state === 'running')).toMatchObject({ pid, run: 1 })
    expect(await recordWhere(next, 'other', 'up', ({ state }) => state === 'running')).toMatchObject({ pid: other, run: 1 })
    await settles('the stop', next.call('stop', 'a'))
    await settles('the stop', next.call('stop', 'other'))
    expect([lives(pid), lives(other)]).toEqual([false, false])
    await until('nothing is left', () => home.strays().length === 0 && home.keepers().length === 0)
  })

  it('puts a start at once to work again', async () => {
    const home = aHome()
    const { manager } = await aliveOne(home)
    deleteAll(pathOf(home))
    expect(await settles('the start', manager.start(sleeper({ id: 'new' })))).toMatchObject({ state: 'running', run: 1 })
    await isSound(manager)
    await isPutBack(home)
  })

  it('does not make an end look like what it was not', async () => {
    const home = aHome()
    const { manager, pid } = await aliveOne(home)
    deleteAll(pathOf(home))
    touch(home, 'end')
    await isDead(pid)
    const record = await recordWhere(manager, 'a', 'settled', isSettled)
    if (record.state === 'exited') expect(record).toMatchObject({ exit_code: 5, signal: null })
    else expect(record).toMatchObject({ state: 'orphaned', exit_code: null, signal: null })
    await isSound(manager)
    await savedWhere(home, 'a', 'that it has ended', (value) => value === record.state)
    await savedWhere(home, 'other', 'that it runs', (value) => value === 'running')
  })

  it('while a stop is under way: it settles, the whole tree is gone', async () => {
    const home = aHome()
    const manager = await aManager(home)
    const child = `(setsid sh -c 'trap "" TERM; echo $$ > "${home.path('child')}"; while :; do sleep 1; done' &)`
    const { pid } = await manager.start(
      sh(`trap 'echo x > "${home.path('asked')}"' TERM; ${child}; while :; do sleep 0.1; done`, { id: 'a', restart: 'always', stop: { timeoutMs: 1_000 } }),
    )
    await until('its child is up', () => home.text('child').endsWith('\n'))
    const stopped = manager.call('stop', 'a')
    stopped.catch(() => {})
    await until('it was asked to end', () => home.text('asked') !== '')
    deleteAll(pathOf(home))
    isStopped(await settles('the stop', stopped))
    expect([lives(pid), lives(Number(home.text('child')))]).toEqual([false, false])
    await isSound(manager)
  })

  it('while a restart is waited for: it comes', async () => {
    const home = aHome()
    const manager = await aManager(home)
    const once = `[ -e "${home.path('once')}" ] && exec sleep 600; : > "${home.path('once')}"; exit 1`
    await manager.start(sh(once, { id: 'a', restart: { strategy: 'always', delayMs: 700 } }))
    await recordWhere(manager, 'a', 'waiting', ({ state }) => state === 'backoff')
    deleteAll(pathOf(home))
    const record = await recordWhere(manager, 'a', 'up again', ({ state }) => state === 'running')
    expect(lives(record.pid)).toBe(true)
    expect(home.strays()).toHaveLength(1)
    await savedWhere(home, 'a', 'that it runs', (value, context) => value === 'running' && context.run === record.run)
  })
})

const FILES = ['run-1.intent', 'run-1.claim', 'run-1.ctl', 'run-1.alive', 'run-1.child', 'state.json', 'stdout.log', 'stderr.log'] as const

describe.each(some(FILES, 2))('%s of a process that runs, deleted', (name) => {
  it('under its manager: it goes on, and its end is known exactly', async () => {
    const home = aHome()
    const { manager, pid } = await aliveOne(home)
    rmSync(home.jobFile('a', name))
    await refusal(manager.call('refresh'))
    expect(await manager.call('get', 'a')).toMatchObject({ state: 'running', pid })
    touch(home, 'end')
    expect(await recordWhere(manager, 'a', 'settled', isSettled)).toMatchObject({ state: 'exited', exit_code: 5, run: 1 })
    expect(await manager.call('get', 'other')).toMatchObject({ state: 'running' })
    await isSound(manager)
  })

  it('under its manager: it is stopped', async () => {
    const home = aHome()
    const { manager, pid } = await aliveOne(home)
    rmSync(home.jobFile('a', name))
    expect(await settles('the stop', manager.call('stop', 'a'))).toMatchObject({ status: 'cancelled', run: 1 })
    expect(lives(pid)).toBe(false)
    await until('nothing of it is left', () => home.strays().length === 1)
    await manager.call('remove', 'a')
    expect(await manager.start(sleeper({ id: 'a' }))).toMatchObject({ state: 'running', run: 1 })
  })

  it('between two managers: the next one has it running, and its end is known exactly', async () => {
    const home = aHome()
    const { manager, pid } = await aliveOne(home)
    await manager.kill()
    rmSync(home.jobFile('a', name))
    const next = await aManager(home)
    expect(await recordWhere(next, 'a', 'up', ({ state }) => state !== 'starting')).toMatchObject({ state: 'running', pid, run: 1 })
    await refusal(next.call('refresh'))
    expect(lives(pid)).toBe(true)
    touch(home, 'end')
    expect(await recordWhere(next, 'a', 'settled', isSettled)).toMatchObject({ state: 'exited', exit_code: 5, run: 1 })
  })

  it('between two managers: the next one stops it', async () => {
    const home = aHome()
    const { manager, pid, other } = await aliveOne(home)
    await manager.kill()
    rmSync(home.jobFile('a', name))
    const next = await aManager(home)
    await settles('the stop', next.call('stop', 'a'))
    expect([lives(pid), lives(other)]).toEqual([false, true])
    await until('nothing of it is left', () => home.strays().length === 1)
  })
})

describe('all run files of a process that runs, deleted', () => {
  it.each([true, false])('it goes on, is known and is stopped (under its manager: %s)', async (isUnderItsManager) => {
    const home = aHome()
    const { manager, pid } = await aliveOne(home)
    if (!isUnderItsManager) await manager.kill()
    for (const file of ['intent', 'claim', 'ctl', 'alive', 'child']) rmSync(home.jobFile('a', `run-1.${file}`))
    const next = isUnderItsManager ? manager : await aManager(home)
    await refusal(next.call('refresh'))
    expect(await next.call('get', 'a')).toMatchObject({ state: 'running', pid, run: 1 })
    await settles('the stop', next.call('stop', 'a'))
    expect(lives(pid)).toBe(false)
  })
})

describe('all that says what a process is, deleted while it runs', () => {
  it('the next manager leaves it alone and says so with its path; once it has ended, what it left is set aside, output and all', async () => {
    const home = aHome()
    const { manager, pid } = await aliveOne(home)
    await manager.kill()
    for (const file of ['state.json', 'run-1.intent']) rmSync(home.jobFile('a', file))
    const next = await aManager(home)
    expect(await problemsOf(next)).toMatchObject([{ id: 'a', path: home.jobFile('a', ''), message: expect.stringContaining('something runs there') }])
    expect(await next.call('list')).toMatchObject([{ id: 'other' }])
    expect((await refusal(next.start(sh('exit 0', { id: 'a' }))))?.code).toBe('PROCMAN_PROCESS_EXISTS')
    expect(lives(pid)).toBe(true)
    kill(pid)
    await until('it is set aside', () => !existsSync(home.jobFile('a', '')))
    const [set = ''] = readdirSync(join(home.stateDir, 'quarantine'))
    expect(readdirSync(join(home.stateDir, 'quarantine', set))).toEqual(expect.arrayContaining(['stdout.log', 'run-1.exit']))
    expect(await next.start(sh('exit 0', { id: 'a' }))).toMatchObject({ id: 'a', run: 1 })
  })
})

describe('links in a state directory', () => {
  it('are not followed to what is somebody else’s: not when a process is a link, not in the trash', async () => {
    const home = aHome()
    const first = await aManager(home)
    await first.start(sh('exit 0', { id: 'moved' }))
    await first.call('wait', 'moved')
    await first.kill()
    const foreign = home.path('foreign')
    mkdirSync(join(foreign, 'plan.intent'), { recursive: true })
    for (const name of ['mine.intent', 'plan.intent/deep']) writeFileSync(join(foreign, name), 'precious')
    symlinkSync(foreign, join(home.stateDir, 'trash', 'link'))
    renameSync(home.jobFile('moved', ''), join(foreign, 'moved'))
    symlinkSync(join(foreign, 'moved'), home.jobFile('moved', ''))
    const before = readdirSync(foreign, { recursive: true })
    const next = await aManager(home)
    expect(await problemsOf(next)).toMatchObject([{ id: 'moved', message: expect.stringContaining('it is a symbolic link') }])
    expect(await next.call('list')).toEqual([])
    await until('the trash is empty', () => readdirSync(join(home.stateDir, 'trash')).length === 0)
    expect(readdirSync(foreign, { recursive: true })).toEqual(before)
    expect(await next.start(sh('exit 0', { id: 'moved' }))).toMatchObject({ run: 1 })
    expect(readdirSync(foreign, { recursive: true })).toEqual(before)
  })
})

describe('what is left of a process that has ended, deleted', () => {
  it.each(['run-1.exit', 'run-1.child', 'run-1.intent', 'stdout.log', 'run-1.claim'])('%s: the state file knows', async (name) => {
    const home = aHome()
    const first = await aManager(home)
    await first.start(sh('exit 4', { id: 'a' }))
    await first.call('wait', 'a')
    if (existsSync(home.jobFile('a', name))) rmSync(home.jobFile('a', name))
    expect((await first.call<readonly unknown[]>('refresh'))[0]).toMatchObject({ exit_code: 4 })
    await first.kill()
    const next = await aManager(home)
    expect(await next.call('get', 'a')).toMatchObject({ state: 'exited', exit_code: 4, run: 1 })
    expect(await next.call('launch', 'a')).toMatchObject({ run: 2 })
  })
})

describe('a state directory moved away and back', () => {
  it('in the blink of an eye: nothing happened, and what ended meanwhile is known exactly', async () => {
    const home = aHome()
    const { manager, pid, other } = await aliveOne(home)
    manager.child.kill('SIGSTOP')
    await until('the manager sleeps', () => stateOf(manager.child.pid ?? 0) === 'T')
    renameSync(home.stateDir, home.path('elsewhere'))
    touch(home, 'end')
    await isDead(pid)
    renameSync(home.path('elsewhere'), home.stateDir)
    kill(manager.child.pid, 'SIGCONT')
    expect(await recordWhere(manager, 'a', 'settled', isSettled)).toMatchObject({ state: 'exited', exit_code: 5 })
    expect(await manager.call('get', 'other')).toMatchObject({ state: 'running', pid: other })
  })

  it('while the manager looks: no crash, no loss, and it goes on where it was', async () => {
    const home = aHome()
    const { manager, pid, other } = await aliveOne(home)
    renameSync(home.stateDir, home.path('elsewhere'))
    expect(await manager.call('get', 'a')).toMatchObject({ state: 'running', pid })
    const started = await settles('a start', manager.start(sleeper({ id: 'new' }))).catch(() => null)
    await isSound(manager)
    // What the manager has put back meanwhile stands in the way of the old one.
    rmSync(home.stateDir, { recursive: true, force: true })
    renameSync(home.path('elsewhere'), home.stateDir)
    expect(await manager.call('get', 'other')).toMatchObject({ state: 'running', pid: other })
    await settles('the stop', manager.call('stop', 'a'))
    expect(lives(pid)).toBe(false)
    await settles('the stop', manager.call('stop', 'other'))
    expect(lives(other)).toBe(false)
    // Its directory went with what was put back; the manager knows it all the same.
    if (started !== null) {
      await settles('the stop', manager.call('stop', 'new'))
      expect(lives(started.pid)).toBe(false)
    }
    await isSound(manager)
  })
})
