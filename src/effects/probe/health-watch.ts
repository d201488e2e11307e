/** One run, from its launch to its end: its probes, its readiness, and how long it has been ready. */
import type { ProgressSpec } from '../../output.ts'
import { callAfter } from '../../timers.ts'
import type { ProbeSpec, ProcessSpec } from '../../types.ts'
import type { RunFact, RunInput } from '../run/contract.ts'
import type { Checker, createChecker } from './checker.ts'
import type { HealthFact, HealthInput } from './contract.ts'
import type { HealthPorts } from './ports.ts'
import { Probes } from './probes.ts'
import { ProgressPart } from './progress-part.ts'
import { ReadySignal } from './ready-signal.ts'
import { StartupTimer } from './startup-timer.ts'
import { SteadyTimer } from './steady-timer.ts'
import type { Part, UpRun } from './up-run.ts'

const TROUBLE_PAUSE_MS = 1_000

/** Where it is told what becomes of a run: `RunWatches`. */
export interface RunSource {
  acquire(input: RunInput): { readonly watch: { listen(listener: (fact: RunFact) => void): () => void }; release(): void }
}

type Declaration = ReturnType<HealthPorts['declarationOf']>

export class HealthWatch {
  readonly #ports: HealthPorts
  readonly #runs: RunSource
  readonly #createChecker: typeof createChecker
  readonly #id: string
  readonly #run: number
  readonly #listeners = new Set<(fact: HealthFact) => void>()
  readonly #parts: Part[]
  #stopFollowing: (() => void) | undefined
  #stopPausing: (() => void) | undefined
  /** What is attended, as it was declared and as it was filled in; null: there is nothing to attend. */
  #attended: { readonly declared: Declaration; readonly filled: ProcessSpec | null } | undefined
  #hasBegun = false
  #isClosed = false

  constructor(ports: HealthPorts, runs: RunSource, makeChecker: typeof createChecker, { id, run }: HealthInput) {
    this.#ports = ports
    this.#runs = runs
    this.#createChecker = makeChecker
    this.#id = id
    this.#run = run
    this.#parts = [new SteadyTimer({ run, tell: this.#tell, after: this.#after, nowMs: this.#nowMs })]
  }

  /**
   * Tells all facts from now on. Whoever begins to listen is in a new state, so everything is reviewed; a little later, since the run must be asked for by those
   * who launch it first, and a machine in the middle of a transition takes no facts.
   * @returns a function that ends it
   */
  listen(listener: (fact: HealthFact) => void): () => void {
    this.#listeners.add(listener)
    this.#guarded(() => this.#renew())
    queueMicrotask(() => {
      this.#guarded(() => this.#begin())
      this.#review()
    })
    return () => this.#listeners.delete(listener)
  }

  /** If the process was declared anew since: what it declares now is attended, from what is known of the run. At once: no answer to an old question comes between. */
  renew(): void {
    this.#guarded(() => this.#renew())
    this.#review()
  }

