/** The probes of a run: startup until it has passed, then liveness and readiness. */
import type { HealthSpec, ProbeName, ProbeSpec } from '../../types.ts'
import type { Checker } from './checker.ts'
import type { HealthView } from './ports.ts'
import { Prober } from './prober.ts'
import type { Part, UpRun } from './up-run.ts'

export class Probes implements Part {
  readonly #up: UpRun
  readonly #health: HealthSpec
  readonly #createChecker: (probe: ProbeSpec) => Checker
  readonly #probers = new Map<ProbeName, Prober>()

  constructor(up: UpRun, health: HealthSpec, createChecker: (probe: ProbeSpec) => Checker) {
    this.#up = up
    this.#health = health
    this.#createChecker = createChecker
  }

  review(view: HealthView): void {
    const wanted = this.#wanted(view)
    if (!wanted.includes('startup')) this.#drop('startup')
    for (const name of wanted) this.#proberOf(name)?.review(view)
  }

  close(): void {
    for (const name of [...this.#probers.keys()]) this.#drop(name)
  }

  /** All that readiness hangs on, and that can be asked now, was asked by this manager. */
  hasAskedForReadiness(view: HealthView): boolean {
    return this.#wanted(view).every((name) => name === 'liveness' || this.#health[name] === null || this.#probers.get(name)?.hasAsked === true)
  }

  #wanted(view: HealthView): readonly ProbeName[] {
    return this.#health.startup !== null && view.probes.startup?.verdict !== 'passing' ? ['startup'] : ['liveness', 'readiness']
  }

  #proberOf(name: ProbeName): Prober | undefined {
    const spec = this.#health[name]
    if (spec === null || this.#probers.has(name)) return this.#probers.get(name)
    const prober = new Prober(this.#up, name, spec, () => this.#createChecker(spec))
    this.#probers.set(name, prober)
    return prober
  }

  #drop(name: ProbeName): void {
    this.#probers.get(name)?.close()
    this.#probers.delete(name)
  }
}
