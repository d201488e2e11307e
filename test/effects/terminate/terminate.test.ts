import { describe, expect, it, vi } from 'vitest'
import { createActor } from 'xstate'
import type { EffectRegistry } from '../../../src/effects/effect.ts'
import type { RunWatches } from '../../../src/effects/run/run.ts'
import { terminate } from '../../../src/effects/terminate/terminate.ts'

/** A watch that only writes down what it was asked for; `fail` makes the next ones throw. */
function fakeWatches(errors: unknown[] = []) {
  const calls: string[] = []
  const failures: Error[] = []
  const note = (call: string) => {
    const failure = failures.shift()
    if (failure !== undefined) throw failure
    calls.push(call)
  }
  const watch = { ask: (signal: string) => note(signal), kill: () => note('kill') }
  const release = vi.fn()
  const watches = {
    ports: { nowMs: Date.now, onTrouble: (_id: string, error: unknown) => errors.push(error) },
    acquire: () => ({ watch, release }),
  } as unknown as RunWatches
  return { calls, failures, release, watches }
}

function registryWith(errors: unknown[]): EffectRegistry {
  return { live: new Set(), onError: (error) => errors.push(error) }
}

const onRecord = () => Promise.resolve()

describe('the ladder of a stop', () => {
  it('begins once the stop is on record, and not when it is over before', async () => {
    const { calls, watches } = fakeWatches()
    let written = () => {}
    const promise = new Promise<void>((resolve) => {
      written = resolve
    })
    const input = { id: 'a', run: 1, askedAtMs: 0, rungs: [{ signal: 'SIGTERM', atMs: 0 }], killAtMs: Date.now() + 60_000 }
    const logic = terminate(registryWith([]), watches, () => promise)
    const [going, over] = [createActor(logic, { input }).start(), createActor(logic, { input }).start()]
    over.stop()
    expect(calls).toEqual([])
    written()
    await onRecord()
    expect(calls).toEqual(['SIGTERM'])
    going.stop()
  })

  it('sends each signal when it is due, then kills, and asks for the kill again until it is over', async () => {
    vi.useFakeTimers()
    const { calls, release, watches } = fakeWatches()
    const nowMs = Date.now()
    const rungs = ['SIGHUP', 'SIGTERM'].map((signal, index) => ({ signal, atMs: nowMs + index * 100 }))
    const actor = createActor(terminate(registryWith([]), watches, onRecord), {
      input: { id: 'a', run: 1, askedAtMs: 0, rungs, killAtMs: nowMs + 200 },
    }).start()
    await onRecord()
    expect(calls).toEqual(['SIGHUP'])
    vi.advanceTimersByTime(100)
    expect(calls).toEqual(['SIGHUP', 'SIGTERM'])
    vi.advanceTimersByTime(100)
    expect(calls).toEqual(['SIGHUP', 'SIGTERM', 'kill'])
    vi.advanceTimersByTime(2_000)
    expect(calls).toEqual(['SIGHUP', 'SIGTERM', 'kill', 'kill', 'kill'])
    actor.stop()
    vi.advanceTimersByTime(10_000)
    expect(calls).toHaveLength(5)
    expect(release).toHaveBeenCalledOnce()
    vi.useRealTimers()
  })

  it('sends only the last of those that are overdue: a later manager goes on where it is', async () => {
    const { calls, watches } = fakeWatches()
    const rungs = ['SIGHUP', 'SIGINT', 'SIGTERM'].map((signal, index) => ({ signal, atMs: index }))
    const input = { id: 'a', run: 1, askedAtMs: 0, rungs, killAtMs: Date.now() + 60_000 }
    const actor = createActor(terminate(registryWith([]), watches, onRecord), { input }).start()
    await onRecord()
    actor.stop()
    expect(calls).toEqual(['SIGTERM'])
  })

  it.each([
    ['forward', 86_400_000],
    ['back', -86_400_000],
  ])('keeps its times when the clock jumps %s by a day', async (_, skewMs) => {
    vi.useFakeTimers()
    const { calls, watches } = fakeWatches()
    const nowMs = Date.now()
    const input = { id: 'a', run: 1, askedAtMs: nowMs, rungs: [{ signal: 'SIGTERM', atMs: nowMs }], killAtMs: nowMs + 2_000 }
    const actor = createActor(terminate(registryWith([]), watches, onRecord), { input }).start()
    await onRecord()
    vi.setSystemTime(nowMs + skewMs)
    vi.advanceTimersByTime(1_999)
    expect(calls).toEqual(['SIGTERM'])
    vi.advanceTimersByTime(1)
    expect(calls).toEqual(['SIGTERM', 'kill'])
    actor.stop()
    vi.useRealTimers()
  })

  it('of a manager before the clock was set back begins anew, and is no longer than it was', async () => {
    vi.useFakeTimers()
    const { calls, watches } = fakeWatches()
    const askedAtMs = Date.now() + 86_400_000
    const input = { id: 'a', run: 1, askedAtMs, rungs: [{ signal: 'SIGTERM', atMs: askedAtMs }], killAtMs: askedAtMs + 2_000 }
    const actor = createActor(terminate(registryWith([]), watches, onRecord), { input }).start()
    await onRecord()
    vi.advanceTimersByTime(2_000)
    expect(calls).toEqual(['SIGTERM', 'kill'])
    actor.stop()
    vi.useRealTimers()
  })

  it('outlives a want of descriptors: what failed is told and done again', async () => {
    vi.useFakeTimers()
    const errors: unknown[] = []
    const { calls, failures, watches } = fakeWatches(errors)
    failures.push(new Error('EMFILE'), new Error('EMFILE'))
    const nowMs = Date.now()
    const input = { id: 'a', run: 1, askedAtMs: 0, rungs: [{ signal: 'SIGTERM', atMs: nowMs }], killAtMs: nowMs + 5_000 }
    const actor = createActor(terminate(registryWith(errors), watches, onRecord), { input }).start()
    await onRecord()
    expect([calls, errors.length]).toEqual([[], 1])
    vi.advanceTimersByTime(3_000)
    expect([calls, errors.length]).toEqual([['SIGTERM'], 2])
    vi.advanceTimersByTime(2_000)
    expect(calls).toEqual(['SIGTERM', 'kill'])
    actor.stop()
    vi.useRealTimers()
  })
})
