/** What the tests of a hostile world share: managers that can be asked about themselves, and claims about errors, problems and files. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { Problem, SupervisorOptions } from '../../src/api.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { aHome, type Home, kill, type Manager, type ManagerProgram, pause, until } from '../e2e/harness.ts'
import { errnoOf } from './disk.ts'

type Own = 'problems' | 'eat' | 'spit' | 'open' | 'descriptors' | 'longestBlockMs' | 'memory' | 'output' | 'ping'

/** Asks the manager about itself: see test/fixtures/hostile-manager.mjs. */
export function ask<T>(manager: Manager, what: Own, ...args: readonly unknown[]): Promise<T> {
  return manager.call<T>(what as never, ...args)
}

const managers: Manager[] = []

/** A manager in a process of its own, so that a crash is a fact and not a mess. */
export async function aManager(home: Home, options: SupervisorOptions & { readonly isClosedAtFirst?: true } = {}, how: ManagerProgram = {}): Promise<Manager> {
  const manager = await home.manager(options, { script: 'hostile-manager.mjs', ...how })
  managers.push(manager)
  return manager
}

/** What the test leaves behind may block or crash whoever opens it: everything is killed by pid, and the directory removed, before the usual clean-up. */
export function aDoomedHome(): Home {
  const home = aHome()
  onTestFinished(async () => {
    for (const manager of managers.splice(0)) await manager.kill()
    const isQuiet = () => {
      for (const pid of [...home.strays().map((stray) => stray.pid), ...home.keepers()]) errnoOf(() => kill(pid))
      return home.strays().length + home.keepers().length === 0
    }
    await until('everything is gone', isQuiet)
    rmSync(home.stateDir, { recursive: true, force: true })
  })
  return home
}

/** It has not crashed, and its loop turns. */
export async function isSound(manager: Manager): Promise<void> {
  expect(manager.child.exitCode, 'the manager has crashed').toBe(null)
  expect(manager.child.signalCode).toBe(null)
  expect(await ask(manager, 'ping')).toBe('pong')
}

export function problemsOf(manager: Manager): Promise<readonly Problem[]> {
  return ask(manager, 'problems')
}

/** Waits until the manager itself says so; no command is given to it. One that could not be read yet is not known yet. */
export async function recordWhere(manager: Manager, id: string, what: string, holds: (record: ProcessRecord) => boolean): Promise<ProcessRecord> {
  for (const giveUpAtMs = Date.now() + 20_000; ; await pause(20)) {
    const record = await manager.call('get', id).catch((error: Error) => error)
    if (!(record instanceof Error) && holds(record)) return record
    if (Date.now() > giveUpAtMs) throw new Error(`process ${id} never came to be ${what}: ${record instanceof Error ? record.message : JSON.stringify(record)}`)
  }
}

/** Every call settles; what does not within half a minute never will. */
export async function settles<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`never settled: ${what}`)), 30_000)
  })
  return Promise.race([promise, never]).finally(() => clearTimeout(timer))
}

/** What it was refused with; null when it was not. */
export function refusal(promise: Promise<unknown>): Promise<(Error & { code?: string }) | null> {
  return promise.then(
    () => null,
    (error: Error) => error,
  )
}

export const isSettled = (record: ProcessRecord) => record.state === 'exited' || record.state === 'orphaned'

/** Waits until the state file itself says so, whoever wrote it. */
export function savedWhere(home: Home, id: string, what: string, holds: (value: string, context: Record<string, unknown>) => boolean): Promise<unknown> {
  return until(`the state file of ${id} says ${what}`, () => {
    try {
      const { value, context } = JSON.parse(readFileSync(home.jobFile(id, 'state.json'), 'utf8')).snapshot
      return holds(value, context)
    } catch {
      return false
    }
  })
}

export function names(error: { readonly message: string } | undefined, ...parts: readonly string[]): void {
  for (const part of parts) expect(error?.message).toContain(part)
}

/** Paths of everything below, relative. */
export function filesBelow(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
}
