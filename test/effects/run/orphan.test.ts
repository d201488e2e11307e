/** Whom files may name: a process is ours only with proof. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bootId, startTimeOf } from '../../../src/effects/run/identity.ts'
import { isProvenOrphan } from '../../../src/effects/run/orphan.ts'

let jobDir: string
let children: ChildProcess[]
beforeEach(() => {
  jobDir = mkdtempSync(join(tmpdir(), 'procman-orphan-'))
  writeFileSync(join(jobDir, 'stdout.log'), '')
  children = []
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? new Promise((resolve) => child.once('exit', resolve))))
  rmSync(jobDir, { recursive: true })
})

const TOKEN = 'cookie.a.1.1'

/** @param how the log is opened as its stdout */
function isProven({ isLeader = true, how = 'a', token = '' }: { isLeader?: boolean; how?: string | null; token?: string }): boolean {
  const stdout = how === null ? 'ignore' : openSync(join(jobDir, 'stdout.log'), how)
  const child = spawn('sleep', ['600'], { detached: isLeader, stdio: ['ignore', stdout, 'ignore'], env: token === '' ? {} : { PROCMAN_TOKEN: token } })
  children.push(child)
  const pid = child.pid ?? 0
  return isProvenOrphan({ identity: { pid, start: startTimeOf(pid) ?? '', boot: bootId() }, token: TOKEN, jobDir })
}

describe.skipIf(process.platform !== 'linux')('a process that files name as the command of a run', () => {
  it.each([
    ['that carries the token of the run', { how: null, token: TOKEN }],
    ['that appends to the log, as the leader of its session', {}],
  ])('%s is ours', (_, what) => expect(isProven(what)).toBe(true))

  it.each([
    ['that only has the right pid, start and boot', { how: null }],
    ['that carries the token of another run', { how: null, token: 'cookie.a.2.1' }],
    ['that reads the log', { how: 'r' }],
    ['that writes to the log, but not to its end', { how: 'r+' }],
    ['that appends to the log from a session of somebody else', { isLeader: false }],
  ])('%s is a stranger', (_, what) => expect(isProven(what)).toBe(false))
})
