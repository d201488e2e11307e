/** Sends the signals of a stop at their times, then kills the tree. That the tree is gone is told by the run's own watch. */
import { defineEffect, type EffectRegistry } from '../effect.ts'
import type { RunWatches } from '../run/run.ts'
import type { TerminateFact, TerminateInput } from './contract.ts'

/** The kill is asked for again so often, in case the keeper itself was killed in between; so is what failed for want of descriptors. */
const AGAIN_MS = 1_000
/** A timer cannot wait for longer than 24 days. */
const LONGEST_NAP_MS = 3_600_000

/**
 * @param onRecord resolves once the stop of a process is on disk, or could not be written, or nothing could undo it. Before that no signal is sent: a process
 * that obeys one has ended, and a manager that does not know of the stop would take that for an end of its own, after which a restart policy goes on.
 */
export function terminate(registry: EffectRegistry, watches: RunWatches, onRecord: (id: string) => Promise<unknown>) {
  return defineEffect<{ type: 'none' }, TerminateInput, TerminateFact>(registry, ({ input, send }) => {
    const { watch, release } = watches.acquire({ id: input.id, run: input.run })
    const steadyMs = steadyClock(Math.max(watches.ports.nowMs(), input.askedAtMs))
    let timer: NodeJS.Timeout | undefined
    let next = 0
    let isKilling = false
    let isOver = false
    const step = () => {
      let nextMs = AGAIN_MS
      try {
        nextMs = act()
      } catch (error) {
        watches.ports.onTrouble(input.id, error)
      }
      if (!isOver) timer = setTimeout(step, Math.min(nextMs, LONGEST_NAP_MS))
    }
    /** @returns after how many ms there is something to do again */
    const act = (): number => {
      const nowMs = steadyMs()
      if (nowMs >= input.killAtMs) {
        watch.kill()
        if (!isKilling) send({ type: 'stop.escalated', run: input.run, signal: 'SIGKILL', atMs: watches.ports.nowMs() })
        isKilling = true
        return AGAIN_MS
      }
      const due = input.rungs.filter((rung, index) => index >= next && rung.atMs <= nowMs)
      const last = due.at(-1)
      if (last !== undefined) {
        watch.ask(last.signal)
        send({ type: 'stop.escalated', run: input.run, signal: last.signal, atMs: watches.ports.nowMs() })
      }
      next += due.length
      return Math.min(input.rungs[next]?.atMs ?? input.killAtMs, input.killAtMs) - nowMs
    }
    onRecord(input.id).then(() => {
      if (!isOver) step()
    }, registry.onError)
    return () => {
      isOver = true
      clearTimeout(timer)
      release()
    }
  })
}

/** Goes on from a time of the wall clock without ever jumping: a grace is neither cut short nor prolonged when that clock is set. */
function steadyClock(fromMs: number): () => number {
  const begunAt = performance.now()
  return () => fromMs + (performance.now() - begunAt)
}
