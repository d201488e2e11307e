/** What the tests know of a tree without procman's files: each of its processes has its working directory, or an argument, in a directory of the test. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import type { ProcessInput } from '../../src/api.ts'
import { aHome, fixture, type Home, kill, lives, pause, stateOf } from '../e2e/harness.ts'

export const hasPerl = canRun('perl', ['-e', '0'])

export function canRun(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** As `aHome`. A test that fails leaves nothing of its tree behind either, and no keeper that was stopped. */
export function aHostileHome(): Home {
  const home = aHome()
  onTestFinished(() => {
    for (const pid of home.keepers()) if (stateOf(pid) === 'T') quietly(() => kill(pid, 'SIGCONT'))
    for (const pid of inhabitants(home)) quietly(() => kill(pid))
  })
  return home
}

/** It may have ended meanwhile. */
export function quietly(act: () => void): void {
  try {
    act()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Where the processes of a test live. */
export function workDir(home: Home): string {
  const dir = home.path('work')
  mkdirSync(dir, { recursive: true })
  return dir
}

/** A program of test/fixtures/hostile.pl. */
export function hostile(home: Home, kind: string, args: readonly (string | number)[] = [], more: Partial<ProcessInput> = {}): ProcessInput {
  const dir = workDir(home)
  return { command: 'perl', args: [fixture('hostile.pl'), kind, dir, ...args.map(String)], cwd: dir, stop: { timeoutMs: 300 }, ...more }
}

/** The pids that the processes of the tree have written down themselves. */
export function signed(home: Home): readonly number[] {
  return home.text('work/pids').split('\n').filter(Boolean).map(Number)
}

/** The living processes of the tree. */
export function inhabitants(home: Home): readonly number[] {
  const dir = home.path('work')
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) && isIn(name, dir) && lives(Number(name)) ? [Number(name)] : []))
}

function isIn(pid: string, dir: string): boolean {
  const [cwd, args] = [look(() => readlinkSync(`/proc/${pid}/cwd`)), look(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1'))]
  return cwd.startsWith(dir) || args.includes(dir)
}

function look(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

/** True when a file that a process writes to all the time has stopped growing: looked at for a while, since there is no news of nothing. */
export async function isStill(path: string): Promise<boolean> {
  const size = () => (existsSync(path) ? readFileSync(path).length : 0)
  const before = size()
  await pause(60)
  return size() === before
}
