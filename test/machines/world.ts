/** The process machine in a world without an OS: fake effects that record what they were asked, a clock that only the test moves, children that the test speaks for. */
import { type ActorRefFrom, createActor, fromCallback, SimulatedClock, type Snapshot } from 'xstate'
import type { DeadlineFact, DeadlineInput } from '../../src/effects/deadline/contract.ts'
import type { HealthCommand, HealthFact, HealthInput } from '../../src/effects/probe/contract.ts'
import type { PortConflict, RunCommand, RunFact, RunInput } from '../../src/effects/run/contract.ts'
import type { TerminateFact, TerminateInput } from '../../src/effects/terminate/contract.ts'
import { steadyAfterMs } from '../../src/machines/process/attendance.ts'
import type { ProcessCommand, ProcessEmitted, ProcessEvent } from '../../src/machines/process/events.ts'
import { processMachine } from '../../src/machines/process/machine.ts'
import { type ProcessRecord, toRecord } from '../../src/machines/process/record.ts'
import { decodeSnapshot, encodeSnapshot, toRestorable } from '../../src/persistence/codec.ts'
import type { Outcome, ProbeName, ProcessContext, ProcessSpec } from '../../src/types.ts'
import { aSpec, EPOCH_MS, type SpecParts } from './fixtures.ts'

/** A run in the pretended OS. It tells its facts to every effect that watches it, to a new one all so far, as the real watch does. */
export class FakeRun {
  readonly run: number
  /** How often an effect that may launch found it unclaimed. More than once would be a process started twice. */
  launches = 0
  readonly commands: RunCommand[] = []
  readonly #world: FakeWorld
  readonly #facts: RunFact[] = []
  readonly #listeners = new Set<(fact: RunFact) => void>()
  /** Effects that ask its probes. */
  readonly attendants = new Set<(fact: HealthFact) => void>()

  constructor(world: FakeWorld, run: number) {
    this.#world = world
    this.run = run
  }

  get watchers(): number {
    return this.#listeners.size
  }

  get isGone(): boolean {
    return this.#facts.some((fact) => fact.type === 'run.ended')
  }

  get isUp(): boolean {
    return this.#facts.some(({ type }) => type === 'run.launched') && !this.#facts.some(({ type }) => type === 'run.exited' || type === 'run.ended')
  }

  /** Neither its launch was told nor its end: a launch is told once, and before the end. */
  get isToBeLaunched(): boolean {
    return !this.#facts.some(({ type }) => type === 'run.launched' || type === 'run.exited' || type === 'run.ended')
  }

  listen(listener: (fact: RunFact) => void): () => void {
    for (const fact of [...this.#facts]) listener(fact)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  isLaunched(): this {
    return this.#say({
      type: 'run.launched',
      run: this.run,
      identity: { pid: 1_000 + this.run, start: String(this.run), boot: 'boot' },
      atMs: this.#world.nowMs,
    })
  }

  /** The command ended, and its tree with it. */
  exits(outcome: Outcome, conflict?: PortConflict): this {
    const atMs = this.#world.nowMs
    return this.#say({ type: 'run.ended', run: this.run, outcome, atMs, nowMs: atMs, ...(conflict === undefined ? {} : { conflict }) })
  }

  /** The command ended; something of its tree goes on. */
  leavesBehind(outcome: Outcome): this {
    return this.#say({ type: 'run.exited', run: this.run, outcome, atMs: this.#world.nowMs, nowMs: this.#world.nowMs })
  }

  losesItsKeeper(): this {
    return this.#say({ type: 'run.keeper-lost', run: this.run, atMs: this.#world.nowMs })
  }

  hasPorts(ports: Readonly<Record<string, number>>): this {
    return this.#say({ type: 'run.ports-assigned', run: this.run, ports, atMs: this.#world.nowMs })
  }

  passes(probe: ProbeName = 'liveness', body: string | null = null): this {
    return this.#tell({ type: 'probe.passed', run: this.run, probe, latencyMs: 2, body, atMs: this.#world.nowMs })
  }

  fails(probe: ProbeName = 'liveness', reason = 'connection refused'): this {
    return this.#tell({ type: 'probe.failed', run: this.run, probe, latencyMs: 2, body: null, reason, atMs: this.#world.nowMs })
  }

  signalsReady(): this {
    return this.#tell({ type: 'ready.signalled', run: this.run, atMs: this.#world.nowMs })
  }

