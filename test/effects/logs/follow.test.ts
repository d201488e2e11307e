import { EventEmitter } from 'node:events'
import type { FSWatcher } from 'node:fs'
import { statSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Doorbell, type WatchFile } from '../../../src/effects/logs/follow.ts'
import { settle, TestLogs } from './harness.ts'

/** Stands in for fs.watch: records who is watched, and the test speaks for the kernel. */
function fakeWatch() {
  const open = new Map<string, () => void>()
  let armed = 0
  const watch: WatchFile = (path, onEvent) => {
    armed++
    open.set(path, onEvent)
    return Object.assign(new EventEmitter(), { close: () => open.delete(path) }) as unknown as FSWatcher
  }
  return { watch, open, count: () => armed }
}

const unchanged = () => false
const failing = (code: string): WatchFile => {
  return () => {
    throw Object.assign(new Error(code), { code })
  }
}

describe('waiting for a silent log', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('watches it, and ends at the first event', async () => {
    const fake = fakeWatch()
    const waiting = new Doorbell(() => ['/log'], fake.watch).wait(unchanged)
    fake.open.get('/log')?.()
    await waiting
    expect(fake.open.size).toBe(0)
  })

  it('polls each 50 ms after an event, and watches again after a second without news', async () => {
    const fake = fakeWatch()
    const bell = new Doorbell(() => ['/log'], fake.watch)
    const first = bell.wait(unchanged)
    fake.open.get('/log')?.()
    await first
    for (let polls = 0; polls < 20; polls++) {
      const waiting = bell.wait(unchanged)
      await vi.advanceTimersByTimeAsync(50)
      await waiting
    }
    expect(fake.count()).toBe(1)
    const again = bell.wait(unchanged)
    expect(fake.count()).toBe(2)
    bell.close()
    await again
  })

  it('ends at once if the log changed before the watch stood', async () => {
    const fake = fakeWatch()
    await new Doorbell(() => ['/log'], fake.watch).wait(() => fake.open.size === 1)
    expect(fake.open.size).toBe(0)
  })

  it.each(['ENOSPC', 'EMFILE', 'ENOENT'])('polls each 100 ms when it cannot be watched: %s', async (code) => {
    const waiting = new Doorbell(() => ['/log'], failing(code)).wait(unchanged)
    await vi.advanceTimersByTimeAsync(100)
    await waiting
  })

  it('looks each 10 s, as a watch may drop events', async () => {
    const waiting = new Doorbell(() => ['/log'], fakeWatch().watch).wait(unchanged)
    await vi.advanceTimersByTimeAsync(10_000)
    await waiting
  })

  it('leaves no watcher and no timer behind, however it ends', async () => {
    const fake = fakeWatch()
    const bell = new Doorbell(() => ['/out', '/err'], fake.watch)
    const waiting = bell.wait(unchanged)
    bell.close()
    await waiting
    await bell.wait(unchanged)
    expect([fake.open.size, vi.getTimerCount()]).toEqual([0, 0])
  })

  it('ends at once if it was rung before', async () => {
    const bell = new Doorbell(() => ['/log'], fakeWatch().watch)
    bell.ring()
    await bell.wait(unchanged)
  })
})

describe('waiting for real files', () => {
  let logs: TestLogs
  beforeEach(() => {
    logs = new TestLogs()
  })
  afterEach(() => logs.remove())

  it('ends when one of them is written to', async () => {
    logs.write('')
    logs.write('', 'stderr')
    const waiting = new Doorbell(() => [logs.path('stdout'), logs.path('stderr')]).wait(unchanged)
    logs.write('x', 'stderr')
    await waiting
  })

  it('ends when a missing one is created', async () => {
    const path = logs.path('stdout')
    const waiting = new Doorbell(() => [path]).wait(unchanged)
    await settle(2)
    logs.write('x')
    await waiting
    expect(statSync(path).size).toBe(1)
  })
})
