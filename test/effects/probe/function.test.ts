import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { ProbeFunction } from '../../../src/effects/probe/ports.ts'
import { ask, checkerOf, fails, PASSES } from './harness.ts'

const asking = (probe: ProbeFunction | undefined) =>
  checkerOf({ kind: 'function', name: 'db' }, { probeFunction: (name) => (name === 'db' ? probe : undefined) })

const boom = (error: unknown): never => {
  throw error
}

describe('a function probe', () => {
  it.each([
    ['true', () => true],
    ['nothing', () => undefined],
    ['a promise of true', async () => true],
    ['a promise of nothing', async () => {}],
  ])('passes with %s', async (_, probe) => {
    expect(await ask(asking(probe))).toEqual(PASSES)
  })

  it.each<[string, ProbeFunction]>([
    ['answered false', () => false],
    ['answered false', async () => false],
    ['answered null', () => null],
    ['answered 0', () => 0],
    ["answered 'fine'", () => 'fine'],
    ["answered { ok: true, of: 'db' }", () => ({ ok: true, of: 'db' })],
    ['no database', () => boom(new Error('no database'))],
    ['no database', async () => boom(new Error('no database'))],
    ['TypeError', () => boom(new TypeError())],
    ['no database', () => boom('no database')],
    ['undefined', () => boom(undefined)],
  ])('fails as %j', async (cause, probe) => {
    expect(await ask(asking(probe))).toEqual(fails(cause))
  })

  it('is told of what it is asked, and when it is over', async () => {
    const told: unknown[] = []
    const checker = asking(({ id, run, signal }) => {
      told.push(id, run)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('too late'))))
    })
    expect(await ask(checker, 10)).toEqual(fails('timeout after 10 ms'))
    expect(told).toEqual(['web', 3])
  })

  it('that nobody has declared is not asked', async () => {
    expect(await ask(asking(undefined))).toBeNull()
  })

  it('that never settles is bounded, and one that fails afterwards is nobody’s unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    let fail = (_: Error) => {}
    const late = new Promise((_, reject) => {
      fail = reject
    })
    expect(
      await ask(
        asking(() => late),
        10,
      ),
    ).toEqual(fails('timeout after 10 ms'))
    fail(new Error('late'))
    await pause(5)
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it('ends with the signal, at once', async () => {
    const over = new AbortController()
    const answer = ask(
      asking(() => new Promise(() => {})),
      60_000,
      over.signal,
    )
    over.abort()
    expect(await answer).toEqual(fails('aborted'))
    expect(
      await ask(
        asking(() => true),
        60_000,
        over.signal,
      ),
    ).toEqual(fails('aborted'))
  })

  it('ends when its checker is closed', async () => {
    const checker = asking(() => new Promise(() => {}))
    const answer = ask(checker, 60_000)
    checker.close()
    checker.close()
    expect(await answer).toEqual(fails('aborted'))
    expect(await ask(checker)).toEqual(fails('aborted'))
  })
})
