/** The library's surface around a supervisor actor. Commands go in as events, results are read off the actors, answers wait for the disk. */
import type { ActorRefFrom } from 'xstate'
import type {
  Attachment,
  AttachOptions,
  ListFilter,
  LogLine,
  LogLines,
  LogPaths,
  LogStats,
  ProcessInput,
  ProcessRef,
  Supervisor,
  WaitOptions,
  WatchOptions,
} from '../api.ts'
import { mustBeData, mustBeReason, mustBeSignal } from '../arguments.ts'
import { holds, isHopeless, isRunOver, mustBeCondition, notReady, tooLate, type WaitCondition } from '../conditions.ts'
import { ProcmanError } from '../errors.ts'
import type { ProcessCommand } from '../machines/process/events.ts'
import { type ProcessRecord, toRecord } from '../machines/process/record.ts'
import { compareSpecs } from '../machines/process/respec.ts'
import type { SupervisorMachine } from '../machines/supervisor/machine.ts'
import { exists } from '../persistence/store.ts'
import { resolveId, selectRecords } from '../select.ts'
import { generateId, parseAgain, parseProcessInput } from '../spec/parse.ts'
import { mustBeDuration } from '../timers.ts'
import { removeSettled } from './cleanup.ts'
import { drained } from './drain.ts'
import { FirstStarts } from './first-starts.ts'
import { isRunUp, mustBeSound, recordOf } from './judge.ts'
import { breakerOpen, isHeldBack, launchRun, wrongState } from './launch.ts'
import { attachTo, eachLineOf, type LogAccess, linesOf } from './log-access.ts'
import { logPathsIn, logStatsIn } from './log-files.ts'
import { LogReaders } from './log-readers.ts'
import { mustBeRemovable } from './removal.ts'
import { sendSignal } from './signalling.ts'
import { StdinWriters } from './stdin-writers.ts'
import { KILL_PATIENCE_MS, stopped } from './stopping.ts'
import { type ActorSnapshot, until } from './wait.ts'
import type { World } from './world.ts'

const DEFAULT_SHUTDOWN_MS = 10_000

type CommandName = 'start' | 'stop' | 'restart' | 'signal' | 'reset' | 'update' | 'hold'

export class SupervisorHandle implements Supervisor {
  readonly actor: ActorRefFrom<SupervisorMachine>
  readonly #world: World
  readonly #firstStarts: FirstStarts
  readonly #logReaders = new LogReaders()
  readonly #stdin: StdinWriters
  #closing: Promise<void> | undefined

  constructor(actor: ActorRefFrom<SupervisorMachine>, world: World) {
    this.actor = actor
    this.#world = world
    this.#firstStarts = new FirstStarts(world, (ref) => this.#remove(ref))
    this.#stdin = new StdinWriters(world.layout.root, () => this.#mustBeOpen())
  }

  get stateDir(): string {
    return this.#world.layout.root
  }

  get table() {
    return this.#world.table
  }

  get problems() {
    return this.#world.problems
  }

