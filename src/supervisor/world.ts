/** Everything a supervisor has that is not state: files, effects, the table. One for each supervisor; the machines meet their effects here. */
import { existsSync } from 'node:fs'
import type { Problem, ProcessRef, SupervisorOptions } from '../api.ts'
import { waitUntil } from '../effects/deadline/wait-until.ts'
import { type EffectRegistry, endAllEffects } from '../effects/effect.ts'
import { HealthWatches } from '../effects/probe/health-watches.ts'
import type { HealthPorts } from '../effects/probe/ports.ts'
import { probeHealth } from '../effects/probe/probe-health.ts'
import { describeKeeper, type KeeperProgram } from '../effects/run/keeper-program.ts'
import { createKeeperStarter, type KeeperStarter } from '../effects/run/keeper-starter.ts'
import { RunWatches, runEffect } from '../effects/run/run.ts'
import { StrayHunter } from '../effects/run/strays.ts'
import { tokenOf } from '../effects/run/token.ts'
import { terminate } from '../effects/terminate/terminate.ts'
import { ProcmanError } from '../errors.ts'
import { errnoOf } from '../files.ts'
import { processMachine } from '../machines/process/machine.ts'
import { toRecord } from '../machines/process/record.ts'
import { type Layout, layoutOf, resolveStateDir } from '../persistence/layout.ts'
import { createSlices } from '../persistence/slices.ts'
import { Store } from '../persistence/store.ts'
import { createProcessTable, TableWriter } from '../table.ts'
import { isOnRecordOtherwise, urgencyOf, viewOf } from './answers.ts'
import { BeforeRemoval } from './before-removal.ts'
import { Launches } from './launches.ts'
import { Problems } from './problems.ts'
import { ProcessLogs, type ProcessLogsPorts } from './process-logs.ts'
import { pruneRunFiles } from './prune.ts'
import { knownRunOf } from './rebuild.ts'
import { Sweeper, type SweeperPorts } from './sweeper.ts'
import { Tenancy } from './tenancy.ts'

export class World {
  readonly layout: Layout
  readonly options: SupervisorOptions
  readonly slices = createSlices()
  readonly store: Store
  readonly table = createProcessTable()
  readonly #tableWriter = new TableWriter(this.table, (error) => this.trouble(null, null, `a listener of the table has thrown: ${messageOf(error)}`))
  readonly refs = new Map<string, ProcessRef>()
  /** Processes that are there and cannot be taken in for now: why. */
  readonly unreadable = new Map<string, { readonly path: string; readonly message: string }>()
  readonly #problems = new Problems()
  readonly effects: EffectRegistry
  readonly watches: RunWatches
  readonly launches: Launches
  readonly logs: ProcessLogs
  readonly beforeRemoval = new BeforeRemoval((error) => this.trouble(null, null, `who is asked before a removal has failed: ${messageOf(error)}`))
  readonly #healthWatches: HealthWatches
  readonly #tenancy: Tenancy
  readonly #sweeper: Sweeper
  readonly strays = new StrayHunter((error) => this.trouble(null, '/proc', `/proc cannot be looked through for strays (${errnoOf(error)}); tried again`))
  /** Every process of the directory is known. */
  readonly restored: Promise<void>
  #tellRestored: () => void = () => {}
  #keeper: KeeperProgram | undefined
  #starter: KeeperStarter | undefined
  #isOpen = false
  /** Why the lock could not be taken away when the directory was let go. */
  stillLocked: string | null = null

