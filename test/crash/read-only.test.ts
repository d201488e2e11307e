/** The state directory is read-only, its modes are wrong, or the manager has no descriptor left: and then all is well again. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { aHome, DIST, fixture, type Home, lives, type Manager, obedient, sh, sleeper, until } from '../e2e/harness.ts'
import { IS_FULL, some } from '../effort.ts'
import { canMount, type DiskHome } from './disk.ts'
import { aManager, ask, filesBelow, isSettled, isSound, names, problemsOf, recordWhere, refusal, settles } from './hostile.ts'
import { type Hostility, itSurvives } from './unwritable.ts'

const NOBODY = 65_534
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
const asNobody = { node: [...AS_NOBODY, process.execPath] }

/** True where this user can run a manager as another one, who can read what was built. */
const canBeNobody = (() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const [command = '', ...args] = [
    ...AS_NOBODY,
    process.execPath,
    '-e',
    `import(${JSON.stringify(DIST)}).then(() => require('fs').readFileSync(${JSON.stringify(fixture('manager.mjs'))}))`,
  ]
  return spawnSync(command, args).status === 0
})()
const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0

/** A directory that belongs to nobody. */
function giveAway(home: Home): void {
  mkdirSync(home.stateDir, { recursive: true, mode: 0o700 })
  chmodSync(home.dir, 0o777)
  chownSync(home.stateDir, NOBODY, NOBODY)
}

function aForeignHome(): Home {
  const home = aHome()
  giveAway(home)
  return home
}

/** Every directory in which something is written. */
function dirsOf(home: DiskHome): readonly string[] {
  return [home.stateDir, join(home.stateDir, 'jobs'), ...home.ids().map((id) => home.jobFile(id, ''))]
}

const ROWS: readonly Hostility[] = [{ what: 'is read-only', errno: 'EROFS', options: {}, begin: (home) => home.readOnly(), end: (home) => home.writable() }]
const FOREIGN: readonly Hostility[] = [
  {
    what: 'forbids to write',
    errno: 'EACCES',
    options: {},
    how: asNobody,
    prepare: giveAway,
    begin: (home) => dirsOf(home).map((dir) => chmodSync(dir, 0o500)),
    end: (home) => dirsOf(home).map((dir) => chmodSync(dir, 0o700)),
  },
]

// The same as of a disk that is full, with another errno.
describe.skipIf(!canMount || !IS_FULL).each(ROWS)('a state directory that $what', (row) => itSurvives(row))
describe.skipIf(!canMount || !canBeNobody || !IS_FULL).each(FOREIGN)('a state directory that $what', (row) => itSurvives(row))

const isDead = (pid: number | null) => until(`${pid} has ended`, () => !lives(pid))

/** One that has ended, and two that run. */
async function threeProcesses(manager: Manager): Promise<{ readonly pid: number | null; readonly other: number | null }> {
  await manager.start(sh('exit 4', { id: 'done' }))
  await manager.call('wait', 'done')
  const { pid } = await manager.start(obedient({ id: 'up', stop: { timeoutMs: 100 } }))
  const { pid: other } = await manager.start(sleeper({ id: 'other' }))
  return { pid, other }
}

const LOCKED_AWAY = [
  ['done', 'state.json'],
  ['done', 'run-1.exit'],
  ['done', 'run-1.child'],
  ['done', ''],
  ['up', 'state.json'],
  ['up', 'run-1.intent'],
  ['up', 'run-1.claim'],
  ['up', 'run-1.child'],
  ['up', 'run-1.ctl'],
  ['up', 'run-1.alive'],
  ['up', ''],
  ['..', 'jobs'],
  ['../..', 'state'],
] as const

