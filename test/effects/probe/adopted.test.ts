/** A run that is adopted: with the real watch over run files that the test holds in the keeper's place. */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { RunPorts } from '../../../src/effects/run/ports.ts'
import { RunWatches } from '../../../src/effects/run/run.ts'
import { StrayHunter } from '../../../src/effects/run/strays.ts'
import { aProcess, endProcesses, health, identityOf, kill, named, World } from './fixtures.ts'

let jobDir: string
beforeEach(() => {
  jobDir = mkdtempSync(join(tmpdir(), 'procman-adopted-'))
})
afterEach(async () => {
  await endProcesses()
  rmSync(jobDir, { recursive: true })
})

const write = (name: string, content: object) => writeFileSync(join(jobDir, `run-1.${name}`), JSON.stringify({ v: 1, ...content }))

function holdAlive(): () => void {
  execFileSync('mkfifo', [join(jobDir, 'run-1.alive')])
  const fd = openSync(join(jobDir, 'run-1.alive'), constants.O_RDWR | constants.O_NONBLOCK)
  return () => closeSync(fd)
}

it('is asked until its end is on disk, and no failure is told of it then', async () => {
  const child = await aProcess()
  const { pid, start } = identityOf(child.pid ?? 0)
  write('claim', { ...identityOf(process.pid), at: 1 })
  write('child', { pid, start, at: Date.now(), out: 0, err: 0 })
  const letGo = holdAlive()

  const fail = (error: unknown) => {
    throw error
  }
  const ports = {
    jobDirOf: () => jobDir,
    guard: () => null,
    hasPorts: () => false,
    tokenOf: () => 'no-such-token',
    knownOf: () => null,
    strays: new StrayHunter(fail),
    onTrouble: fail,
    nowMs: Date.now,
  }
  const runs = new RunWatches(ports as unknown as RunPorts)
  const world = new World({ health: health({ liveness: named('liveness', { intervalMs: 20 }) }) }, runs)
  const run = runs.acquire({ id: 'web', run: 1 })
  const actor = world.begin()
  await vi.waitFor(() => expect(world.facts.length).toBeGreaterThan(2))

  world.answer = undefined
  const before = world.asked.length
  await vi.waitFor(() => expect(world.asked.length).toBeGreaterThan(before))
  await kill(child)
  write('exit', { kind: 'signal', code: 9, signal: 9, at: Date.now() })
  letGo()
  await vi.waitFor(() => expect(world.asked.at(-1)?.signal.aborted).toBe(true))
  world.asked.at(-1)?.answer({ cause: 'connection reset', body: null })
  await new Promise((resolve) => setImmediate(resolve))
  expect(world.told()).not.toContain('probe.failed liveness')
  expect(world.troubles).toEqual([])
  actor.stop()
  run.release()
})
