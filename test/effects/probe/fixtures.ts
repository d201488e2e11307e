/** A run that is up without a keeper: the test says what becomes of it, what the machine thinks of it, and what probes are answered. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { vi } from 'vitest'
import { createActor, createMachine, sendTo } from 'xstate'
import type { CheckAnswer, Checker, CheckerPorts } from '../../../src/effects/probe/checker.ts'
import type { HealthFact, HealthInput } from '../../../src/effects/probe/contract.ts'
import type { RunSource } from '../../../src/effects/probe/health-watch.ts'
import { HealthWatches } from '../../../src/effects/probe/health-watches.ts'
import type { HealthView } from '../../../src/effects/probe/ports.ts'
import { probeHealth } from '../../../src/effects/probe/probe-health.ts'
import type { RunFact } from '../../../src/effects/run/contract.ts'
import { bootId, startTimeOf } from '../../../src/effects/run/identity.ts'
import type { HealthSpec, Identity, ProbeCheck, ProbeName, ProbeSpec, ProbeState, ProcessSpec } from '../../../src/types.ts'

export function aProbe(change: Partial<ProbeSpec> = {}): ProbeSpec {
  return {
    check: { kind: 'function', name: 'any' },
    intervalMs: 1_000,
    startIntervalMs: 1_000,
    timeoutMs: 500,
    initialDelayMs: 0,
    failureThreshold: 3,
    successThreshold: 1,
    onFailure: 'restart',
    ...change,
  }
}

/** A probe whose checker the test knows by this name. */
export const named = (name: ProbeName, change: Partial<ProbeSpec> = {}) => aProbe({ ...change, check: { kind: 'function', name } })

export const health = (change: Partial<HealthSpec>): HealthSpec => ({ startup: null, liveness: null, readiness: null, pauseWhenSuspended: false, ...change })

export const identityOf = (pid: number): Identity => ({ pid, start: startTimeOf(pid) ?? '', boot: bootId() })

export const passing = (change: Partial<ProbeState> = {}): ProbeState => ({
  verdict: 'passing',
  failures: 0,
  successes: 1,
  results: [],
  body: null,
  ...change,
})

const started: ChildProcess[] = []

/** A real process that does nothing; ended with the test. */
export async function aProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
  started.push(child)
  await once(child, 'spawn')
  return child
}

export async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

export async function endProcesses(): Promise<void> {
  await Promise.all(started.splice(0).map(kill))
}

interface Asked {
  readonly probe: string
  /** By the wall clock, as `atMs` of facts is. */
  readonly atMs: number
  readonly signal: AbortSignal
  answer(answer: CheckAnswer | null): void
}

export class World {
  spec: Pick<ProcessSpec, 'health' | 'ready' | 'progress' | 'startupTimeoutMs' | 'cwd'>
  readonly facts: HealthFact[] = []
  readonly asked: Asked[] = []
  readonly troubles: unknown[] = []
  readonly live = new Set<() => void>()
  readonly watches: HealthWatches
  view: HealthView | null = { startedAtMs: null, signalledAtMs: null, readyAtMs: null, hasBeenReady: false, probes: {}, steadyAfterMs: null }
  /** What every probe is answered at once; undefined: the test answers each. */
  answer: CheckAnswer | null | undefined = { cause: null, body: null }
  skewMs = 0
  jobDir = '/nowhere'
  users = 0
  openCheckers = 0
  specsAsked = 0
  #runFacts: RunFact[] = []
  readonly #listeners = new Set<(fact: RunFact) => void>()
  /** Called with each fact when it is told: what the machine makes of it. */
  onFact: (fact: HealthFact) => void = () => {}

  /** @param runSource instead of what the test says */
  constructor(spec: Partial<World['spec']>, runSource?: RunSource) {
    this.spec = { health: null, ready: null, progress: null, startupTimeoutMs: 60_000, cwd: '/', ...spec }
    const ports = {
      declarationOf: () => this.spec,
      specOf: () => {
        this.specsAsked += 1
        return this.spec as ProcessSpec
      },
      viewOf: () => this.view,
      environmentOf: () => ({}),
      jobDirOf: () => this.jobDir,
      guard: () => null,
      functionOf: () => undefined,
      nowMs: () => Date.now() + this.skewMs,
      onTrouble: (_id: string, error: unknown) => void this.troubles.push(error),
    }
    const runs = {
      acquire: () => {
        this.users += 1
        const release = () => {
          this.users -= 1
        }
        return { watch: { listen: (listener: (fact: RunFact) => void) => this.#listen(listener) }, release }
      },
    }
    this.watches = new HealthWatches(ports, runSource ?? runs, (check, about) => this.createChecker(check, about))
  }

  get listeners(): number {
    return this.#listeners.size
  }

  createChecker(check: ProbeCheck, _ports: CheckerPorts): Checker {
    this.openCheckers += 1
    const probe = check.kind === 'function' ? check.name : check.kind
    return {
      prepare: async () => {},
      check: (_timeoutMs, signal) =>
        new Promise((resolve) => {
          this.asked.push({ probe, atMs: Date.now(), signal, answer: resolve })
          if (this.answer !== undefined) resolve(this.answer)
        }),
      close: () => {
        this.openCheckers -= 1
      },
    }
  }

  says(fact: RunFact): void {
    this.#runFacts.push(fact)
    for (const listener of [...this.#listeners]) listener(fact)
  }

  /** Launched now, as this very process unless another is named. */
  launched(identity: Identity = identityOf(process.pid), atMs = Date.now()): void {
    this.view = { ...this.aView(), startedAtMs: atMs }
    this.says({ type: 'run.launched', run: 1, identity, atMs })
  }

  exited(): void {
    this.says({ type: 'run.exited', run: 1, outcome: { kind: 'code', code: 1 }, atMs: Date.now(), nowMs: Date.now() })
  }

  change(change: Partial<HealthView>): void {
    this.view = { ...this.aView(), ...change }
  }

  becomesReady(): void {
    this.change({ readyAtMs: Date.now(), hasBeenReady: true })
  }

  /** A machine with two states in which the effect goes on: `next` takes it from one to the other, `renew` tells it to look at the spec, `stop` ends both. */
  begin(input: HealthInput = { id: 'web', run: 1 }) {
    const src = probeHealth({ live: this.live, onError: (error) => void this.troubles.push(error) }, this.watches)
    const taking = { '*': { actions: ({ event }: { event: unknown }) => this.#take(event as HealthFact) } }
    const renew = { actions: sendTo('probes', { type: 'health.renew' }) }
    const machine = createMachine({
      initial: 'one',
      states: {
        one: { invoke: { id: 'probes', src, input }, on: { next: 'two', stop: 'stopping', renew, ...taking } },
        two: { invoke: { id: 'probes', src, input }, on: { next: 'one', stop: 'stopping', renew, ...taking } },
        stopping: {},
      },
    })
    return createActor(machine).start()
  }

  /** The facts by type and probe. */
  told(): string[] {
    return this.facts.map((fact) => ('probe' in fact ? `${fact.type} ${fact.probe}` : fact.type))
  }

  timesOf(probe: ProbeName): number[] {
    return this.asked.filter((each) => each.probe === probe).map((each) => each.atMs)
  }

  aView(): HealthView {
    if (this.view === null) throw new Error('the process is in another run')
    return this.view
  }

  #take(fact: HealthFact): void {
    this.facts.push(fact)
    this.onFact(fact)
  }

  #listen(listener: (fact: RunFact) => void): () => void {
    for (const fact of [...this.#runFacts]) listener(fact)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