  async start(input: ProcessInput): Promise<ProcessRef> {
    this.#mustBeOpen()
    const { spec, functions } = parseProcessInput(input, () => this.#freeId())
    await this.#world.slices.turn()
    this.#mustBeOpen()
    if (this.#world.refs.has(spec.id)) throw exists(spec.id)
    this.#world.store.create(spec.id)
    this.#world.launches.declare(spec.id, functions)
    this.actor.send({ type: 'supervisor.add', spec, atMs: Date.now() })
    const ref = this.ref(spec.id)
    await this.#firstStarts.begin(ref, input.autostart !== false)
    return ref
  }

  async launch(id: string, { force = false }: { readonly force?: boolean } = {}): Promise<ProcessRecord> {
    const ref = this.#command(id, 'start', force)
    await launchRun(this.#world, ref, { type: 'process.start', atMs: Date.now(), force })
    return recordOf(ref)
  }

  get(id: string): ProcessRecord {
    return recordOf(this.ref(id))
  }

  list(filter?: ListFilter): readonly ProcessRecord[] {
    return selectRecords(
      [...this.#world.table.getSnapshot().context.processes.values()].map((atom) => atom.get()),
      filter,
    )
  }

  ref(id: string): ProcessRef {
    const { refs, unreadable } = this.#world
    const known = resolveId(
      id,
      (each) => refs.has(each) || unreadable.has(each),
      () => [...refs.keys(), ...unreadable.keys()],
    )
    const ref = refs.get(known)
    if (ref !== undefined) return ref
    const { path, message } = unreadable.get(known) ?? {}
    throw new ProcmanError('PROCMAN_PROCESS_UNREADABLE', `process ${known} cannot be managed for now: ${message}`, { details: { id: known, path } })
  }

  attach(id: string, options: AttachOptions = {}): Attachment {
    return attachTo(this.#logsOf(this.ref(id)), options)
  }

  watch(id: string, options?: WatchOptions): LogLines
  watch(id: string, onLine: (line: LogLine) => void, options?: WatchOptions): Promise<void>
  watch(id: string, first?: WatchOptions | ((line: LogLine) => void), second: WatchOptions = {}): LogLines | Promise<void> {
    const access = this.#logsOf(this.ref(id))
    return typeof first === 'function' ? eachLineOf(access, first, second) : linesOf(access, first ?? {})
  }

  async wait(id: string, options: WaitOptions = {}): Promise<ProcessRecord> {
    mustBeDuration('timeoutMs', options.timeoutMs)
    const ref = this.ref(id)
    const { value, context } = await until(ref, (snapshot) => snapshot.hasTag('settled'), options)
    await this.#world.store.saved(ref.id)
    return toRecord(value, context)
  }

  async waitFor(id: string, condition: WaitCondition, options: WaitOptions = {}): Promise<ProcessRecord> {
    mustBeCondition(condition)
    mustBeDuration('timeoutMs', options.timeoutMs)
    const ref = this.ref(id)
    const record = ({ value, context }: ActorSnapshot) => toRecord(value, context)
    const isOver = (snapshot: ActorSnapshot) => holds(record(snapshot), condition) || isHopeless(record(snapshot), condition)
    const found = record(await until(ref, isOver, options, (snapshot, timeoutMs) => tooLate(record(snapshot), condition, timeoutMs)))
    if (!holds(found, condition)) throw notReady(found, condition)
    await this.#world.store.saved(ref.id)
    return found
  }

  async stop(id: string, { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<ProcessRecord> {
    mustBeDuration('timeoutMs', timeoutMs)
    const ref = this.ref(id)
    if (!ref.getSnapshot().hasTag('settled'))
      this.#command(ref.id, 'stop').send({ type: 'process.stop', atMs: Date.now(), ...(timeoutMs === undefined ? {} : { timeoutMs }) })
    // Down as it is, it does not wait to be started any more, either.
    else if (ref.getSnapshot().context.waitingFor !== null) await this.hold(ref.id, null)
    const { value, context } = await stopped(this.#world, ref, timeoutMs ?? ref.getSnapshot().context.spec.stop.timeoutMs)
    return toRecord(value, context)
  }

  cancel(id: string, options?: { readonly timeoutMs?: number }): Promise<ProcessRecord> {
    return this.stop(id, options)
  }

  async restart(id: string, { force = false }: { readonly force?: boolean } = {}): Promise<ProcessRecord> {
    const ref = this.#command(id, 'restart', force)
    await launchRun(this.#world, ref, { type: 'process.restart', atMs: Date.now(), force })
    return recordOf(ref)
  }

  async reset(id: string): Promise<ProcessRecord> {
    const ref = this.#command(id, 'reset')
    if (isHeldBack(ref.getSnapshot())) await launchRun(this.#world, ref, { type: 'process.reset', atMs: Date.now() })
    else ref.send({ type: 'process.reset', atMs: Date.now() })
    await this.#world.store.saved(ref.id)
    return recordOf(ref)
  }

  async update(id: string, input: ProcessInput): Promise<ProcessRecord> {
    this.#mustBeOpen()
    const { spec, functions } = parseAgain(input, this.ref(id).id)
    const ref = this.#command(spec.id, 'update')
    const { changes, needsRestart } = compareSpecs(ref.getSnapshot().context.spec, spec)
    this.#world.launches.declare(ref.id, functions)
    const update = { type: 'process.update', atMs: Date.now(), spec } as const
    if (needsRestart && isRunUp(ref.getSnapshot())) await launchRun(this.#world, ref, update)
    else if (changes.length > 0) ref.send(update)
    await this.#world.store.saved(ref.id)
    return recordOf(ref)
  }

  async hold(id: string, reason: string | null): Promise<ProcessRecord> {
    mustBeReason(reason)
    const ref = this.#command(id, 'hold')
    if (ref.getSnapshot().context.waitingFor !== reason) ref.send({ type: 'process.hold', atMs: Date.now(), reason })
    await this.#world.store.saved(ref.id)
    return recordOf(ref)
  }

  async signal(id: string, signal: string, { target = 'group' }: { readonly target?: 'group' | 'command' } = {}): Promise<void> {
    const name = mustBeSignal(signal)
    const ref = this.#command(id, 'signal')
    const error = await sendSignal(ref, name, target)
    if (error !== null)
      throw new ProcmanError('PROCMAN_SIGNAL_FAILED', `${name} could not be sent to process ${ref.id}: ${error}`, { details: { id: ref.id, signal: name } })
  }

  async write(id: string, data: string | Uint8Array): Promise<void> {
    mustBeData(data)
    await this.#stdin.use(this.ref(id).id, async (stdin) => {
      await stdin.write(data)
      stdin.end()
    })
  }

  async closeStdin(id: string): Promise<void> {
    await this.#stdin.use(this.ref(id).id, (stdin) => stdin.close())
  }

  async rotateLogs(id: string): Promise<void> {
    this.#mustBeOpen()
    await this.#world.logs.care.fulfil(this.ref(id), 'rotate')
  }

  async clearLogs(id: string): Promise<void> {
    this.#mustBeOpen()
    await this.#world.logs.care.fulfil(this.ref(id), 'clear')
  }

  async logPaths(id: string): Promise<LogPaths> {
    return logPathsIn(this.#world.layout.jobDir(this.ref(id).id))
  }

  async logStats(id: string): Promise<LogStats> {
    return logStatsIn(this.#world.layout.jobDir(this.ref(id).id))
  }

  async remove(id: string): Promise<void> {
    this.#mustBeOpen()
    return this.#remove(this.ref(id))
  }

  async #remove(ref: ProcessRef): Promise<void> {
    mustBeRemovable(this.#world, ref)
    if (!this.#world.beforeRemoval.isEmpty) {
      await this.#world.beforeRemoval.ask(ref.id)
      this.#mustBeOpen()
      mustBeRemovable(this.#world, ref)
    }
    this.#logReaders.lookNow(ref.id)
    const deleteFiles = this.#world.store.remove(ref.id)
    this.actor.send({ type: 'supervisor.remove', id: ref.id })
    this.#world.unfollow(ref.id)
    await deleteFiles()
  }

  async cleanup({ olderThanMs = 0 }: { readonly olderThanMs?: number } = {}): Promise<readonly string[]> {
    mustBeDuration('olderThanMs', olderThanMs)
    return removeSettled(this.#world, Date.now() - olderThanMs, async (ref) => {
      this.#mustBeOpen()
      await this.#remove(ref)
    })
  }

  async refresh(): Promise<readonly ProcessRecord[]> {
    this.#mustBeOpen()
    for (const ref of this.#world.refs.values()) {
      await this.#world.slices.turn()
      this.#mustBeOpen()
      if (ref.getSnapshot().hasTag('alive')) ref.send({ type: 'process.refresh', atMs: Date.now() })
    }
    await Promise.all([...this.#world.refs.keys()].map((id) => this.#world.store.saved(id)))
    return this.list()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async shutdown({ timeoutMs = DEFAULT_SHUTDOWN_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    mustBeDuration('timeoutMs', timeoutMs)
    if (this.#closing !== undefined || !this.#isActive) return this.close()
    const nowMs = Date.now()
    this.actor.send({ type: 'supervisor.shutdown', atMs: nowMs, killAtMs: nowMs + timeoutMs })
    const survivors = await drained(this.actor, this.#world.refs, timeoutMs + KILL_PATIENCE_MS)
    await this.close()
    if (survivors.length > 0) throw new ProcmanError('PROCMAN_TIMEOUT', `still there after SIGKILL: ${survivors.join(', ')}`, { details: { ids: survivors } })
  }

  async #close(): Promise<void> {
    this.#stdin.abandon()
    this.#world.store.flush()
    const unsaved = this.#world.letGo()
    if (this.#isActive) this.actor.send({ type: 'supervisor.close' })
    const { stillLocked } = this.#world
    if (stillLocked !== null) throw new ProcmanError('PROCMAN_STATE_NOT_SAVED', stillLocked, { details: { stateDir: this.stateDir } })
    if (unsaved.length === 0) return
    const message = `the state directory ${this.stateDir} is let go, but the last state of ${unsaved.join(', ')} could not be written: ${this.problems.at(-1)?.message}`
    throw new ProcmanError('PROCMAN_STATE_NOT_SAVED', message, { details: { ids: unsaved } })
  }

  /** @throws PROCMAN_PROCESS_DAMAGED when its actor has failed, PROCMAN_WRONG_STATE or PROCMAN_BREAKER_OPEN when the command is illegal in the state that the process is in */
  #command(id: string, name: CommandName, force = false): ProcessRef {
    this.#mustBeOpen()
    const ref = this.ref(id)
    const snapshot = mustBeSound(ref)
    const { spec } = snapshot.context
    const asked = { type: `process.${name}`, atMs: Date.now(), force, signal: '', target: 'group', request: '', spec, reason: null } as ProcessCommand
    if (!snapshot.can(asked)) throw snapshot.can({ ...asked, force: true } as ProcessCommand) ? breakerOpen(snapshot) : wrongState(name, ref.id, snapshot.value)
    if (this.#firstStarts.hasFailed(ref)) throw wrongState(name, ref.id, snapshot.value, 'its first start has failed, and is being taken back')
    return ref
  }

  /** Ends with the process, or when this supervisor is closed. */
  #logsOf(ref: ProcessRef): LogAccess {
    return {
      layout: this.#world.layout,
      id: ref.id,
      settled: (signal, run) =>
        until(ref, (snapshot) => snapshot.hasTag('settled') || isRunOver({ state: snapshot.value, run: snapshot.context.run }, run), { signal }),
      live: {
        currentRun: () => ref.getSnapshot().context.run,
        recordNow: (stream) => {
          if (this.#world.refs.get(ref.id) === ref) this.#world.logs.recorder.record(ref.id, stream)
        },
      },
      isOwn: () => this.#world.refs.get(ref.id) === ref,
      capture: (stream) => ref.getSnapshot().context.spec.logs[stream],
      held: (run, stream) => this.#world.logs.memory.open(ref.id, run, stream),
      beforeRemoval: (look) => this.#logReaders.add(ref.id, look),
    }
  }

  #freeId(): string {
    const id = generateId()
    return this.#world.refs.has(id) ? this.#freeId() : id
  }

  /** False once it was closed, or stopped by a parent. */
  get #isActive(): boolean {
    return this.actor.getSnapshot().status === 'active'
  }

  #mustBeOpen(): void {
    if (this.#closing === undefined && this.#isActive && this.actor.getSnapshot().hasTag('open')) return
    throw new ProcmanError('PROCMAN_CLOSED', `the supervisor of ${this.stateDir} is closed or shutting down`, { details: { stateDir: this.stateDir } })
  }
}
