import { performance } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import { createSlices } from '../../src/persistence/slices.ts'

/** Blocks the loop, as a slow disk does. */
function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until) {
    // Nothing: it is the blocking that is wanted.
  }
}

describe('work in slices', () => {
  it('is done in the order in which it came', async () => {
    const slices = createSlices()
    const done: number[] = []
    for (let n = 0; n < 1_000; n++) slices.run(() => done.push(n))
    await slices.turn()
    expect(done).toEqual(Array.from({ length: 1_000 }, (_, n) => n))
  })

  it('is never done inside the call that asks for it', async () => {
    const slices = createSlices()
    let isDone = false
    slices.run(() => {
      isDone = true
    })
    expect(isDone).toBe(false)
    await slices.turn()
    expect(isDone).toBe(true)
  })

  it('of which there is much lets the loop turn in between', async () => {
    const slices = createSlices()
    const order: string[] = []
    const turned = new Promise<void>((resolve) => {
      setImmediate(() => {
        order.push('loop')
        resolve()
      })
    })
    for (let n = 0; n < 4; n++) {
      slices.run(() => {
        block(6)
        order.push(`work ${n}`)
      })
    }
    await Promise.all([slices.turn(), turned])
    expect(order.indexOf('loop')).toBeLessThan(order.indexOf('work 3'))
    expect(order.filter((what) => what !== 'loop')).toEqual(['work 0', 'work 1', 'work 2', 'work 3'])
  })

  it('that asks for more work has it done after what was there before', async () => {
    const slices = createSlices()
    const done: string[] = []
    slices.run(() => {
      done.push('a')
      slices.run(() => done.push('c'))
    })
    slices.run(() => done.push('b'))
    await slices.turn()
    await slices.turn()
    expect(done).toEqual(['a', 'b', 'c'])
  })

  it('turns come one after the other', async () => {
    const slices = createSlices()
    const order: number[] = []
    await Promise.all([1, 2, 3].map((n) => slices.turn().then(() => order.push(n))))
    expect(order).toEqual([1, 2, 3])
  })
})
