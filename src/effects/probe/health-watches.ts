import { createChecker } from './checker.ts'
import type { HealthFact, HealthInput } from './contract.ts'
import { HealthWatch, type RunSource } from './health-watch.ts'
import type { HealthPorts } from './ports.ts'

interface Entry {
  readonly watch: HealthWatch
  users: number
}

/**
 * One watch for each run, shared by the effects of successive states: the machine disposes one and starts the next in the same turn, and the schedule of the
 * probes, and a probe that is under way, outlive that.
 */
export class HealthWatches {
  readonly #ports: HealthPorts
  readonly #runs: RunSource
  readonly #createChecker: typeof createChecker
  readonly #entries = new Map<string, Entry>()

  /** @param runs the `RunWatches` that the run itself is watched by */
  constructor(ports: HealthPorts, runs: RunSource, makeChecker = createChecker) {
    this.#ports = ports
    this.#runs = runs
    this.#createChecker = makeChecker
  }

  /** The process is declared anew. */
  renew({ id, run }: HealthInput): void {
    this.#entries.get(`${id}/${run}`)?.watch.renew()
  }

  /**
   * The command has ended, and its machine is about to be told so: what is still to be told of it comes first.
   * @param tell where nobody attends the run, as it has ended before it was adopted
   */
  finish(input: HealthInput, tell: (fact: HealthFact) => void): void {
    const attending = this.#entries.get(`${input.id}/${input.run}`)?.watch
    if (attending !== undefined) return attending.finish()
    if (this.#ports.declarationOf(input.id).progress === null) return
    const watch = new HealthWatch(this.#ports, this.#runs, this.#createChecker, input)
    watch.listen(tell)
    watch.finish()
    watch.close()
  }

  /** Tells what becomes of the run from now on. @returns a function that ends it; with the last one, all probes are given up */
  attend(input: HealthInput, tell: (fact: HealthFact) => void): () => void {
    const key = `${input.id}/${input.run}`
    const entry = this.#entries.get(key) ?? { watch: new HealthWatch(this.#ports, this.#runs, this.#createChecker, input), users: 0 }
    this.#entries.set(key, entry)
    entry.users += 1
    const stopListening = entry.watch.listen(tell)
    return () => {
      stopListening()
      this.#release(key, entry)
    }
  }

  #release(key: string, entry: Entry): void {
    entry.users -= 1
    queueMicrotask(() => {
      if (entry.users > 0 || this.#entries.get(key) !== entry) return
      this.#entries.delete(key)
      entry.watch.close()
    })
  }
}
