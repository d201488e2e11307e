/** Waits for an absolute time. */
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
    const look = () => {
      const nowMs = clock.nowMs()
      if (nowMs >= input.atMs) send({ type: 'deadline.passed', atMs: nowMs })
      else timer = setTimeout(look, Math.min(input.atMs - nowMs, LONGEST_NAP_MS))
    }
    look()
    return () => clearTimeout(timer)
  })
}
