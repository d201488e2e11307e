/** A supervisor without an OS and without a disk: the test says what the directory holds, how children end, and what time it is. */
import { type ActorRefFrom, createActor, fromCallback, SimulatedClock } from 'xstate'
import type { DeadlineInput } from '../../../src/effects/deadline/contract.ts'
import type { RunCommand, RunFact, RunInput } from '../../../src/effects/run/contract.ts'
import type { TerminateInput } from '../../../src/effects/terminate/contract.ts'
import { type ProcessMachine, processMachine } from '../../../src/machines/process/machine.ts'
import { type DirectoryFact, type SupervisorEmitted, supervisorMachine } from '../../../src/machines/supervisor/machine.ts'
import { createRegistryLogic } from '../../../src/machines/supervisor/registry.ts'
import { decodeSnapshot, encodeSnapshot, toRestorable } from '../../../src/persistence/codec.ts'
import type { Outcome, ProcessContext, ProcessSpec } from '../../../src/types.ts'
import { aContext, aSpec, EPOCH_MS } from '../fixtures.ts'

type ProcessRef = ActorRefFrom<ProcessMachine>

export class SupervisorWorld {
  readonly clock = new SimulatedClock()
  readonly refs = new Map<string, ProcessRef>()
  readonly emitted: SupervisorEmitted[] = []
  readonly liveRuns = new Map<string, (fact: RunFact) => void>()
  readonly liveStops = new Map<string, TerminateInput>()
  readonly launched: string[] = []
  isDirectoryHeld = false
  /** Ids whose run effect throws when it starts. */
  readonly bad = new Set<string>()
  #tell: (fact: DirectoryFact) => void = () => {}
  readonly actor = createActor(this.#logic(), { input: { stateDir: '/state' }, clock: this.clock })

  constructor() {
    this.actor.on('*', (event) => this.emitted.push(event))
    this.actor.start()
  }

  get nowMs(): number {
    return EPOCH_MS + this.clock.now()
  }

  get state(): unknown {
    return this.actor.getSnapshot().value
  }

  get damages() {
    return this.emitted.filter((event) => event.type === 'process.damaged')
  }

  says(fact: DirectoryFact): void {
    this.#tell(fact)
  }

  opened(): this {
    this.says({ type: 'directory.opened' })
    return this
  }

  /** The directory holds a process in this state, as it comes from its file. */
  finds(id: string, value: string, part: Partial<ProcessContext> = {}): void {
    const context = aContext({ ...part, spec: part.spec ?? aSpec({ id }) })
    const decoded = decodeSnapshot(encodeSnapshot({ value, context }, this.nowMs), id)
    if (decoded.kind === 'damaged') throw new Error(decoded.reason)
    this.says({ type: 'directory.found', id, snapshot: toRestorable(decoded.snapshot) })
  }

  add(spec: ProcessSpec): ProcessRef {
    this.actor.send({ type: 'supervisor.add', spec, atMs: this.nowMs })
    return this.ref(spec.id)
  }

  ref(id: string): ProcessRef {
    const ref = this.refs.get(id)
    if (ref === undefined) throw new Error(`no process ${id}`)
    return ref
  }

  stateOf(id: string): string {
    return this.ref(id).getSnapshot().value
  }

  /** One that is up. */
  up(id: string, spec: ProcessSpec = aSpec({ id })): ProcessRef {
    const ref = this.add(spec)
    ref.send({ type: 'process.start', atMs: this.nowMs })
    this.fact(id, (run) => ({ type: 'run.launched', run, identity: { pid: 100, start: '1', boot: 'b' }, atMs: this.nowMs }))
    return ref
  }

  exits(id: string, outcome: Outcome): void {
    this.fact(id, (run) => ({ type: 'run.ended', run, outcome, atMs: this.nowMs, nowMs: this.nowMs }))
  }

  fact(id: string, factOf: (run: number) => RunFact): void {
    const tell = this.liveRuns.get(id)
    if (tell === undefined) throw new Error(`nobody watches ${id}`)
    tell(factOf(this.ref(id).getSnapshot().context.run))
  }

  shutdown(timeoutMs: number): void {
    this.actor.send({ type: 'supervisor.shutdown', atMs: this.nowMs, killAtMs: this.nowMs + timeoutMs })
  }

  #logic() {
    return supervisorMachine.provide({
      actors: {
        registry: createRegistryLogic({ process: this.#processLogic(), onSpawn: (ref) => void this.refs.set(ref.id, ref) }),
        directory: fromCallback(({ sendBack }) => {
          this.isDirectoryHeld = true
          this.#tell = sendBack
          return () => {
            this.isDirectoryHeld = false
          }
        }),
        waitUntil: this.#waitUntil(),
      },
    })
  }

  #processLogic(): ProcessMachine {
    return processMachine.provide({
      actors: {
        run: fromCallback<RunCommand, RunInput>(({ input, sendBack }) => {
          if (this.bad.has(input.id)) throw new Error(`bad ${input.id}`)
          if (input.launch !== undefined) this.launched.push(input.id)
          this.liveRuns.set(input.id, sendBack)
          return () => {
            if (this.liveRuns.get(input.id) === sendBack) this.liveRuns.delete(input.id)
          }
        }),
        probeHealth: fromCallback(() => {}),
        terminate: fromCallback<{ type: 'none' }, TerminateInput>(({ input }) => {
          this.liveStops.set(input.id, input)
          return () => {
            if (this.liveStops.get(input.id) === input) this.liveStops.delete(input.id)
          }
        }),
        waitUntil: this.#waitUntil(),
      },
    })
  }

  #waitUntil() {
    return fromCallback<{ type: 'none' }, DeadlineInput>(({ input, sendBack }) => {
      const timer = this.clock.setTimeout(() => sendBack({ type: 'deadline.passed', atMs: this.nowMs }), Math.max(0, input.atMs - this.nowMs))
      return () => this.clock.clearTimeout(timer)
    })
  }
}