describe.skipIf(!canBeNobody)('what may not be read', () => {
  it.each(some(LOCKED_AWAY, 2))('%s/%s: is not taken for damaged; nothing is lost, and all is known when it may be read again', async (id, name) => {
    const home = aForeignHome()
    const first = await aManager(home, {}, asNobody)
    const { pid, other } = await threeProcesses(first)
    await first.kill()
    const path = join(home.stateDir, 'jobs', id, name)
    chmodSync(path, 0)
    const next = await aManager(home, { isClosedAtFirst: true }, asNobody)
    const refused = await refusal(settles('the opening', ask(next, 'open')))
    const told = refused === null ? await problemsOf(next) : [refused]
    if (refused === null) {
      expect(await next.call('get', 'other')).toMatchObject({ state: 'running', pid: other })
      for (const record of await next.call<readonly ProcessRecord[]>('list')) expect(record.state, record.id).not.toBe('orphaned')
      if (name === 'state.json' || name === '') {
        const error = await refusal(next.call('stop', id))
        expect(error?.code).toBe('PROCMAN_PROCESS_UNREADABLE')
        expect(error?.message).toMatch(new RegExp(`process ${id} cannot be managed for now: .*EACCES`))
      }
    } else expect(refused.code).toBe('PROCMAN_STATE_DIR_UNUSABLE')
    await isSound(next)
    await next.kill()
    chmodSync(path, name === 'jobs' || name === 'state' || name === '' ? 0o700 : 0o600)
    expect(existsSync(join(home.stateDir, 'quarantine'))).toBe(false)
    const last = await aManager(home, {}, asNobody)
    expect(await last.call('get', 'done')).toMatchObject({ state: 'exited', exit_code: 4, run: 1 })
    expect(await last.call('get', 'up')).toMatchObject({ state: 'running', pid, run: 1 })
    expect(await last.call('get', 'other')).toMatchObject({ state: 'running', pid: other, run: 1 })
    await last.call('stop', 'up')
    expect(lives(pid)).toBe(false)
    if (/^(state.json|jobs|state|)$/.test(name)) {
      expect(
        told.some(({ message }) => message.includes(path) && message.includes('EACCES')),
        JSON.stringify(told),
      ).toBe(true)
    }
  })

  it.each(['state.json', 'run-1.exit', ''])('up/%s, while its manager lives: what ends meanwhile is known exactly afterwards, by itself', async (name) => {
    const home = aForeignHome()
    const manager = await aManager(home, {}, asNobody)
    const { pid } = await threeProcesses(manager)
    const [path, end] = [home.jobFile('up', name), home.path('end')]
    await manager.call('write', 'up', `while [ ! -e "${end}" ]; do sleep 0.01; done; exit 6\n`)
    if (name === 'run-1.exit') {
      // It can only be locked away while the manager has not seen it yet.
      manager.child.kill('SIGSTOP')
      execFileSync('touch', [end])
      await until('the end is written down', () => existsSync(path))
      chmodSync(path, 0)
      manager.child.kill('SIGCONT')
    } else {
      chmodSync(path, 0)
      execFileSync('touch', [end])
      await isDead(pid)
    }
    await isSound(manager)
    expect(['running', 'stopping', 'exited']).toContain((await manager.call('get', 'up')).state)
    chmodSync(path, name === '' ? 0o700 : 0o600)
    expect(await recordWhere(manager, 'up', 'settled', isSettled)).toMatchObject({ state: 'exited', exit_code: 6, run: 1 })
  })

  it('a directory, while its process is stopped: the tree is gone, and the stop is on record afterwards', async () => {
    const home = aForeignHome()
    const manager = await aManager(home, {}, asNobody)
    const { pid } = await threeProcesses(manager)
    chmodSync(home.jobFile('up', ''), 0)
    const stopped = refusal(manager.call('stop', 'up'))
    await isDead(pid)
    chmodSync(home.jobFile('up', ''), 0o700)
    await settles('the stop', stopped)
    expect(await recordWhere(manager, 'up', 'settled', isSettled)).toMatchObject({ status: 'cancelled', run: 1 })
    await isSound(manager)
  })
})

