/** Readiness by a newline on a descriptor, with run files and FIFOs that the test holds in the keeper's place. */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { onNotified } from '../../../src/effects/probe/notify.ts'
import { identityOf, World } from './fixtures.ts'

let jobDir: string
let said: string[]
beforeEach(() => {
  jobDir = mkdtempSync(join(tmpdir(), 'procman-notify-'))
  said = []
})
afterEach(async () => {
  await vi.waitFor(() => expect(openFifos(), 'FIFOs that are left open').toEqual([]))
  rmSync(jobDir, { recursive: true })
})

/** @returns a function that lets go, as a keeper does once the newline came or the command has closed the descriptor */
function hold(): () => void {
  execFileSync('mkfifo', [join(jobDir, 'run-1.notify')])
  const fd = openSync(join(jobDir, 'run-1.notify'), constants.O_RDWR | constants.O_NONBLOCK)
  return () => closeSync(fd)
}

const newlineCame = (content = '{"v":1,"at":1234}') => writeFileSync(join(jobDir, 'run-1.ready'), content)

function openFifos(): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(jobDir) ? [fd] : []
    } catch {
      return []
    }
  })
}

const wait = () =>
  onNotified(
    { jobDir, run: 1 },
    { came: (atMs) => void said.push(`came at ${atMs}`), looked: () => void said.push('looked'), failed: (error) => void said.push(String(error)) },
  )

describe('a newline on the descriptor', () => {
  it('is told when it comes, with the time at which the keeper saw it', async () => {
    const letGo = hold()
    wait()
    await vi.waitFor(() => expect(said).toEqual(['looked']))
    newlineCame()
    letGo()
    await vi.waitFor(() => expect(said).toEqual(['looked', 'came at 1234']))
  })

  it('that came before anybody looked is told at once', async () => {
    hold()()
    newlineCame()
    wait()
    await vi.waitFor(() => expect(said).toEqual(['came at 1234']))
  })

  it('that came is told also when its FIFO was taken away', async () => {
    newlineCame()
    wait()
    await vi.waitFor(() => expect(said).toEqual(['came at 1234']))
  })

  it('never comes when the descriptor was closed without one', async () => {
    const letGo = hold()
    wait()
    await vi.waitFor(() => expect(said).toEqual(['looked']))
    letGo()
    await vi.waitFor(() => expect(said).toEqual(['looked', 'looked']))
  })

  it('is not believed from a damaged file', async () => {
    newlineCame('damaged')
    wait()
    await vi.waitFor(() => expect(said).toEqual(['looked']))
  })

  it('is not told any more once nobody waits', async () => {
    const letGo = hold()
    const stop = wait()
    await vi.waitFor(() => expect(said).toEqual(['looked']))
    stop()
    await vi.waitFor(() => expect(openFifos().length).toBeLessThan(2)) // the test's own is left
    newlineCame()
    letGo()
    await vi.waitFor(() => expect(openFifos()).toEqual([]))
    expect(said).toEqual(['looked'])
  })
})

describe('a run that waits for a newline', () => {
  const ready = { kind: 'notify', fd: 3 } as const

  it('is ready by it once, over changes of state', async () => {
    const letGo = hold()
    const world = new World({ ready })
    world.jobDir = jobDir
    const actor = world.begin()
    world.launched()
    await vi.waitFor(() => expect(openFifos()).toHaveLength(2))
    actor.send({ type: 'next' })
    newlineCame()
    letGo()
    await vi.waitFor(() => expect(world.facts).toEqual([{ type: 'ready.signalled', run: 1, atMs: 1234 }]))
    actor.stop()
  })

  it('is late when the descriptor was closed without one', async () => {
    hold()()
    const world = new World({ ready, startupTimeoutMs: 5_000 })
    world.jobDir = jobDir
    world.launched(identityOf(process.pid), Date.now() - 100_000)
    const actor = world.begin()
    await vi.waitFor(() => expect(world.told()).toEqual(['startup.timed-out']))
    actor.stop()
  })

  it('was ready in time when the manager alone is late', async () => {
    newlineCame()
    const world = new World({ ready, startupTimeoutMs: 5_000 })
    world.jobDir = jobDir
    world.onFact = () => world.becomesReady()
    world.launched(identityOf(process.pid), Date.now() - 100_000)
    const actor = world.begin()
    await vi.waitFor(() => expect(world.told()).toEqual(['ready.signalled']))
    actor.send({ type: 'next' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(world.told()).toEqual(['ready.signalled'])
    actor.stop()
  })
})
