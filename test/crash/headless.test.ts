/** A command whose main thread has ended while another goes on: /proc/PID/stat calls it a zombie, and it lives. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Supervisor } from '../../src/api.ts'
import { fixture, type Home, kill, stateOf, until } from '../e2e/harness.ts'
import { aHostileHome, canRun, quietly, signed, workDir } from './tree.ts'

/** A zombie has one thread. */
function runs(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some((thread) => Number(thread) !== pid)
  } catch {
    return false
  }
}

function headless(home: Home) {
  const dir = workDir(home)
  const program = home.path('headless')
  execFileSync('cc', ['-o', program, fixture('headless.c'), '-lpthread'])
  onTestFinished(() => {
    for (const pid of signed(home)) if (runs(pid)) quietly(() => kill(pid))
  })
  return { id: 'headless', command: program, args: [home.path('work/pids')], cwd: dir, stop: { timeoutMs: 300 } }
}

const isHeadless = (pid: number | null) => pid !== null && stateOf(pid) === 'Z' && runs(pid)

describe.skipIf(!canRun('cc', ['--version']) || process.platform !== 'linux')('a command whose main thread has ended (needs cc)', () => {
  it('is up, for the manager that started it and for the next, and is stopped', async () => {
    const home = aHostileHome()
    const manager = await home.manager()
    const { pid } = await manager.start(headless(home))
    await until('only its other thread is left', () => isHeadless(pid))
    await manager.call('refresh')
    await manager.kill()
    const next = await home.supervisor()
    await next.refresh()
    expect(next.get('headless')).toMatchObject({ state: 'running', pid })
    expect(await next.stop('headless')).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGTERM' })
    expect(runs(pid ?? 0)).toBe(false)
  })

  it('is not given up by its manager when its keeper is killed', async () => {
    const home = aHostileHome()
    const supervisor = await home.supervisor()
    const { pid } = supervisor.get((await supervisor.start(headless(home))).id)
    await until('only its other thread is left', () => isHeadless(pid))
    kill(home.keeperPid('headless'))
    await until('the loss is known', () => supervisor.get('headless').keeper_lost || supervisor.get('headless').state === 'orphaned')
    await isStoppedByIdentity(supervisor, pid)
  })

  it('is not given up by the next manager when keeper and manager were killed', async () => {
    const home = aHostileHome()
    const manager = await home.manager()
    const { pid } = await manager.start(headless(home))
    await until('only its other thread is left', () => isHeadless(pid))
    await manager.kill()
    kill(home.keeperPid('headless'))
    await isStoppedByIdentity(await home.supervisor(), pid)
  })
})

async function isStoppedByIdentity(supervisor: Supervisor, pid: number | null): Promise<void> {
  expect(supervisor.get('headless')).toMatchObject({ state: 'running', pid })
  expect(await supervisor.stop('headless')).toMatchObject({ state: 'orphaned' })
  await until('it has ended', () => !runs(pid ?? 0))
}
