/** Everything a supervisor has that is not state: files, effects, the table. One for each supervisor; the machines meet their effects here. */
import { existsSync, rmSync, watch } from 'node:fs'
import type { Problem, ProcessRef, SupervisorOptions } from '../api.ts'
import { waitUntil } from '../effects/deadline/wait-until.ts'
import { type EffectRegistry, endAllEffects } from '../effects/effect.ts'
import { bootId, isAlive, startTimeOf } from '../effects/run/identity.ts'
import { describeKeeper, type KeeperProgram } from '../effects/run/keeper-program.ts'
import { createKeeperStarter, type KeeperStarter } from '../effects/run/keeper-starter.ts'
import { RunWatches, runEffect } from '../effects/run/run.ts'
import { staleRunFiles } from '../effects/run/run-files.ts'
import { StrayHunter } from '../effects/run/strays.ts'
import { tokenOf } from '../effects/run/token.ts'
import { terminate } from '../effects/terminate/terminate.ts'
import { ProcmanError } from '../errors.ts'
import { errnoOf } from '../files.ts'
import { processMachine } from '../machines/process/machine.ts'
import { toRecord } from '../machines/process/record.ts'
import { type Layout, layoutOf, resolveStateDir } from '../persistence/layout.ts'
import { type LockPorts, readHolder, releaseLock, sweepLockLeftovers, takeLock } from '../persistence/lock.ts'
import { createSlices } from '../persistence/slices.ts'
import { prepareStateDir, Store } from '../persistence/store.ts'
import { createProcessTable } from '../table.ts'
import type { ProcessSpec } from '../types.ts'
import { knownRunOf } from './rebuild.ts'
import type { ActorSnapshot } from './wait.ts'

const KEPT_RUNS = 20
const KEPT_PROBLEMS = 100
const LOCK_LOOK_MS = 100
/** Nothing is known to need this: events tell all that happens. It is the net below them, and its work does not grow with the number of processes. */
const SWEEP_MS = 1_000
const SWEPT_AT_ONCE = 4
/** So many files are removed in one slice of work. */
const REMOVED_AT_ONCE = 50

export class World {
  readonly layout: Layout
  readonly options: SupervisorOptions
  readonly slices = createSlices()
  readonly store: Store
  readonly table = createProcessTable()
  readonly refs = new Map<string, ProcessRef>()
  readonly #problems = new Map<string, Problem>()
  readonly effects: EffectRegistry
  readonly watches: RunWatches
  readonly strays = new StrayHunter((error) => this.trouble(null, '/proc', `/proc cannot be looked through for strays (${errnoOf(error)}); tried again`))
  #env: Readonly<Record<string, string>> | undefined
  #keeper: KeeperProgram | undefined
  #starter: KeeperStarter | undefined
  /** Of the locks that were ours: more than one when the directory was put back, and then came back by itself. */
  readonly #lockNonces = new Set<string>()
  #onLost: (message: string) => void = () => {}
  #isOpen = false
  #isAway = false
  #isLost = false
  #sweeper: NodeJS.Timeout | undefined
  #swept: IterableIterator<ProcessRef> | undefined

