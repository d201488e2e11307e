/** The config that a manager brings about: which file it is, what it said last, and what came of that. */
import { dirname } from 'node:path'
import type { Supervisor } from '../api.ts'
import type { Project } from '../config/contract.ts'
import { loadProject } from '../config/load.ts'
import { isProcmanError } from '../errors.ts'
import { mustBeAlone } from './conflict.ts'
import type { ApplyReport, ApplyRequest } from './contract.ts'
import type { ManagerLog } from './log/log.ts'
import { filesOf } from './project-file.ts'
import { Reconciling } from './reconciling.ts'
import { downReport, FORCE_AFTER_MS, takeDown } from './take-down.ts'
import { FileWatch } from './watch-files.ts'

export interface ConfigFile {
  /** Absolute. */
  readonly path: string
  /** What `${env.NAME}` is filled in from. */
  readonly env: Readonly<Record<string, string>>
}

/** `startDown`: also what a user has stopped or what has failed is started. `replace`: what another project has brought up is removed. */
export interface ApplyMode {
  readonly startDown: boolean
  readonly replace: boolean
}

export interface ConfigInForceOptions {
  readonly supervisor: Supervisor
  readonly log: ManagerLog
  readonly file: ConfigFile | null
  readonly isWatching: boolean
  /** What of a project is not the reconciler's. @returns warnings: what of it has no effect now */
  readonly onProject: (project: Project) => readonly string[]
  /** Another file is what the next manager is to go on with. */
  readonly onChange: () => void
}

export class ConfigInForce {
  readonly #options: ConfigInForceOptions
  readonly #files = new FileWatch(() => this.reload())
  #file: ConfigFile | null
  #isWatching: boolean
  #project: Project | null = null
  #error: string | null = null
  #reconciling: Reconciling | null = null
  /** Applies are done one after the other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ConfigInForceOptions) {
    this.#options = options
    this.#file = options.file
    this.#isWatching = options.isWatching
  }

  get file(): ConfigFile | null {
    return this.#file
  }

  /** As it was read last and found right; null: none was. */
  get project(): Project | null {
    return this.#project
  }

  /** Why the file as it is now could not be applied; null: it is in force. */
  get error(): string | null {
    return this.#error
  }

  get isWatching(): boolean {
    return this.#isWatching
  }

  /** @param project is read already */
  begin(project: Project, mode: ApplyMode): Promise<ApplyReport> {
    return this.#inTurn(() => this.#bringAbout(project, mode))
  }

  /** @throws PROCMAN_CONFIG_NOT_FOUND, PROCMAN_CONFIG_INVALID, PROCMAN_PROJECT_CONFLICT: nothing has changed */
  apply(request: ApplyRequest): Promise<ApplyReport> {
    return this.#inTurn(() => this.#apply(request))
  }

  /** What is wrong goes to log and status. */
  reload(): void {
    if (this.#file !== null) this.apply({}).catch(() => {})
  }

  /** @param how.keep it is stopped, not removed, and stays in force */
  async down({ keep = false, timeoutMs }: { readonly keep?: boolean; readonly timeoutMs?: number }): Promise<ApplyReport> {
    const how = { keep, timeoutMs: timeoutMs ?? this.#project?.manager.forceShutdownTimeoutMs ?? FORCE_AFTER_MS }
    const report = this.#reconciling === null ? await takeDown(this.#options.supervisor, how) : downReport([await this.#reconciling.drain(how)])
    this.#logList(report)
    if (!keep) await this.#forget()
    return report
  }

  /** The file could not be applied. @param path default: the one in force */
  refused(error: unknown, path = this.#file?.path ?? null): void {
    const reason = error instanceof Error ? error.message : String(error)
    const code = isProcmanError(error) ? error.code : 'PROCMAN_INTERNAL'
    // Somebody tried another file: what is in force is not concerned.
    if (path === this.#file?.path) this.#error = reason
    if (this.#isWatching && this.#project === null && path !== null) void this.#files.set([path])
    this.#options.log.write({ event: 'config.invalid', config: path, code, reason })
  }

  async close(): Promise<void> {
    await this.#files.close()
    this.#reconciling?.close()
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#last.then(act)
    this.#last = done.catch(() => {})
    return done
  }

  async #apply({ path = this.#file?.path, env = this.#file?.env ?? {}, startDown = false, replace = false, watch }: ApplyRequest): Promise<ApplyReport> {
    if (path === undefined) return { lines: [], warnings: ['there is no config file in force'], failures: [] }
    const project = await this.#read({ path, env }, replace)
    this.#file = { path, env }
    if (watch !== undefined) this.#isWatching = watch
    return this.#bringAbout(project, { startDown, replace })
  }

  async #read({ path, env }: ConfigFile, replace: boolean): Promise<Project> {
    try {
      const project = await loadProject({ path, cwd: dirname(path), env })
      if (!replace) mustBeAlone(this.#options.supervisor, project.dir)
      return project
    } catch (error) {
      this.refused(error, path)
      throw error
    }
  }

  async #bringAbout(project: Project, mode: ApplyMode): Promise<ApplyReport> {
    const before = this.#project
    this.#project = project
    this.#error = null
    this.#options.onChange()
    const warnings = [...project.warnings, ...this.#options.onProject(project)]
    if (this.#isWatching) await this.#files.set(filesOf(project))
    const { lines, failures, warnings: waiting } = await this.#reconcilingOf(project).apply(project, mode)
    if (before === null || project.warnings.join('\n') !== before.warnings.join('\n'))
      for (const reason of warnings) this.#options.log.write({ event: 'config.warning', config: project.path, reason })
    const report: ApplyReport = { lines, warnings: [...warnings, ...waiting], failures }
    this.#logList(report)
    return report
  }

  #reconcilingOf({ dir, path }: Project): Reconciling {
    if (this.#reconciling?.origin === dir) return this.#reconciling
    this.#reconciling?.close()
    this.#reconciling = new Reconciling(this.#options.supervisor, dir, path)
    return this.#reconciling
  }

  #logList({ lines, failures }: ApplyReport): void {
    const { log } = this.#options
    for (const { id, code, message } of failures) log.write({ event: 'process.failed', id, code, reason: message })
    const failed = failures.map(({ id }) => id)
    const idsOf = (action: string) => lines.flatMap((line) => (line.action === action && !failed.includes(line.id) ? [line.id] : []))
    const changes = {
      started: idsOf('start'),
      created: idsOf('create'),
      restarted: idsOf('restart'),
      updated: idsOf('update'),
      stopped: idsOf('stop'),
      removed: idsOf('remove'),
      failed,
    }
    if (Object.values(changes).every((ids) => ids.length === 0)) return
    log.write({ event: 'list.updated', config: this.#project?.path ?? null, ...changes })
  }

  async #forget(): Promise<void> {
    this.#reconciling?.close()
    this.#reconciling = null
    this.#project = null
    this.#file = null
    this.#error = null
    this.#isWatching = false
    await this.#files.set([])
  }
}
