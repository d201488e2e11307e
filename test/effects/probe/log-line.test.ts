/** Readiness by a line of output, with real files. */
import { existsSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { onLogLine } from '../../../src/effects/probe/log-line.ts'
import { settle, TestLogs } from '../logs/harness.ts'

let logs: TestLogs
let came: number[]
let failures: unknown[]
let looks: number
let stops: (() => void)[]
beforeEach(() => {
  logs = new TestLogs()
  came = []
  failures = []
  looks = 0
  stops = []
})
afterEach(async () => {
  for (const stop of stops) stop()
  await vi.waitFor(() => expect(logs.openFiles(), 'files that are left open').toBe(0))
  logs.remove()
  expect(failures).toEqual([])
})

const launched = (run: number, out: number, err: number) =>
  writeFileSync(join(logs.dir, `run-${run}.child`), JSON.stringify({ v: 1, pid: 4711, start: '1', boot: 'b', at: 1, out, err }))

function wait(source: string, { flags = '', run = 1 } = {}): void {
  const listener = {
    came: (atMs: number) => void came.push(atMs),
    looked: () => {
      looks += 1
    },
    failed: (error: unknown) => void failures.push(error),
  }
  stops.push(onLogLine({ jobDir: logs.dir, run }, { kind: 'log-line', source, flags }, listener, () => 7))
}

const hasCome = () => vi.waitFor(() => expect(came).toEqual([7]))
const hasLooked = () => vi.waitFor(() => expect(looks).toBeGreaterThan(0))
async function hasNotCome(): Promise<void> {
  await hasLooked()
  await settle()
  expect(came).toEqual([])
}

describe('a line that tells readiness', () => {
  it.each(['stdout', 'stderr'] as const)('comes on %s, and then all is let go', async (stream) => {
    launched(1, 0, 0)
    wait('listening on \\d+')
    await hasNotCome()
    logs.write('hello\nlistening on 80\n', stream)
    await hasCome()
    await vi.waitFor(() => expect(logs.openFiles()).toBe(0))
    logs.write('listening on 80\n', stream)
    await settle()
    expect(came).toHaveLength(1)
  })

  it('was there before anybody looked', async () => {
    launched(1, 0, 0)
    logs.write('hello\nlistening\n')
    wait('^listening$')
    await hasCome()
  })

  it('must have ended', async () => {
    launched(1, 0, 0)
    logs.write('almost ready')
    wait('ready')
    await hasNotCome()
    logs.write('\n')
    await hasCome()
  })

  it('must have ended also when it is so long that it is given in pieces', async () => {
    launched(1, 0, 0)
    logs.write(`ready${'.'.repeat(2_500_000)}`)
    wait('ready|steady')
    await hasNotCome()
    logs.write('steady\n')
    await hasCome()
  })

  it('is not one of an earlier run, however long its log is', async () => {
    const old = Buffer.alloc(200_000, 'ready\n')
    logs.write(old)
    logs.write('ready\n', 'stderr')
    launched(1, 0, 0)
    launched(2, old.length, 6)
    wait('ready', { run: 2 })
    await hasNotCome()
    logs.write('ready\n', 'stderr')
    await hasCome()
  })

  it('is found behind much other output, without holding up anything else', async () => {
    launched(1, 0, 0)
    logs.write(Buffer.alloc(8 * 1024 * 1024, 'some other line that does not matter\n'))
    logs.write('\nready\n')
    let turns = 0
    const turning = setInterval(() => (turns += 1), 0)
    wait('^ready$')
    await vi.waitFor(() => expect(came).toEqual([7]), 20_000)
    clearInterval(turning)
    expect(turns).toBeGreaterThan(20)
    expect(looks).toBe(0)
  })

  it.each(['g', 'y', 'gi'])('is found again by a pattern with the flags "%s", which would keep state', async (flags) => {
    launched(1, 0, 0)
    wait('ready', { flags })
    wait('ready', { flags })
    await hasNotCome()
    logs.write('ready\nready\n')
    await vi.waitFor(() => expect(came).toEqual([7, 7]))
  })

  it('is found in a log that its own program has emptied', async () => {
    logs.write('old output\n')
    launched(3, 11, 0)
    wait('ready', { run: 3 })
    await hasNotCome()
    logs.write('more\n')
    await settle()
    truncateSync(logs.path('stdout'))
    logs.write('ready\n')
    await hasCome()
  })

  it('is not told any more once nobody waits', async () => {
    launched(1, 0, 0)
    wait('ready')
    for (const stop of stops) stop()
    logs.write('ready\n')
    await settle()
    expect([came, looks]).toEqual([[], 0])
  })

  it('cannot be waited for when nobody knows where the output of the run begins', async () => {
    wait('ready')
    await vi.waitFor(() => expect(failures).toMatchObject([{ code: 'PROCMAN_LOG_UNREADABLE' }]))
    failures.length = 0
  })

  it('cannot be read from what is no file', async () => {
    launched(1, 0, 0)
    writeFileSync(join(logs.dir, 'elsewhere'), 'ready\n')
    const { symlinkSync } = await import('node:fs')
    symlinkSync(join(logs.dir, 'elsewhere'), logs.path('stdout'))
    wait('ready')
    await vi.waitFor(() => expect(failures).toMatchObject([{ code: 'PROCMAN_LOG_UNREADABLE' }]))
    failures.length = 0
    rmSync(logs.path('stdout'))
    expect(existsSync(logs.path('stdout'))).toBe(false)
  })
})
