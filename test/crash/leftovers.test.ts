/**
 * A state directory full of what others have left there. It opens, what runs is there, and the loop keeps turning; how long it was held up at most is printed, not
 * claimed. The long form (PROCMAN_TEST_FULL=1) has 100 000 of each.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { encodeHolder } from '../../src/persistence/lock-holder.ts'
import { aHome, type Home, lives, type Manager, sh, sleeper, until } from '../e2e/harness.ts'
import { IS_FULL } from '../effort.ts'
import { aManager, ask, isSound, settles } from './hostile.ts'

const MANY = IS_FULL ? 100_000 : 10_000
const ENOUGH_MB = 400
const TIMEOUT_MS = 600_000

/** Memory is the fastest disk there is. */
beforeEach(() => {
  if (existsSync('/dev/shm')) vi.stubEnv('TMPDIR', '/dev/shm')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

async function aHealthyHome(): Promise<{ readonly home: Home; readonly pids: ReadonlyMap<string, number | null> }> {
  const home = aHome()
  const first = await aManager(home)
  const pids = new Map<string, number | null>()
  for (const id of ['a', 'm', 'z']) pids.set(id, (await first.start(sleeper({ id }))).pid)
  await first.start(sh('echo out; exit 3', { id: 'ended' }))
  await first.call('wait', 'ended')
  await first.kill()
  return { home, pids }
}

async function opened(home: Home): Promise<Manager> {
  const manager = await aManager(home, { isClosedAtFirst: true })
  const before = await ask<number>(manager, 'memory')
  await ask(manager, 'longestBlockMs')
  await ask(manager, 'open')
  await report(manager, 'opening', before)
  return manager
}

/** Prints what it took, and sees to it that memory was bounded. */
async function report(manager: Manager, what: string, before: number): Promise<void> {
  const moreMb = Math.round(((await ask<number>(manager, 'memory')) - before) / 1e6)
  console.info(`${MANY} leftovers, ${what}: the loop was held up for at most ${await ask(manager, 'longestBlockMs')} ms, memory grew by ${moreMb} MB`)
  expect(moreMb).toBeLessThan(ENOUGH_MB)
}

async function isAllThere(manager: Manager, pids: ReadonlyMap<string, number | null>): Promise<void> {
  for (const [id, pid] of pids) {
    expect(await manager.call('get', id)).toMatchObject({ state: 'running', pid, run: 1 })
    expect(lives(pid)).toBe(true)
  }
  expect(await manager.call('get', 'ended')).toMatchObject({ state: 'exited', exit_code: 3 })
  expect(await manager.start(sleeper({ id: 'new' }))).toMatchObject({ state: 'running' })
  expect(await settles('the stop', manager.call('stop', 'm'))).toMatchObject({ status: 'cancelled' })
  await isSound(manager)
}

describe('leftovers', () => {
  it(`${MANY} empty directories of processes that never came to be`, { timeout: TIMEOUT_MS }, async () => {
    const { home, pids } = await aHealthyHome()
    for (let n = 0; n < MANY; n++) mkdirSync(join(home.stateDir, 'jobs', `left-${n}`))
    const manager = await opened(home)
    await isAllThere(manager, pids)
    expect(await manager.call<readonly unknown[]>('list')).toHaveLength(5)
  })

  it(`${MANY} files of older runs of one process`, { timeout: TIMEOUT_MS }, async () => {
    const { home, pids } = await aHealthyHome()
    const last = MANY + 1
    const state = home.jobFile('ended', 'state.json')
    writeFileSync(state, readFileSync(state, 'utf8').replace('"run":1', `"run":${last}`))
    for (const name of readdirSync(home.jobFile('ended', '')).filter((file) => file.startsWith('run-1.')))
      renameSync(home.jobFile('ended', name), home.jobFile('ended', name.replace('run-1.', `run-${last}.`)))
    const child = readFileSync(home.jobFile('ended', `run-${last}.child`))
    for (let run = 1; run <= MANY / 2; run++) {
      writeFileSync(home.jobFile('ended', `run-${run}.child`), child)
      writeFileSync(home.jobFile('ended', `run-${run}.claim.${run}.tmp`), '')
    }
    const manager = await opened(home)
    await isAllThere(manager, pids)
    expect(await settles('the output', ask(manager, 'output', 'ended'))).toContain('out')
    const before = await ask<number>(manager, 'memory')
    await ask(manager, 'longestBlockMs')
    expect(await manager.call('launch', 'ended')).toMatchObject({ run: last + 1 })
    await until('they are pruned', () => readdirSync(home.jobFile('ended', '')).length < 1_000)
    await report(manager, 'the next run', before)
    await manager.call('wait', 'ended')
    await manager.call('remove', 'ended')
    expect(home.ids()).not.toContain('ended')
  })

  it(`${MANY} files in the trash`, { timeout: TIMEOUT_MS }, async () => {
    const { home, pids } = await aHealthyHome()
    for (let n = 0; n < MANY; n++) {
      if (n % 100 === 0) mkdirSync(join(home.stateDir, 'trash', `dead-${n}`))
      writeFileSync(join(home.stateDir, 'trash', `dead-${n - (n % 100)}`, `run-${n}.child`), '')
    }
    const manager = await opened(home)
    await isAllThere(manager, pids)
    const before = await ask<number>(manager, 'memory')
    await until('it is emptied', () => !existsSync(join(home.stateDir, 'trash')) || readdirSync(join(home.stateDir, 'trash')).length === 0)
    await report(manager, 'emptying it', before)
  })

  it(`${MANY / 10} locks of managers that died over them`, { timeout: TIMEOUT_MS }, async () => {
    const { home, pids } = await aHealthyHome()
    const identity = { pid: 2_147_483, start: '1', boot: 'another' }
    for (let n = 0; n < MANY / 10; n++) {
      const nonce = randomBytes(8).toString('hex')
      symlinkSync(encodeHolder({ identity, nonce }), join(home.stateDir, `manager.lock.new-${nonce}`))
    }
    const manager = await opened(home)
    await isAllThere(manager, pids)
    expect(readdirSync(home.stateDir).filter((name) => name.startsWith('manager.lock'))).toEqual(['manager.lock'])
  })

  it(`${MANY} damaged snapshots in quarantine do not matter`, { timeout: TIMEOUT_MS }, async () => {
    const { home, pids } = await aHealthyHome()
    mkdirSync(join(home.stateDir, 'quarantine'))
    for (let n = 0; n < MANY; n++) writeFileSync(join(home.stateDir, 'quarantine', `old-${n}.state.json.${n}`), '')
    writeFileSync(home.jobFile('ended', 'state.json'), 'x')
    const manager = await opened(home)
    await isAllThere(manager, pids)
    expect(readdirSync(join(home.stateDir, 'quarantine'))).toHaveLength(MANY + 1)
  })
})
