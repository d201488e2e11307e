/** A process that is none of procman's business, and run files that are forged to name it. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished } from 'vitest'
import { fixture, type Home, kill, lives, startOf, until } from '../e2e/harness.ts'
import { quietly } from './tree.ts'

export interface Stranger {
  readonly pid: number
  readonly start: string
  /** It lives, and no signal has ever reached it. */
  mustBeUnharmed(): void
}

/** Writes down each signal that reaches it, and is the leader of a session and a group of its own, unless it is to stay in ours. */
export async function aStranger(home: Home, kind: 'leader' | 'follower' = 'leader'): Promise<Stranger> {
  const dir = home.path('stranger')
  mkdirSync(dir)
  const child = spawn('perl', [fixture('hostile.pl'), 'stranger', dir], { cwd: dir, detached: kind === 'leader', stdio: 'ignore' })
  const pid = child.pid ?? 0
  onTestFinished(() => quietly(() => kill(pid)))
  await until('the stranger listens', () => existsSync(`${dir}/pids`))
  return {
    pid,
    start: startOf(pid),
    mustBeUnharmed: () => {
      expect(home.text('stranger/heard')).toBe('')
      expect(lives(pid)).toBe(true)
    },
  }
}

/** Changes the JSON of a file of run 1. */
export function forge(home: Home, id: string, file: 'claim' | 'child' | 'exit', change: Readonly<Record<string, unknown>>): void {
  const path = home.jobFile(id, `run-1.${file}`)
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }))
}

/** Changes who the snapshot says that the command is. */
export function forgeIdentity(home: Home, id: string, change: Readonly<Record<string, unknown>>): void {
  const path = home.jobFile(id, 'state.json')
  const envelope = JSON.parse(readFileSync(path, 'utf8'))
  if (envelope.snapshot.context.identity !== null) Object.assign(envelope.snapshot.context.identity, change)
  writeFileSync(path, JSON.stringify(envelope))
}

/** Ends keeper and command of run 1 without a trace, as a loss of power does. */
export async function vanish(home: Home, id: string, pid: number | null): Promise<void> {
  const keeper = home.keeperPid(id)
  kill(keeper, 'SIGSTOP')
  kill(pid)
  kill(keeper)
  await until('both are gone', () => !lives(pid) && !lives(keeper))
  rmSync(home.jobFile(id, 'run-1.exit'), { force: true })
}