  constructor(options: SupervisorOptions) {
    this.options = options
    this.layout = layoutOf(resolveStateDir(options.stateDir))
    this.#tenancy = new Tenancy(this.layout)
    this.effects = {
      live: new Set(),
      onError: (error) => this.trouble(null, null, `internal: ${messageOf(error)}`),
    }
    this.store = new Store(this.layout, {
      nowMs: Date.now,
      slices: this.slices,
      holdsDirectory: () => this.#tenancy.holds() || this.#tenancy.takeAgain(),
      onTrouble: (id, path, error) => this.trouble(id === '' ? null : id, path, error.message),
    })
    this.restored = new Promise((resolve) => {
      this.#tellRestored = resolve
    })
    this.launches = new Launches({
      refOf: (id) => this.#refOf(id),
      isUp: (id) => this.refs.get(id)?.getSnapshot().hasTag('settled') === false,
      tokenOf: (id, run) => this.#tokenOf(id, run),
      allKnown: this.restored,
    })
    this.watches = new RunWatches(this.#runPorts())
    this.#healthWatches = new HealthWatches(this.#healthPorts(), this.watches)
    this.logs = new ProcessLogs(this.#logPorts(), options.logs?.maxTotalBytes ?? null)
    this.#sweeper = new Sweeper(this.#sweeperPorts())
  }

  get keeper(): KeeperProgram {
    this.#keeper ??= describeKeeper(this.layout.root, this.options.keeper)
    return this.#keeper
  }

  /** The process machine with its real effects. */
  processLogic() {
    return processMachine.provide({
      actors: {
        run: runEffect(this.effects, this.watches, (input, tell) => this.#healthWatches.finish(input, tell)),
        probeHealth: probeHealth(this.effects, this.#healthWatches),
        terminate: terminate(this.effects, this.watches, (id) => this.#stopOnRecord(id)),
        waitUntil: this.deadline(),
      },
    })
  }

  deadline() {
    return waitUntil(this.effects, { nowMs: Date.now })
  }

  get problems(): readonly Problem[] {
    return this.#problems.all
  }

  /**
   * Takes the directory, waiting for another manager as long as the options say.
   * @param onLost called when the directory was deleted and another manager has it now
   * @throws PROCMAN_STATE_DIR_LOCKED, PROCMAN_STATE_DIR_UNUSABLE
   */
  async open(onLost: (message: string) => void): Promise<void> {
    const leftBehind = await this.#tenancy.take(this.options.lockTimeoutMs ?? 0, onLost)
    if (leftBehind !== null) this.trouble(null, this.layout.lock, leftBehind)
    this.#isOpen = true
    this.#sweeper.begin()
  }

  /**
   * Lets go of everything: what runs goes on, the directory is free. Also where nobody could say goodbye before.
   * @returns the ids whose last state could not be written
   */
  letGo(): readonly string[] {
    if (!this.#isOpen) return []
    this.#isOpen = false
    this.#sweeper.end()
    this.logs.close()
    const unsaved = this.#tenancy.isLost ? this.store.abandon() : this.store.close()
    endAllEffects(this.effects)
    this.strays.close()
    this.#starter?.close()
    this.stillLocked = this.#tenancy.release()
    return unsaved
  }

  /** Called once all that is in the directory has been taken in. */
  opened(): void {
    this.#tellRestored()
    this.logs.tendAll(this.refs.keys())
  }

  /** Sees to it that every change of a process reaches the disk and the table. */
  follow(ref: ProcessRef): void {
    const id = ref.id
    this.refs.set(id, ref)
    const first = ref.getSnapshot()
    this.#tableWriter.add(id, () => toRecord(first.value, first.context))
    this.launches.follow(id, first.hasTag('settled'), first.context)
    const outputOf = this.logs.follow(id)
    outputOf(first, true)
    let last = first
    ref.subscribe({
      next: (snapshot) => {
        if (snapshot === last || this.refs.get(id) !== ref) return
        // Not before the launch: the next run must not wait for the files of the last one.
        const isPastLaunch = last.value === 'starting' && snapshot.value !== 'starting' && snapshot.context.run > 1
        const urgency = urgencyOf(last, snapshot)
        // No intent and no end of a run tells of a declaration that came after it.
        const isDeclaredAnew = snapshot.context.spec !== last.context.spec
        last = snapshot
        const persisted = () => processMachine.getPersistedSnapshot(snapshot)
        if (urgency === 'soon') this.store.saveSoon(id, persisted)
        else if (urgency === 'now' && (isDeclaredAnew || !isOnRecordOtherwise(snapshot))) this.store.save(id, persisted)
        if (urgency === 'now') this.launches.follow(id, snapshot.hasTag('settled'), snapshot.context)
        this.#tableWriter.update(id, () => toRecord(snapshot.value, snapshot.context))
        outputOf(snapshot, false)
        if (isPastLaunch) void this.#pruneOnceSaved(ref, snapshot.context.run)
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
    this.launches.forget(id)
    this.logs.forget(id)
    this.#tableWriter.remove(id)
  }

  trouble(id: string | null, path: string | null, message: string): void {
    this.#problems.add(id, path, message)
  }

  /** Not before: the intents of runs that no snapshot on disk speaks of are what they are known by. */
  async #pruneOnceSaved(ref: ProcessRef, run: number): Promise<void> {
    const jobDir = this.layout.jobDir(ref.id)
    // When it is not, the next run prunes.
    if (!(await this.store.attempted(ref.id))) return
    // Removed meanwhile, or let go: what is there now is another process's, or another manager's.
    const isOurs = () => this.#isOpen && this.refs.get(ref.id) === ref
    pruneRunFiles({ jobDir, currentRun: run, slices: this.slices, isOurs, onTrouble: (message) => this.trouble(ref.id, jobDir, message) })
  }

  /**
   * Without a policy there is nothing that could undo a stop: then a thousand at once need not wait for a thousand files. A stop for a restart is written down
   * always: whoever takes over is to start it again.
   */
  async #stopOnRecord(id: string): Promise<void> {
    await null // Effects begin before the change of state that they belong to is followed.
    const context = this.refs.get(id)?.getSnapshot().context
    // Stopped and removed by now.
    if (context === undefined) return
    if (context.spec.restart.strategy === 'never' && context.stop?.purpose !== 'restart') return
    await this.store.attempted(id)
  }

  #logPorts(): ProcessLogsPorts {
    return {
      layout: this.layout,
      slices: this.slices,
      restored: this.restored,
      refOf: (id) => this.refs.get(id),
      mustBeThere: (ref) => this.#mustBeThere(ref),
      trouble: (id, path, message) => this.trouble(id, path, message),
      onError: this.effects.onError,
    }
  }

  /** @throws PROCMAN_CLOSED, PROCMAN_PROCESS_UNKNOWN */
  #mustBeThere(ref: ProcessRef): void {
    if (!this.#isOpen) throw new ProcmanError('PROCMAN_CLOSED', `the supervisor of ${this.layout.root} is closed`, { details: { stateDir: this.layout.root } })
    if (this.refs.get(ref.id) !== ref) throw new ProcmanError('PROCMAN_PROCESS_UNKNOWN', `process ${ref.id} has been removed`, { details: { id: ref.id } })
  }

  #sweeperPorts(): SweeperPorts {
    return {
      layout: this.layout,
      tenancy: this.#tenancy,
      watches: this.watches,
      refs: this.refs,
      isOnFile: (ref) => !isOnRecordOtherwise(ref.getSnapshot()),
      keep: (ref) => this.keep(ref),
      onTrouble: (path, message) => this.trouble(null, path, message),
    }
  }

  #runPorts() {
    const world = this
    return {
      jobDirOf: (id: string) => this.layout.jobDir(id),
      tokenOf: (id: string, run: number) => this.#tokenOf(id, run),
      knownOf: (id: string, run: number) => {
        const { context } = this.#refOf(id).getSnapshot()
        return context.run === run ? knownRunOf(context) : null
      },
      hasPorts: (id: string) => this.launches.hasPorts(id),
      assignPorts: (id: string, fixed: Readonly<Record<string, number>> | null) => this.launches.assignPorts(id, fixed),
      conflictOf: (id: string) => this.launches.conflictOf(id),
      launchOf: (id: string, run: number, ports?: Readonly<Record<string, number>>) => this.launches.launchOf(id, run, ports),
      inTurn: (work: () => void) =>
        this.slices.run(() => {
          if (this.#isOpen) work()
        }),
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

  #tokenOf(id: string, run: number): string {
    return tokenOf(this.layout.root, id, run, this.#refOf(id).getSnapshot().context.createdAtMs)
  }

  /** The program that has served may be deleted since, with the state directory: that is no fault of what is probed. */
  #guard(): string | null {
    const { kind, path } = this.keeper
    return kind === 'native' && existsSync(path) ? path : null
  }

  #healthPorts(): HealthPorts {
    return {
      declarationOf: (id) => this.#refOf(id).getSnapshot().context.spec,
      specOf: (id, run) => this.launches.launchedOf(id, run, this.layout.jobDir(id)).filled,
      environmentOf: (id, run) => this.launches.launchedOf(id, run, this.layout.jobDir(id)).env,
      viewOf: (id, run) => {
        const snapshot = this.refs.get(id)?.getSnapshot()
        return snapshot === undefined || snapshot.context.run !== run ? null : viewOf(snapshot)
      },
      jobDirOf: (id) => this.layout.jobDir(id),
      functionOf: (id, name) => this.launches.functionOf(id, name) ?? this.options.probes?.[name],
      guard: () => this.#guard(),
      nowMs: Date.now,
      onTrouble: (id, error) => this.trouble(id, null, `the health of process ${id} cannot be looked at: ${messageOf(error)}`),
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