/** @returns what it was refused with. One that is up and cannot be written down waits to be taken back until that can be done. */
async function startWith(manager: Manager, descriptors: number): Promise<(Error & { code?: string }) | null> {
  await ask(manager, 'eat', descriptors)
  const started = refusal(manager.start(sleeper({ id: 'new' })))
  const isTakenBack = recordWhere(manager, 'new', 'taken back', ({ state }) => state === 'stopping').catch(() => {})
  await Promise.race([started, isTakenBack])
  await ask(manager, 'spit')
  return settles(`a start with ${descriptors} descriptors`, started)
}

describe('a manager without a descriptor left', () => {
  it('that has not started anything yet does not fall over it, and takes no lesser keeper for good', async () => {
    const home = aHome()
    for (const left of [0, 1, 3, 5, 8]) {
      const manager = await aManager(home)
      const error = await startWith(manager, left)
      await isSound(manager)
      if (error !== null) {
        for (const part of [home.stateDir, 'EMFILE']) expect.soft(error.message, `with ${left} descriptors`).toContain(part)
        await manager.start(sleeper({ id: 'new' }))
      }
      expect(readFileSync(`/proc/${home.keeperPid('new')}/comm`, 'utf8')).toBe('procman-keeper\n')
      await manager.call('shutdown', { timeoutMs: 0 })
      await manager.kill()
      rmSync(home.stateDir, { recursive: true })
    }
  })

  it('refuses a start with path and cause, leaves nothing behind, and takes it when there are some', async () => {
    const home = aHome()
    const manager = await aManager(home)
    const { pid } = await manager.start(sleeper({ id: 'old' }))
    const before = filesBelow(home.stateDir)
    for (let left = 0; left < 8; left++) {
      const error = await startWith(manager, left)
      if (error === null) {
        await manager.call('stop', 'new')
        await manager.call('remove', 'new')
      } else {
        expect(['PROCMAN_LAUNCH_FAILED', 'PROCMAN_STATE_NOT_SAVED'], error.message).toContain(error.code)
        names(error, home.stateDir, 'EMFILE')
      }
      await isSound(manager)
      expect(await manager.call<readonly unknown[]>('list')).toMatchObject([{ id: 'old', state: 'running', pid }])
      await until('nothing is left of it', () => filesBelow(home.stateDir).filter((file) => !before.includes(file) && !/^trash|^bin/.test(file)).length === 0)
    }
    expect(await manager.start(sleeper({ id: 'new' }))).toMatchObject({ state: 'running' })
    expect(home.strays()).toHaveLength(2)
  })

  it('knows every end exactly when there are some again, by itself', async () => {
    const home = aHome()
    const manager = await aManager(home)
    const pids: (number | null)[] = []
    for (let code = 0; code < 10; code++)
      pids.push((await manager.start(sh(`while [ ! -e "${home.path('end')}" ]; do sleep 0.02; done; exit ${code}`, { id: `p${code}` }))).pid)
    await ask(manager, 'eat', 0)
    execFileSync('touch', [home.path('end')])
    for (const pid of pids) await isDead(pid)
    for (let code = 0; code < 10; code++) await until('the end is written down', () => existsSync(home.jobFile(`p${code}`, 'run-1.exit')))
    await isSound(manager)
    await ask(manager, 'spit')
    for (let code = 0; code < 10; code++) {
      const record = await recordWhere(manager, `p${code}`, 'settled', isSettled)
      expect(record).toMatchObject({ state: 'exited', exit_code: code, keeper_lost: false, run: 1 })
    }
  })

  it('keeps to a stop: it settles, the tree is gone, and it holds', async () => {
    const home = aHome()
    const manager = await aManager(home)
    const { pid } = await manager.start(sh('trap "" TERM; while :; do sleep 1; done', { id: 'a', restart: 'always', stop: { timeoutMs: 100 } }))
    await ask(manager, 'eat', 0)
    const stopped = refusal(manager.call('stop', 'a'))
    await isSound(manager)
    await ask(manager, 'spit')
    await settles('the stop', stopped)
    await isDead(pid)
    expect(await recordWhere(manager, 'a', 'settled', isSettled)).toMatchObject({ status: 'cancelled', run: 1 })
    await manager.kill()
    const next = await aManager(home)
    expect(await next.call('get', 'a')).toMatchObject({ status: 'cancelled', run: 1 })
  })

  it('goes on with a restart policy when there are some again', async () => {
    const home = aHome()
    const manager = await aManager(home)
    const { pid } = await manager.start(obedient({ id: 'a', restart: { strategy: 'always', delayMs: 10, maxDelayMs: 200 } }))
    await manager.call('write', 'a', `while [ ! -e "${home.path('end')}" ]; do sleep 0.02; done; exit 3\n`)
    await ask(manager, 'eat', 0)
    execFileSync('touch', [home.path('end')])
    await isDead(pid)
    await isSound(manager)
    await ask(manager, 'spit')
    const up = await recordWhere(manager, 'a', 'up again', (record) => record.state === 'running' && record.pid !== pid)
    expect(lives(up.pid)).toBe(true)
    expect(home.strays()).toHaveLength(1)
  })

  it('opens a directory or refuses it with path and cause, with however few there are; nothing is lost by it', async () => {
    const home = aHome()
    const first = await aManager(home)
    const { pid, other } = await threeProcesses(first)
    await first.kill()
    const next = await aManager(home, { isClosedAtFirst: true })
    for (let left = 0; left < 12; left++) {
      await ask(next, 'eat', left)
      const refused = await refusal(settles(`the opening with ${left} descriptors`, ask(next, 'open')))
      await ask(next, 'spit')
      await isSound(next)
      if (refused === null) await next.call('close')
      else {
        expect(refused.code).toBe('PROCMAN_STATE_DIR_UNUSABLE')
        names(refused, home.stateDir, 'EMFILE')
      }
      expect(existsSync(join(home.stateDir, 'quarantine')), `with ${left} descriptors`).toBe(false)
      expect(home.ids()).toEqual(['done', 'other', 'up'])
    }
    await ask(next, 'open')
    expect(await next.call('get', 'done')).toMatchObject({ state: 'exited', exit_code: 4 })
    expect(await next.call('get', 'up')).toMatchObject({ state: 'running', pid, run: 1, keeper_lost: false })
    expect(await next.call('get', 'other')).toMatchObject({ state: 'running', pid: other, run: 1, keeper_lost: false })
  })

  it('refuses to show output, and does not fall over it', async () => {
    const home = aHome()
    const manager = await aManager(home)
    await manager.start(sh('echo out; exit 0', { id: 'a' }))
    await manager.call('wait', 'a')
    await ask(manager, 'eat', 0)
    await refusal(settles('the output', ask(manager, 'output', 'a')))
    await isSound(manager)
    await ask(manager, 'spit')
    expect(await settles('the output', ask(manager, 'output', 'a'))).toBe('out')
  })

  it.skipIf(!hasPrlimit)('takes over more processes than it may hold files: none is lost, every end is known', async () => {
    const home = aHome()
    const first = await aManager(home)
    const codes = Array.from({ length: 100 }, (_, n) => n)
    const script = (code: number) => `while [ ! -e "${home.path('end')}" ]; do sleep 0.2; done; exit ${code}`
    const records = await Promise.all(codes.map((code) => first.start(sh(script(code), { id: `p${code}` }))))
    await first.kill()
    const next = await aManager(home, {}, { node: ['prlimit', '--nofile=96', process.execPath] })
    const known = await next.call<readonly ProcessRecord[]>('list')
    for (const { id, pid, run } of known) expect({ pid, run }, id).toEqual({ pid: records.find((record) => record.id === id)?.pid, run: 1 })
    if (known.length < records.length) expect((await problemsOf(next)).map(({ message }) => message).join('\n')).toContain('EMFILE')
    await isSound(next)
    execFileSync('touch', [home.path('end')])
    for (const { pid } of records) await isDead(pid)
    for (const code of codes) expect(await recordWhere(next, `p${code}`, 'settled', isSettled)).toMatchObject({ exit_code: code, run: 1, keeper_lost: false })
    expect(existsSync(join(home.stateDir, 'quarantine'))).toBe(false)
  })
})
