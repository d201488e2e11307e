/** Sends the signals of a stop at their times, then kills the tree. That the tree is gone is told by the run's own watch. */
import { defineEffect, type EffectRegistry } from '../effect.ts'
import type { RunWatches } from '../run/run.ts'
import type { TerminateFact, TerminateInput } from './contract.ts'

/** The kill is asked for again so often, in case the keeper itself was killed in between. */
const KILL_AGAIN_MS = 1_000

export function terminate(registry: EffectRegistry, watches: RunWatches) {
  return defineEffect<{ type: 'none' }, TerminateInput, TerminateFact>(registry, ({ input, send }) => {
    const { watch, release } = watches.acquire({ id: input.id, run: input.run })
    let timer: NodeJS.Timeout | undefined
    let next = 0
    const step = () => {
      const nowMs = watches.ports.nowMs()
      if (nowMs >= input.killAtMs) {
        watch.kill()
        send({ type: 'stop.escalated', run: input.run, signal: 'SIGKILL', atMs: nowMs })
        timer = setInterval(() => watch.kill(), KILL_AGAIN_MS)
        return
      }
      const due = input.rungs.filter((rung, index) => index >= next && rung.atMs <= nowMs)
      next += due.length
      const last = due.at(-1)
      if (last !== undefined) {
        watch.ask(last.signal)
        send({ type: 'stop.escalated', run: input.run, signal: last.signal, atMs: nowMs })
      }
      const nextAtMs = input.rungs[next]?.atMs ?? input.killAtMs
      timer = setTimeout(step, Math.min(nextAtMs, input.killAtMs) - nowMs)
    }
    step()
    return () => {
      clearTimeout(timer)
      release()
    }
  })
}