  constructor(options: SupervisorOptions) {
    this.options = options
    this.layout = layoutOf(resolveStateDir(options.stateDir))
    this.effects = {
      live: new Set(),
      onError: (error) => this.trouble(null, null, `internal: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    }
    this.store = new Store(this.layout, {
      nowMs: Date.now,
      slices: this.slices,
      holdsDirectory: () => this.#holdsLock() || this.#takeAgain(),
      onTrouble: (id, path, error) => this.trouble(id === '' ? null : id, path, error.message),
    })
    this.watches = new RunWatches(this.#runPorts())
  }

  get keeper(): KeeperProgram {
    this.#keeper ??= describeKeeper(this.layout.root, this.options.keeper)
    return this.#keeper
  }

  /** The process machine with its real effects. */
  processLogic() {
    return processMachine.provide({
      actors: { run: runEffect(this.effects, this.watches), terminate: terminate(this.effects, this.watches), waitUntil: this.deadline() },
    })
  }

  deadline() {
    return waitUntil(this.effects, { nowMs: Date.now })
  }

  get problems(): readonly Problem[] {
    return [...this.#problems.values()]
  }

  /**
   * Takes the directory, waiting for another manager as long as the options say.
   * @param onLost called when the directory was deleted and another manager has it now
   * @throws PROCMAN_STATE_DIR_LOCKED, PROCMAN_STATE_DIR_UNUSABLE
   */
  async open(onLost: (message: string) => void): Promise<void> {
    prepareStateDir(this.layout)
    const giveUpAtMs = performance.now() + (this.options.lockTimeoutMs ?? 0)
    for (;;) {
      const taken = this.#tryLock()
      if (taken.kind === 'held') {
        this.#isOpen = true
        this.#lockNonces.add(taken.nonce)
        this.#onLost = onLost
        this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref()
        return sweepLockLeftovers(this.layout.lock, lockPorts)
      }
      const leftMs = giveUpAtMs - performance.now()
      if (leftMs <= 0) throw locked(this.layout.root, taken.holder.pid)
      await changeIn(this.layout.root, Math.min(LOCK_LOOK_MS, leftMs))
    }
  }

  /**
   * Lets go of everything: what runs goes on, the directory is free. Also where nobody could say goodbye before.
   * @returns the ids whose last state could not be written
   */
  letGo(): readonly string[] {
    if (!this.#isOpen) return []
    this.#isOpen = false
    const unsaved = this.#isLost ? this.store.abandon() : this.store.close()
    clearInterval(this.#sweeper)
    endAllEffects(this.effects)
    this.strays.close()
    this.#starter?.close()
    for (const nonce of this.#lockNonces) releaseLock(this.layout.lock, nonce)
    return unsaved
  }

  #sweep(): void {
    try {
      if (!this.#holdsLock()) return this.#comeBack()
      this.#isAway = false
      this.watches.sweep(SWEPT_AT_ONCE)
      for (let count = 0; count < Math.min(SWEPT_AT_ONCE, this.refs.size); count++) this.#lookAtStateOf(this.#nextToSweep())
    } catch (error) {
      this.trouble(null, this.layout.root, `${this.layout.root} cannot be looked at (${errnoOf(error)}); tried again`)
    }
  }

  #nextToSweep(): ProcessRef | undefined {
    const next = this.#swept?.next()
    if (next !== undefined && next.done !== true) return next.value
    this.#swept = this.refs.values()
    return this.#swept.next().value
  }

  #lookAtStateOf(ref: ProcessRef | undefined): void {
    if (ref === undefined || isOnRecordOtherwise(ref.getSnapshot())) return
    if (!existsSync(this.layout.stateFile(ref.id))) this.keep(ref)
  }

  /** The directory was deleted, or is being moved. One that comes back by itself is left to do so. */
  #comeBack(): void {
    if (!this.#isAway) {
      this.#isAway = true
      return
    }
    if (!this.#takeAgain()) return
    this.#isAway = false
    this.trouble(
      null,
      this.layout.root,
      `${this.layout.root} was deleted or moved away under its manager: it has been put back with the state of what is known`,
    )
    for (const ref of this.refs.values()) this.keep(ref)
  }

  #holdsLock(): boolean {
    const holder = readHolder(this.layout.lock)
    return holder !== null && this.#lockNonces.has(holder.nonce)
  }

  /** @returns false when another manager has made the directory its own meanwhile: then nothing of it may be touched any more */
  #takeAgain(): boolean {
    if (this.#isLost) return false
    prepareStateDir(this.layout)
    const taken = this.#tryLock()
    if (taken.kind === 'held') {
      this.#lockNonces.add(taken.nonce)
      return true
    }
    this.#isLost = true
    queueMicrotask(() =>
      this.#onLost(`${this.layout.root} was deleted under its manager, and process ${taken.holder.pid} manages it now: this manager has let go`),
    )
    return false
  }

  /** Sees to it that every change of a process reaches the disk and the table. */
  follow(ref: ProcessRef): void {
    const id = ref.id
    this.refs.set(id, ref)
    const first = ref.getSnapshot()
    this.table.send({ type: 'added', record: toRecord(first.value, first.context) })
    let last = first
    ref.subscribe({
      next: (snapshot) => {
        if (snapshot === last || this.refs.get(id) !== ref) return
        // Not before the launch: the next run must not wait for the files of the last one.
        const isPastLaunch = last.value === 'starting' && snapshot.value !== 'starting' && snapshot.context.run > 1
        last = snapshot
        this.table.getSnapshot().context.processes.get(id)?.set(toRecord(snapshot.value, snapshot.context))
        if (!isOnRecordOtherwise(snapshot)) this.store.save(id, () => processMachine.getPersistedSnapshot(snapshot))
        if (isPastLaunch) this.#pruneOnceSaved(id, snapshot.context.run)
      },
      error: () => {},
    })
  }

  /** Has the state as it is written down, for one that has not changed yet. */
  keep(ref: ProcessRef): void {
    this.store.save(ref.id, () => processMachine.getPersistedSnapshot(ref.getSnapshot()))
  }

  /** Forgets a process that has been removed. */
  unfollow(id: string): void {
    this.refs.delete(id)
    this.store.forget(id)
    this.table.send({ type: 'removed', id })
  }

  /** What goes wrong again and again is kept once. */
  trouble(id: string | null, path: string | null, message: string): void {
    const key = JSON.stringify([id, path, message])
    const times = (this.#problems.get(key)?.times ?? 0) + 1
    this.#problems.delete(key)
    this.#problems.set(key, { id, path, message, atMs: Date.now(), times })
    const [oldest] = this.#problems.keys()
    if (this.#problems.size > KEPT_PROBLEMS && oldest !== undefined) this.#problems.delete(oldest)
  }

  #tryLock() {
    try {
      return takeLock(this.layout.lock, lockPorts)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      throw new ProcmanError('PROCMAN_STATE_DIR_UNUSABLE', `the lock ${this.layout.lock} cannot be taken (${code ?? message})`, {
        details: { path: this.layout.lock, errno: code },
        cause: error,
      })
    }
  }

  /** Not before: the intents of runs that no snapshot on disk speaks of are what they are known by. */
  #pruneOnceSaved(id: string, run: number): void {
    this.store.saved(id).then(
      () => this.slices.run(() => this.#prune(id, run)),
      () => {}, // Told by the store. The next run prunes.
    )
  }

  #prune(id: string, run: number): void {
    if (!this.refs.has(id)) return // removed meanwhile
    this.#guardPruning(id, () => this.#removeSome(id, staleRunFiles(this.layout.jobDir(id), run, KEPT_RUNS)))
  }

  #removeSome(id: string, paths: string[]): void {
    for (const path of paths.splice(-REMOVED_AT_ONCE)) rmSync(path, { recursive: true, force: true })
    if (paths.length > 0) this.slices.run(() => this.#guardPruning(id, () => this.#removeSome(id, paths)))
  }

  #guardPruning(id: string, prune: () => void): void {
    try {
      prune()
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return // The directory is gone, with all that was to be removed.
      this.trouble(id, this.layout.jobDir(id), `old run files cannot be removed (${errnoOf(error)})`)
    }
  }

  #runPorts() {
    const world = this
    return {
      jobDirOf: (id: string) => this.layout.jobDir(id),
      tokenOf: (id: string, run: number) => tokenOf(this.layout.root, id, run),
      specOf: (id: string) => this.#refOf(id).getSnapshot().context.spec,
      knownOf: (id: string, run: number) => {
        const { context } = this.#refOf(id).getSnapshot()
        return context.run === run ? knownRunOf(context) : null
      },
      environmentOf: (spec: ProcessSpec, run: number) => this.#environmentOf(spec, run),
      inTurn: (work: () => void) => this.slices.run(work),
      get starter() {
        world.#starter ??= createKeeperStarter(world.keeper)
        return world.#starter
      },
      strays: this.strays,
      putBack: (id: string) => this.store.putBack(id),
      nowMs: Date.now,
      onTrouble: (id: string, error: unknown) => {
        const path = this.layout.jobDir(id)
        this.trouble(id, path, `the run files in ${path} cannot be looked at (${errnoOf(error)}); tried again`)
      },
    }
  }

  #refOf(id: string): ProcessRef {
    const ref = this.refs.get(id)
    if (ref === undefined) throw new Error(`internal: a run of process ${id} is looked at, and the process is not there`)
    return ref
  }

  /** The environment that is inherited is that of the manager that launches the run. */
  #environmentOf(spec: ProcessSpec, run: number): Record<string, string> {
    const inherited = spec.inheritEnv ? this.#inheritedEnv() : {}
    return { ...inherited, ...spec.env, PROCMAN_ID: spec.id, PROCMAN_RUN: String(run), PROCMAN_TOKEN: tokenOf(this.layout.root, spec.id, run) }
  }

  /** Each variable costs a call out of JavaScript: they are read once for all that is started in one slice. No other code runs within a slice. */
  #inheritedEnv(): Readonly<Record<string, string>> {
    if (this.#env === undefined) queueMicrotask(() => (this.#env = undefined))
    this.#env ??= { ...(process.env as Record<string, string>) }
    return this.#env
  }
}

/**
 * A run that is being launched is on record by its intent, which outranks an older snapshot, and a retry that is due already by the end of the run before it:
 * a file less to write at each start and restart.
 */
function isOnRecordOtherwise({ value, context }: ActorSnapshot): boolean {
  return value === 'starting' || (value === 'backoff' && context.retryAtMs !== null && context.retryAtMs <= Date.now())
}

const lockPorts: LockPorts = {
  self: () => ({ pid: process.pid, start: startTimeOf(process.pid) ?? '', boot: bootId() }),
  isAlive,
}

function locked(stateDir: string, pid: number): ProcmanError {
  return new ProcmanError('PROCMAN_STATE_DIR_LOCKED', `the state directory ${stateDir} is in use by process ${pid}: another procman manages it`, {
    details: { stateDir, pid },
  })
}

/** Resolves when something changes in a directory, or after a time. */
function changeIn(path: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      watcher?.close()
      resolve()
    }
    const timer = setTimeout(done, Math.max(1, timeoutMs))
    let watcher: ReturnType<typeof watch> | undefined
    try {
      watcher = watch(path, done)
      watcher.on('error', () => {})
    } catch {
      // No watch to be had: the timer serves.
    }
  })
}