  /** The command has ended, and is about to be told so: what parts still have to tell comes first. */
  finish(): void {
    if (this.#isClosed) return
    const { progress } = this.#ports.declarationOf(this.#id)
    if (this.#attended === undefined && progress !== null) this.#parts.push(this.#progressPartOf(progress))
    for (const part of this.#parts) this.#guarded(() => part.finish?.())
  }

  close(): void {
    this.#isClosed = true
    this.#stopPausing?.()
    for (const part of this.#parts) part.close()
    this.#unfollow()
  }

  #begin(): void {
    if (this.#hasBegun || this.#isClosed) return
    this.#hasBegun = true
    const { watch, release } = this.#runs.acquire({ id: this.#id, run: this.#run })
    let stopListening = () => {}
    let isOver = false
    this.#stopFollowing = () => {
      isOver = true
      stopListening()
      release()
    }
    stopListening = watch.listen((fact) => this.#guarded(() => this.#take(fact)))
    if (isOver) stopListening() // what was known already has ended it
  }

  #renew(): void {
    if (this.#isClosed || this.#attended === undefined) return
    const { declared, filled } = this.#attended
    const now = this.#ports.declarationOf(this.#id)
    if (now === declared) return
    if (attendedPartsOf(filled) === attendedPartsOf(this.#filled(now))) {
      this.#attended = { declared: now, filled }
      return
    }
    this.#stopPausing?.()
    for (const part of this.#parts.splice(1)) part.close()
    this.#unfollow()
    this.#hasBegun = false
    this.#begin()
  }

  /** Most processes declare neither a probe nor a sign of readiness nor progress, and nothing more is to be found out about them. */
  #filled({ health, ready, progress }: Declaration): ProcessSpec | null {
    return health === null && ready === null && progress === null ? null : this.#ports.specOf(this.#id, this.#run)
  }

  #unfollow(): void {
    const stop = this.#stopFollowing
    this.#stopFollowing = undefined
    stop?.()
  }

  #take(fact: RunFact): void {
    if (fact.type === 'run.launched') this.#launched(fact)
    else if (fact.type === 'run.exited' || fact.type === 'run.ended') {
      this.finish()
      this.close()
    }
  }

  #launched(fact: Extract<RunFact, { type: 'run.launched' }>): void {
    try {
      this.#attend(fact)
    } catch (error) {
      this.#trouble(error)
      this.#stopPausing = this.#after(TROUBLE_PAUSE_MS, () => this.#launched(fact))
    }
    this.#review()
  }

  #attend({ identity, atMs }: Extract<RunFact, { type: 'run.launched' }>): void {
    const [id, run] = [this.#id, this.#run]
    const declared = this.#ports.declarationOf(id)
    const spec = this.#filled(declared)
    this.#attended = { declared, filled: spec }
    if (spec === null) return this.#unfollow()
    // What is declared now: how its output is read is for nobody to know who launches it.
    const { health, ready, progress } = { ...spec, progress: declared.progress }
    const up: UpRun = {
      ...{ id, run, spec, identity, startedAtMs: atMs, jobDir: this.#ports.jobDirOf(id) },
      ...{ tell: this.#tell, review: this.#review, after: this.#after, nowMs: this.#nowMs, trouble: this.#trouble },
    }
    const signal = ready === null ? null : new ReadySignal(up, ready)
    const probes = health === null ? null : new Probes(up, health, (probe) => this.#checkerOf(up, probe))
    if (progress !== null) this.#parts.push(this.#progressPartOf(progress))
    if (signal !== null) this.#parts.push(signal)
    if (probes !== null) this.#parts.push(probes)
    if (signal === null && health?.startup == null && health?.readiness == null) return
    this.#parts.push(new StartupTimer(up, (view) => signal?.hasLooked !== false && probes?.hasAskedForReadiness(view) !== false))
  }

  #progressPartOf(spec: ProgressSpec): ProgressPart {
    const [run, jobDir] = [this.#run, this.#ports.jobDirOf(this.#id)]
    return new ProgressPart({ run, jobDir, tell: this.#tell, after: this.#after, nowMs: this.#nowMs, trouble: this.#trouble }, spec)
  }

  #checkerOf({ id, run, spec }: UpRun, { check }: ProbeSpec): Checker {
    return this.#createChecker(check, {
      cwd: spec.cwd,
      env: () => this.#ports.environmentOf(id, run),
      probeFunction: (name) => this.#ports.functionOf(id, name),
      guard: () => this.#ports.guard(),
      about: { id, run },
    })
  }

  readonly #tell = (fact: HealthFact): void => {
    if (this.#isClosed) return
    // A copy: the machine may go over to a state that listens anew, and the same fact is not told twice.
    for (const listener of [...this.#listeners]) this.#guarded(() => listener(fact))
    this.#review()
  }

  readonly #review = (): void => {
    this.#guarded(() => {
      if (this.#isClosed) return
      const view = this.#ports.viewOf(this.#id, this.#run)
      if (view === null) return this.close()
      for (const part of this.#parts) part.review(view)
    })
  }

  readonly #after = (ms: number, then: () => void): (() => void) => callAfter(ms, () => this.#guarded(then))

  readonly #nowMs = (): number => this.#ports.nowMs()

  readonly #trouble = (error: unknown): void => this.#ports.onTrouble(this.#id, error)

  #guarded(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#trouble(error)
    }
  }
}

function attendedPartsOf(spec: ProcessSpec | null): string {
  return JSON.stringify(spec && [spec.health, spec.ready, spec.startupTimeoutMs, spec.progress])
}