  progressed(percent: number, message: string | null = null): this {
    const progress = { percent, current: null, total: null, unit: null, rate: null, etaMs: null, message, atMs: this.#world.nowMs }
    return this.#tell({ type: 'run.progressed', run: this.run, progress, atMs: this.#world.nowMs })
  }

  /** It has had its `startupTimeoutMs`. */
  timesOut(): this {
    return this.#tell({ type: 'startup.timed-out', run: this.run, atMs: this.#world.nowMs })
  }

  /** It has been ready for as long as was asked for. */
  steadies(): this {
    const afterMs = this.#world.steadyAfterMs
    return afterMs === null ? this : this.#tell({ type: 'run.steadied', run: this.run, afterMs, atMs: this.#world.nowMs })
  }

  /** Only to who attends it, and only while it is up, as the real effect does. */
  #tell(fact: HealthFact): this {
    if (this.isUp) for (const tell of [...this.attendants]) tell(fact)
    this.#world.stepped()
    return this
  }

  #say(fact: RunFact): this {
    this.#facts.push(fact)
    for (const listener of [...this.#listeners]) listener(fact)
    this.#world.stepped()
    return this
  }
}

export class FakeProcess {
  readonly spec: ProcessSpec
  readonly #world: FakeWorld
  #actor: ActorRefFrom<typeof processMachine>

  constructor(world: FakeWorld, spec: ProcessSpec) {
    this.#world = world
    this.spec = spec
    this.#actor = this.#begin(undefined)
  }

  get state(): string {
    return this.#actor.getSnapshot().value
  }

  get context(): ProcessContext {
    return this.#actor.getSnapshot().context
  }

