/** Managers whose wall clock jumps. Keepers and the tests keep the true time. */
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import type { SupervisorOptions } from '../../src/api.ts'
import { fixture, type Home, kill, Manager, until } from '../e2e/harness.ts'

export const DAY_MS = 24 * 3_600_000

export interface ShiftedManager {
  readonly manager: Manager
  /** From now on its clock is so far off. */
  jump(ms: number): Promise<void>
}

/** Not ready yet: it may be waiting for the directory. */
export async function aShiftedManager(home: Home, shiftMs = 0, options: SupervisorOptions = {}): Promise<ShiftedManager> {
  const file = home.path(`shift-${randomUUID()}`)
  const set = (ms: number) => writeFileSync(file, String(ms))
  const seen = (ms: number) => until(`the clock is ${ms} ms off`, () => existsSync(`${file}.seen`) && readFileSync(`${file}.seen`, 'utf8') === String(ms))
  set(shiftMs)
  const node = ['env', `PROCMAN_TEST_SHIFT=${file}`, process.execPath, '--import', fixture('shifted-clock.mjs')]
  const manager = new Manager({ stateDir: home.stateDir, ...options }, { node })
  manager.ready.catch(() => {})
  onTestFinished(() => manager.kill())
  await seen(shiftMs)
  return {
    manager,
    jump: async (ms) => {
      set(ms)
      kill(manager.child.pid, 'SIGUSR2')
      await seen(ms)
    },
  }
}

/** True while a program waits for changes of files. */
export function isWatchingFiles(pid: number | undefined): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === 'anon_inode:inotify'
    } catch {
      return false
    }
  })
}
