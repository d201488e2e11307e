import { EventEmitter } from 'node:events'
import type { FSWatcher } from 'node:fs'
import { existsSync, statSync } from 'node:fs'
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
const changed = () => true
const failing = (code: string): WatchFile => {
  return () => {
    throw Object.assign(new Error(code), { code })
  }
}

/** A log that changes when it is told to; a wait for it takes note of that. */
function log() {
  let news = false
  return {
    write: () => {
      news = true
    },
    hasChanged: () => {
      const had = news
      news = false
      return had
    },
  }
}

describe('waiting for a silent log', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('watches it, and ends at the first event that tells of a change', async () => {
    const fake = fakeWatch()
    const { write, hasChanged } = log()
    const waiting = new Doorbell(() => ['/log'], fake.watch).wait(hasChanged)
    write()
    fake.open.get('/log')?.()
    await waiting
    expect(fake.open.size).toBe(0)
  })

  it('looks each 4 ms instead of watching once it changes all the time, and watches again when it does not', async () => {
    const fake = fakeWatch()
    const { write, hasChanged } = log()
    const bell = new Doorbell(() => ['/log'], fake.watch)
    for (let times = 0; times < 20; times++) {
      const waiting = bell.wait(hasChanged)
      write()
      fake.open.get('/log')?.()
      await vi.advanceTimersByTimeAsync(4)
      await waiting
    }
    expect([fake.count(), fake.open.size]).toEqual([3, 0])
    const again = bell.wait(hasChanged)
    await vi.advanceTimersByTimeAsync(100)
    expect([fake.count(), fake.open.size]).toEqual([4, 1])
    bell.close()
    await again
  })

  it('goes on watching one that changes now and then', async () => {
    const fake = fakeWatch()
    const { write, hasChanged } = log()
    const bell = new Doorbell(() => ['/log'], fake.watch)
    for (let times = 0; times < 20; times++) {
      const waiting = bell.wait(hasChanged)
      await vi.advanceTimersByTimeAsync(10)
      write()
      fake.open.get('/log')?.()
      await waiting
    }
    expect(fake.count()).toBe(20)
  })

  it('is not disturbed for long by what rings although nothing has changed', async () => {
    const fake = fakeWatch()
    const { write, hasChanged } = log()
    const waiting = new Doorbell(() => ['/log'], fake.watch).wait(hasChanged)
    for (let times = 0; times < 10; times++) fake.open.get('/log')?.()
    expect([fake.count(), fake.open.size]).toEqual([1, 0])
    await vi.advanceTimersByTimeAsync(100)
    expect([fake.count(), fake.open.size]).toEqual([2, 1])
    write()
    fake.open.get('/log')?.()
    await waiting
  })

  it('ends at once if the log changed before the watch stood', async () => {
    const fake = fakeWatch()
    await new Doorbell(() => ['/log'], fake.watch).wait(() => fake.open.size === 1)
    expect(fake.open.size).toBe(0)
  })

  it('ends when it cannot be told whether it has changed: whoever waits looks, too', async () => {
    await new Doorbell(() => ['/log'], fakeWatch().watch).wait(() => {
      throw new Error('it is a directory')
    })
  })

  it.each(['ENOSPC', 'EMFILE', 'ENOENT'])('looks each 100 ms when it cannot be watched: %s', async (code) => {
    const { write, hasChanged } = log()
    const waiting = new Doorbell(() => ['/log'], failing(code)).wait(hasChanged)
    await vi.advanceTimersByTimeAsync(1_000)
    write()
    await vi.advanceTimersByTimeAsync(100)
    await waiting
  })

  it('looks each 10 s, as a watch may drop events', async () => {
    const { write, hasChanged } = log()
    const waiting = new Doorbell(() => ['/log'], fakeWatch().watch).wait(hasChanged)
    await vi.advanceTimersByTimeAsync(60_000)
    write()
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
    const busy = new Doorbell(() => ['/log'], fake.watch)
    for (let times = 0; times < 3; times++) await busy.wait(changed)
    const looking = busy.wait(unchanged)
    expect([fake.open.size, vi.getTimerCount()]).toEqual([0, 1])
    busy.close()
    await looking
    expect([fake.open.size, vi.getTimerCount()]).toEqual([0, 0])
  })

  it('ends at once if it was rung before', async () => {
    const bell = new Doorbell(() => ['/log'], fakeWatch().watch)
    bell.ring()
    await bell.wait(unchanged)
  })
})

describe('many busy logs', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('are those, too, of which none is by itself', async () => {
    const fakes = Array.from({ length: 500 }, () => fakeWatch())
    const waits = fakes.map((fake) => {
      const { write, hasChanged } = log()
      const bell = new Doorbell(() => ['/log'], fake.watch)
      const first = bell.wait(hasChanged)
      return { bell, first, ring: () => [write(), fake.open.get('/log')?.()] }
    })
    await vi.advanceTimersByTimeAsync(5_000) // of what rang in other tests nothing counts any more
    for (const { ring } of waits) ring()
    await Promise.all(waits.map(({ first }) => first))
    const again = waits.map(({ bell }) => bell.wait(unchanged))
    const watched = fakes.filter(({ open }) => open.size > 0).length
    for (const { bell } of waits) bell.close()
    expect(watched).toBe(400)
    await Promise.all(again)
  })

  it('are all looked at in turn, and together their readers are woken no more than 1 400 times a second', async () => {
    const wakes = new Map<number, number>()
    let isEnded = false
    const bells = Array.from({ length: 100 }, () => new Doorbell(() => ['/log'], fakeWatch().watch))
    const follow = async (bell: Doorbell, index: number) => {
      for (let times = 0; times < 3; times++) await bell.wait(changed)
      while (!isEnded) {
        await bell.wait(changed)
        wakes.set(index, (wakes.get(index) ?? 0) + 1)
      }
    }
    for (const [index, bell] of bells.entries()) void follow(bell, index)
    await vi.advanceTimersByTimeAsync(1_000)
    const counts = [...wakes.values()]
    isEnded = true
    for (const bell of bells) bell.close()
    expect(counts).toHaveLength(100)
    expect(counts.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(1_400)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
    await vi.runAllTimersAsync()
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
    const waiting = new Doorbell(() => [logs.path('stdout'), logs.path('stderr')]).wait(() => statSync(logs.path('stderr')).size > 0)
    logs.write('x', 'stderr')
    await waiting
  })

  it('ends when a missing one is created', async () => {
    const path = logs.path('stdout')
    const waiting = new Doorbell(() => [path]).wait(() => existsSync(path))
    await settle(2)
    logs.write('x')
    await waiting
    expect(statSync(path).size).toBe(1)
  })
})