  get record(): ProcessRecord {
    return toRecord(this.#actor.getSnapshot().value, this.context)
  }

  is(tag: 'alive' | 'ready' | 'waiting' | 'settled'): boolean {
    return this.#actor.getSnapshot().hasTag(tag)
  }

  can(type: ProcessCommand['type']): boolean {
    return this.#actor
      .getSnapshot()
      .can({ type, atMs: this.#world.nowMs, signal: 'SIGHUP', target: 'group', request: '', spec: this.spec, reason: null } as ProcessCommand)
  }

  send(event: ProcessEvent): this {
    this.#actor.send(event)
    const snapshot = this.#actor.getSnapshot()
    if (snapshot.status === 'error') throw snapshot.error
    this.#world.stepped()
    return this
  }

  start(options: { readonly force?: boolean } = {}): this {
    return this.send({ type: 'process.start', atMs: this.#world.nowMs, ...options })
  }

  stop(timeoutMs?: number): this {
    return this.send({ type: 'process.stop', atMs: this.#world.nowMs, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  }

  restart(options: { readonly force?: boolean } = {}): this {
    return this.send({ type: 'process.restart', atMs: this.#world.nowMs, ...options })
  }

  reset(): this {
    return this.send({ type: 'process.reset', atMs: this.#world.nowMs })
  }

  /** @param parts all of the new declaration */
  update(parts: SpecParts): this {
    return this.send({ type: 'process.update', atMs: this.#world.nowMs, spec: aSpec({ id: this.spec.id, ...parts }) })
  }

  hold(reason: string | null): this {
    return this.send({ type: 'process.hold', atMs: this.#world.nowMs, reason })
  }

  signal(signal: string, request: string): this {
    return this.send({ type: 'process.signal', atMs: this.#world.nowMs, signal, target: 'group', request })
  }

  /** Launches the next run and has it come up. */
  isUp(): this {
    this.start()
    this.#world.child.isLaunched()
    return this
  }

  /** The manager ends, and the next one takes over what is on disk. */
  saveAndRestore(): this {
    const text = encodeSnapshot(this.#actor.getPersistedSnapshot(), this.#world.nowMs)
    this.#actor.stop()
    const decoded = decodeSnapshot(text, this.spec.id)
    if (decoded.kind === 'damaged') throw new Error(`what was saved cannot be read: ${decoded.reason}\n${text}`)
    this.#actor = this.#begin(toRestorable(decoded.snapshot) as Snapshot<unknown>)
    return this
  }

  #begin(snapshot: Snapshot<unknown> | undefined): ActorRefFrom<typeof processMachine> {
    const from = snapshot === undefined ? { input: { spec: this.spec, createdAtMs: this.#world.nowMs } } : { snapshot, input: undefined as never }
    const actor = createActor(this.#world.logic, { ...from, id: this.spec.id, clock: this.#world.clock })
    actor.on('*', (event) => this.#world.allEmitted.push(event))
    actor.subscribe({ error: () => {} })
    actor.start()
    const { status, error } = actor.getSnapshot()
    if (status === 'error') throw error
    return actor
  }
}

export class FakeWorld {
  readonly clock = new SimulatedClock()
  readonly runs: FakeRun[] = []
  readonly allEmitted: ProcessEmitted[] = []
  /** Every signal that a stop sent, in order. */
  readonly signals: { readonly run: number; readonly signal: string; readonly afterMs: number }[] = []
  readonly liveDeadlines = new Set<DeadlineInput>()
  readonly liveStops = new Set<TerminateInput>()
  readonly logic = processMachine.provide({
    actors: { run: this.#fakeRun(), probeHealth: this.#fakeProbeHealth(), terminate: this.#fakeTerminate(), waitUntil: this.#fakeWaitUntil() },
  })
  readonly #isRestoring: boolean
  #process: FakeProcess | undefined

  constructor(isRestoring: boolean) {
    this.#isRestoring = isRestoring
  }

  get nowMs(): number {
    return EPOCH_MS + this.clock.now()
  }

  /** The child of the latest run. */
  get child(): FakeRun {
    const run = this.runs.at(-1)
    if (run === undefined) throw new Error('no run was asked for')
    return run
  }

  /** How long the process is to be ready until something is forgotten. */
  get steadyAfterMs(): number | null {
    return this.#process === undefined ? null : steadyAfterMs(this.#process.context)
  }

  get startCount(): number {
    return this.runs.reduce((sum, run) => sum + run.launches, 0)
  }

  process(parts: SpecParts = {}): FakeProcess {
    this.#process = new FakeProcess(this, aSpec(parts))
    this.stepped()
    return this.#process
  }

  emitted<Type extends ProcessEmitted['type']>(type: Type): Extract<ProcessEmitted, { type: Type }>[] {
    return this.allEmitted.filter((event): event is Extract<ProcessEmitted, { type: Type }> => event.type === type)
  }

  passMs(ms: number): void {
    this.clock.increment(ms)
    this.stepped()
  }

  /** To the instant that the process waits for. */
  passDeadline(): void {
    const [deadline] = this.liveDeadlines
    if (deadline === undefined) throw new Error('nothing is waited for')
    this.passMs(Math.max(0, deadline.atMs - this.nowMs))
  }

  /** Called after each step of a test. */
  stepped(): void {
    if (this.#isRestoring) this.#process?.saveAndRestore()
  }

  #fakeRun() {
    return fromCallback<RunCommand, RunInput>(({ input, sendBack, receive }) => {
      const child = this.runs.find(({ run }) => run === input.run) ?? new FakeRun(this, input.run)
      if (!this.runs.includes(child)) {
        this.runs.push(child)
        if (input.launch !== undefined) child.launches += 1
      }
      receive((command) => {
        child.commands.push(command)
        if (command.type !== 'process.signal') return
        const answer = { request: command.request, atMs: this.nowMs }
        sendBack(
          command.signal === 'SIGSYS' ? { type: 'signal.failed', reason: 'the command is not there any more', ...answer } : { type: 'signal.sent', ...answer },
        )
      })
      return child.listen((fact) => sendBack(fact))
    })
  }

  #fakeProbeHealth() {
    return fromCallback<HealthCommand, HealthInput>(({ input, sendBack }) => {
      const run = this.runs.find((each) => each.run === input.run)
      if (run === undefined) throw new Error(`run ${input.run} is attended before anybody asked for it`)
      run.attendants.add(sendBack)
      return () => run.attendants.delete(sendBack)
    })
  }

  #fakeTerminate() {
    return fromCallback<{ type: 'none' }, TerminateInput>(({ input, sendBack, system }) => {
      this.liveStops.add(input)
      const say = (signal: string) => {
        this.signals.push({ run: input.run, signal, afterMs: this.clock.now() })
        sendBack({ type: 'stop.escalated', run: input.run, signal, atMs: this.nowMs } satisfies TerminateFact)
      }
      const isKillDue = input.killAtMs <= this.nowMs
      const due = isKillDue ? [] : input.rungs.filter((rung) => rung.atMs <= this.nowMs)
      const last = due.at(-1)
      if (isKillDue) say('SIGKILL')
      else if (last !== undefined) say(last.signal)
      const later = isKillDue ? [] : [...input.rungs.slice(due.length), { signal: 'SIGKILL', atMs: input.killAtMs }]
      const clock = clockOf(system)
      const timers = later.map(({ signal, atMs }) => clock.setTimeout(() => say(signal), atMs - this.nowMs))
      return () => {
        this.liveStops.delete(input)
        for (const timer of timers) clock.clearTimeout(timer)
      }
    })
  }

  #fakeWaitUntil() {
    return fromCallback<{ type: 'none' }, DeadlineInput>(({ input, sendBack, system }) => {
      this.liveDeadlines.add(input)
      const clock = clockOf(system)
      const timer = clock.setTimeout(() => sendBack({ type: 'deadline.passed', atMs: this.nowMs } satisfies DeadlineFact), Math.max(0, input.atMs - this.nowMs))
      return () => {
        this.liveDeadlines.delete(input)
        clock.clearTimeout(timer)
      }
    })
  }
}

/** The clock that the actor system was created with; XState has no public way to it. */
function clockOf(system: unknown): SimulatedClock {
  return (system as { readonly _clock: SimulatedClock })._clock
}

/** @param isRestoring save and restore the process after each step */
export function fakeWorld(isRestoring = false): FakeWorld {
  return new FakeWorld(isRestoring)
}
