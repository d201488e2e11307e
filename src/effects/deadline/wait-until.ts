/** Waits for an absolute time, but never longer than was meant: a wall clock may jump, in both directions. */
import { defineEffect, type EffectRegistry } from '../effect.ts'
import type { DeadlineFact, DeadlineInput } from './contract.ts'

/** The wall clock is looked at again at least this often, so that a clock that jumps (or a laptop that slept) is noticed. */
const LONGEST_NAP_MS = 30_000

export interface Clock {
  nowMs(): number
}

export function waitUntil(registry: EffectRegistry, clock: Clock) {
  return defineEffect<{ type: 'none' }, DeadlineInput, DeadlineFact>(registry, ({ input, send }) => {
    let timer: NodeJS.Timeout | undefined
    const waitMs = Math.min(input.atMs - clock.nowMs(), input.atMostMs ?? Number.POSITIVE_INFINITY)
    const giveUpAtMs = performance.now() + waitMs
    const look = () => {
      const nowMs = clock.nowMs()
      const leftMs = Math.min(input.atMs - nowMs, giveUpAtMs - performance.now())
      if (leftMs <= 0) send({ type: 'deadline.passed', atMs: nowMs })
      else timer = setTimeout(look, Math.min(leftMs, LONGEST_NAP_MS))
    }
    look()
    return () => clearTimeout(timer)
  })
}
