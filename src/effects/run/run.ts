/** The effect that the machine invokes in every state in which a run may be up: launch-or-adopt, watch, pass signals on. */
import { defineEffect, type EffectRegistry } from '../effect.ts'
import type { HealthFact } from '../probe/contract.ts'
import type { RunCommand, RunFact, RunInput } from './contract.ts'
import type { RunPorts } from './ports.ts'
import { RunWatch } from './run-watch.ts'

/**
 * One watch for each run, however many effects ask for it. The machine leaves one state and enters the next in the same turn, disposing one effect and
 * starting another: the watch outlives that gap, so that nothing is opened anew.
 */
export class RunWatches {
  readonly #ports: RunPorts
  readonly #watches = new Map<string, { readonly watch: RunWatch; users: number }>()
  #swept: IterableIterator<{ readonly watch: RunWatch }> | undefined

  constructor(ports: RunPorts) {
    this.#ports = ports
  }

  get ports(): RunPorts {
    return this.#ports
  }

  acquire({ id, run, launch }: RunInput): { readonly watch: RunWatch; release(): void } {
    const key = `${id}/${run}`
    const known = this.#watches.get(key)
    const entry = known ?? { watch: new RunWatch(this.#ports, id, run), users: 0 }
    entry.users += 1
    if (known === undefined) {
      this.#watches.set(key, entry)
      entry.watch.begin(launch === true)
    }
    return { watch: entry.watch, release: () => this.#release(key, entry) }
  }

  /** Has the next few of all watches checked against the OS, in turn. */
  sweep(count: number): void {
    for (let done = 0; done < Math.min(count, this.#watches.size); done++) this.#nextToSweep()?.watch.refresh()
  }

  #nextToSweep(): { readonly watch: RunWatch } | undefined {
    const next = this.#swept?.next()
    if (next !== undefined && next.done !== true) return next.value
    this.#swept = this.#watches.values()
    return this.#swept.next().value
  }

  #release(key: string, entry: { readonly watch: RunWatch; users: number }): void {
    entry.users -= 1
    if (entry.users > 0) return
    queueMicrotask(() => {
      if (entry.users > 0 || this.#watches.get(key) !== entry) return
      this.#watches.delete(key)
      entry.watch.close()
    })
  }
}

/** @param beforeEnd called each time before it is told that the command has ended: what it tells comes first */
export function runEffect(registry: EffectRegistry, watches: RunWatches, beforeEnd: (input: RunInput, tell: (fact: HealthFact) => void) => void = () => {}) {
  return defineEffect<RunCommand, RunInput, RunFact | HealthFact>(registry, ({ input, send, onCommand }) => {
    const { watch, release } = watches.acquire(input)
    if (input.launch === undefined) watch.abandonLaunch()
    const stopListening = watch.listen((fact) => {
      if (fact.type === 'run.exited' || fact.type === 'run.ended') beforeEnd(input, send)
      send(fact)
    })
    onCommand((command) => {
      if (command.type === 'process.refresh') return watch.refresh()
      const reason = watch.signal(command.signal, command.target)
      const atMs = watches.ports.nowMs()
      send(reason === null ? { type: 'signal.sent', request: command.request, atMs } : { type: 'signal.failed', request: command.request, reason, atMs })
    })
    return () => {
      stopListening()
      release()
    }
  })
}
