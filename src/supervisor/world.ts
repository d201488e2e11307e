/** Everything a supervisor has that is not state: files, effects, the table. One for each supervisor; the machines meet their effects here. */
import { createHash } from 'node:crypto'
import { watch } from 'node:fs'
import type { Problem, ProcessRef, SupervisorOptions } from '../api.ts'
import { waitUntil } from '../effects/deadline/wait-until.ts'
import { type EffectRegistry, endAllEffects } from '../effects/effect.ts'
import { bootId, isAlive, startTimeOf } from '../effects/run/identity.ts'
import { describeKeeper, type KeeperProgram } from '../effects/run/keeper-program.ts'
import { createKeeperStarter, type KeeperStarter } from '../effects/run/keeper-starter.ts'
import { RunWatches, runEffect } from '../effects/run/run.ts'
import { pruneRuns } from '../effects/run/run-files.ts'
import { terminate } from '../effects/terminate/terminate.ts'
import { ProcmanError } from '../errors.ts'
import { processMachine } from '../machines/process/machine.ts'
import { toRecord } from '../machines/process/record.ts'
import { type Layout, layoutOf, resolveStateDir } from '../persistence/layout.ts'
import { type LockPorts, releaseLock, sweepLockLeftovers, takeLock } from '../persistence/lock.ts'
import { createSlices } from '../persistence/slices.ts'
import { prepareStateDir, Store } from '../persistence/store.ts'
import { createProcessTable } from '../table.ts'
import type { ProcessSpec } from '../types.ts'
import type { ActorSnapshot } from './wait.ts'

const KEPT_RUNS = 20
const KEPT_PROBLEMS = 100
const LOCK_LOOK_MS = 100

export class World {
  readonly layout: Layout
  readonly options: SupervisorOptions
  readonly slices = createSlices()
  readonly store: Store
  readonly table = createProcessTable()
  readonly refs = new Map<string, ProcessRef>()
  readonly problems: Problem[] = []
  readonly effects: EffectRegistry
  readonly watches: RunWatches
  readonly #directoryName: string
  #env: Readonly<Record<string, string>> | undefined
  #keeper: KeeperProgram | undefined
  #starter: KeeperStarter | undefined
  #lockNonce: string | undefined

  constructor(options: SupervisorOptions) {
    this.options = options
    this.layout = layoutOf(resolveStateDir(options.stateDir))
    this.#directoryName = createHash('sha256').update(this.layout.root).digest('hex').slice(0, 16)
    this.effects = {
      live: new Set(),
      onError: (error) => this.trouble(null, null, `internal: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    }
    this.store = new Store(this.layout, {
      nowMs: Date.now,
      slices: this.slices,
      onTrouble: (id, error) => this.trouble(id, this.layout.stateFile(id), error.message),
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

  /** Takes the directory, waiting for another manager as long as the options say. @throws PROCMAN_STATE_DIR_LOCKED, PROCMAN_STATE_DIR_UNUSABLE */
  async open(): Promise<void> {
    prepareStateDir(this.layout)
    const giveUpAtMs = Date.now() + (this.options.lockTimeoutMs ?? 0)
    for (;;) {
      const taken = this.#tryLock()
      if (taken.kind === 'held') {
        this.#lockNonce = taken.nonce
        return sweepLockLeftovers(this.layout.lock, lockPorts)
      }
      if (Date.now() >= giveUpAtMs) throw locked(this.layout.root, taken.holder.pid)
      await changeIn(this.layout.root, Math.min(LOCK_LOOK_MS, giveUpAtMs - Date.now()))
    }
  }

  /** Lets go of everything: what runs goes on, the directory is free. Also where nobody could say goodbye before. */
  letGo(): void {
    if (this.#lockNonce === undefined) return
    this.store.close()
    endAllEffects(this.effects)
    this.#starter?.close()
    releaseLock(this.layout.lock, this.#lockNonce)
    this.#lockNonce = undefined
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
        if (snapshot === last) return
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

  trouble(id: string | null, path: string | null, message: string): void {
    this.problems.push({ id, path, message, atMs: Date.now() })
    if (this.problems.length > KEPT_PROBLEMS) this.problems.shift()
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
    try {
      pruneRuns(this.layout.jobDir(id), run, KEPT_RUNS)
    } catch (error) {
      this.trouble(id, this.layout.jobDir(id), `old run files cannot be removed (${(error as NodeJS.ErrnoException).code})`)
    }
  }

  #runPorts() {
    const world = this
    return {
      jobDirOf: (id: string) => this.layout.jobDir(id),
      tokenOf: (id: string, run: number) => this.#tokenOf(id, run),
      specOf: (id: string) => this.#specOf(id),
      environmentOf: (spec: ProcessSpec, run: number) => this.#environmentOf(spec, run),
      inTurn: (work: () => void) => this.slices.run(work),
      get starter() {
        world.#starter ??= createKeeperStarter(world.keeper)
        return world.#starter
      },
      nowMs: Date.now,
      onTrouble: (id: string, error: unknown) => this.trouble(id, this.layout.jobDir(id), `its run files cannot be looked at (${codeOf(error)}); tried again`),
    }
  }

  #specOf(id: string): ProcessSpec {
    const ref = this.refs.get(id)
    if (ref === undefined) throw new Error(`internal: process ${id} launches a run and is not there`)
    return ref.getSnapshot().context.spec
  }

  /** Unique for state directory and run. */
  #tokenOf(id: string, run: number): string {
    return `${this.#directoryName}.${id}.${run}`
  }

  /** The environment that is inherited is that of the manager that launches the run. */
  #environmentOf(spec: ProcessSpec, run: number): Record<string, string> {
    const inherited = spec.inheritEnv ? this.#inheritedEnv() : {}
    return { ...inherited, ...spec.env, PROCMAN_ID: spec.id, PROCMAN_RUN: String(run), PROCMAN_TOKEN: this.#tokenOf(spec.id, run) }
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

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
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
