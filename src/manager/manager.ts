/** A manager: supervisor, reconciler, config and control API in one. `procman up` and the daemon are this, and nothing else. */
import { dirname } from 'node:path'
import type { Supervisor } from '../api.ts'
import type { LogLevel, Project } from '../config/contract.ts'
import { loadProject } from '../config/load.ts'
import type { ControlServer } from '../control/contract.ts'
import { serveControl } from '../control/serve.ts'
import { isProcmanError } from '../errors.ts'
import { readVersion } from '../version.ts'
import { mustBeAlone } from './conflict.ts'
import type { ApplyReport, ApplyRequest, ManagerControl, ManagerStatus } from './contract.ts'
import type { TokenOptions } from './daemon/protocol.ts'
import { openDirectory } from './directory.ts'
import { listenOptions } from './listen.ts'
import type { ManagerLog } from './log/log.ts'
import { logProcesses } from './log/processes.ts'
import { privateBytes } from './memory.ts'
import { filesOf } from './project-file.ts'
import { Reconciling } from './reconciling.ts'
import { forget, remember } from './remembered.ts'
import { downReport, FORCE_AFTER_MS, takeDown } from './take-down.ts'
import { FileWatch } from './watch-files.ts'

interface Config {
  /** Absolute. */
  readonly path: string
  /** What `${env.NAME}` is filled in from. */
  readonly env: Readonly<Record<string, string>>
}

export interface ManagerOptions {
  /** Absolute. */
  readonly stateDir: string
  readonly kind: ManagerStatus['kind']
  /** Brought up at once, after it was read and found right. Default: only what is there is managed. */
  readonly config?: Config | null
  /** Apply the config file again whenever it changes. Default false. */
  readonly watch?: boolean
  /** `HOST:PORT` of this machine. Default: the port that the config says, else none. */
  readonly listen?: string | null
  readonly tokens?: TokenOptions
  readonly log: ManagerLog
  /** Whatever the config says. Default: as that says, else info. */
  readonly logLevel?: LogLevel | null
  /** What is brought up at once is started also where a user has stopped it or it has failed. Default false. */
  readonly startDown?: boolean
  readonly replace?: boolean
  /** A config that is wrong is told in log and status, and what is there is managed. Default false: it does not open. */
  readonly isTolerant?: boolean
  /** Waits so long for a command that holds the directory for a moment, in ms. Default 0. */
  readonly lockTimeoutMs?: number
}

export interface Manager extends ManagerControl {
  readonly supervisor: Supervisor
  /** The config that is in force; null: none was brought up. */
  readonly project: Project | null
  /** What was done of the config that it was opened with; null: none. */
  readonly applied: Promise<ApplyReport | null>
  /** Resolves with the reason once it has let go. */
  readonly ended: Promise<string>
  /** Applies the config in force again; what is wrong goes to log and status. */
  reload(): void
  /** Lets go; everything that runs goes on. @param reason for the log */
  end(reason: string): void
}

/**
 * Opens a state directory and serves it. Nothing has changed when it throws.
 * @throws PROCMAN_CONFIG_NOT_FOUND, PROCMAN_CONFIG_INVALID, PROCMAN_PROJECT_CONFLICT, PROCMAN_STATE_DIR_LOCKED, PROCMAN_STATE_DIR_UNUSABLE, PROCMAN_PORT_UNAVAILABLE
 */
export async function openManager(options: ManagerOptions): Promise<Manager> {
  const { config = null, stateDir } = options
  const read = config === null ? null : await readProject(config, options.isTolerant === true)
  const project = read?.project ?? null
  // Before anything is taken or made.
  const listening = listenOptions(stateDir, options.listen ?? null, options.tokens, project)
  const supervisor = await openDirectory(stateDir, options.lockTimeoutMs ?? 0)
  try {
    if (project !== null && options.replace !== true) mustBeAlone(supervisor, project.dir)
    const manager = new LivingManager(options, supervisor)
    await manager.serve(await listening())
    manager.begin(project)
    if (read?.error !== undefined) manager.refused(read.error)
    return manager
  } catch (error) {
    await supervisor.close()
    throw error
  }
}

/** @returns the project, or what is wrong with it where that is borne */
async function readProject(config: Config, isTolerant: boolean): Promise<{ readonly project?: Project; readonly error?: unknown }> {
  try {
    return { project: await loadProject({ path: config.path, cwd: dirname(config.path), env: config.env }) }
  } catch (error) {
    if (!isTolerant) throw error
    return { error }
  }
}

class LivingManager implements Manager {
  readonly supervisor: Supervisor
  readonly ended: Promise<string>
  applied: Promise<ApplyReport | null> = Promise.resolve(null)
  readonly #options: ManagerOptions
  readonly #log: ManagerLog
  readonly #startedAt = new Date().toISOString()
  readonly #files = new FileWatch(() => this.reload())
  readonly #stopLogging: () => void
  #server: ControlServer | null = null
  #reconciling: Reconciling | null = null
  #project: Project | null = null
  #config: Config | null
  #configError: string | null = null
  #isWatching: boolean
  /** Applies are done one after the other. */
  #last: Promise<unknown> = Promise.resolve()
  #ending: Promise<void> | null = null
  #tellEnd: (reason: string) => void = () => {}

  constructor(options: ManagerOptions, supervisor: Supervisor) {
    this.#options = options
    this.#log = options.log
    this.#config = options.config ?? null
    this.#isWatching = options.watch === true
    this.supervisor = supervisor
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve
    })
    this.#stopLogging = logProcesses(supervisor, (event) => this.#log.write(event))
    if (options.logLevel != null) this.#log.setLevel(options.logLevel)
  }

  get project(): Project | null {
    return this.#project
  }

  async serve(listen: Parameters<typeof serveControl>[0]['listen']): Promise<void> {
    this.#server = await serveControl({ supervisor: this.supervisor, manager: this, log: this.#log.control, ...(listen === undefined ? {} : { listen }) })
  }

  /** @param project is read already */
  begin(project: Project | null): void {
    const { supervisor } = this
    for (const { id, message } of supervisor.problems) this.#log.write({ event: 'error', id, reason: message })
    this.#log.write({
      event: 'manager.started',
      pid: process.pid,
      version: readVersion(),
      kind: this.#options.kind,
      state_dir: supervisor.stateDir,
      config: project?.path ?? null,
      listen: this.#listen(),
      processes: supervisor.list().length,
    })
    if (project === null) return this.#remember()
    const { startDown = false, replace = false } = this.#options
    this.applied = this.#inTurn(() => this.#bringAbout(project, { startDown, replace }))
    this.applied.catch(() => {})
  }

  status(): ManagerStatus {
    const { supervisor } = this
    return {
      pid: process.pid,
      version: readVersion(),
      kind: this.#options.kind,
      started_at: this.#startedAt,
      state_dir: supervisor.stateDir,
      config: this.#project?.path ?? null,
      is_watching: this.#isWatching && this.#project !== null,
      config_error: this.#configError,
      listen: this.#listen(),
      log_level: this.#log.level,
      log_file: this.#log.file,
      rss_bytes: privateBytes(),
      processes: supervisor.table.getSnapshot().context.processes.size,
      problems: supervisor.problems.map(({ message }) => message),
    }
  }

  apply(request: ApplyRequest): Promise<ApplyReport> {
    return this.#inTurn(() => this.#apply(request))
  }

  async down({ keep = false, timeoutMs }: { readonly keep?: boolean; readonly timeoutMs?: number } = {}): Promise<ApplyReport> {
    const how = { keep, timeoutMs: timeoutMs ?? this.#project?.manager.forceShutdownTimeoutMs ?? FORCE_AFTER_MS }
    const report = this.#reconciling === null ? await takeDown(this.supervisor, how) : downReport([await this.#reconciling.drain(how)])
    this.#logList(report)
    if (!keep) await this.#forget()
    return report
  }

  async stop(): Promise<void> {
    // After the answer is on its way.
    setImmediate(() => this.end('a command has asked for it'))
  }

  setLogLevel(level: LogLevel): void {
    this.#log.setLevel(level)
    this.#log.write({ event: 'manager.log-level', level_now: level })
  }

  reload(): void {
    // Told in log and status.
    if (this.#config !== null) this.apply({}).catch(() => {})
  }

  end(reason: string): void {
    this.#ending ??= this.#end(reason)
  }

  async #end(reason: string): Promise<void> {
    this.#log.write({ event: 'manager.stopping', pid: process.pid, reason })
    await this.#files.close()
    this.#reconciling?.close()
    await this.#server?.close().catch((error: unknown) => this.#trouble(error))
    await this.supervisor.close().catch((error: unknown) => this.#trouble(error))
    this.#stopLogging()
    this.#log.write({ event: 'manager.stopped', pid: process.pid })
    await this.#log.flush()
    this.#tellEnd(reason)
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#last.then(act)
    this.#last = done.catch(() => {})
    return done
  }

  async #apply(request: ApplyRequest): Promise<ApplyReport> {
    const path = request.path ?? this.#config?.path
    if (path === undefined) return { lines: [], warnings: ['there is no config file in force'], failures: [] }
    const env = request.env ?? this.#config?.env ?? {}
    const { startDown = false, replace = false } = request
    let project: Project
    try {
      project = await loadProject({ path, cwd: dirname(path), env })
      if (!replace) mustBeAlone(this.supervisor, project.dir)
    } catch (error) {
      this.refused(error, path)
      throw error
    }
    this.#config = { path, env }
    if (request.watch !== undefined) this.#isWatching = request.watch
    return this.#bringAbout(project, { startDown, replace })
  }

  /** The file is right. */
  async #bringAbout(project: Project, how: { readonly startDown: boolean; readonly replace: boolean }): Promise<ApplyReport> {
    const before = this.#project
    this.#project = project
    this.#configError = null
    if (this.#options.logLevel == null && project.manager.logLevel !== before?.manager.logLevel) this.#log.setLevel(project.manager.logLevel)
    this.#remember()
    if (this.#isWatching) await this.#files.set(filesOf(project))
    if (this.#reconciling !== null && this.#reconciling.origin !== project.dir) {
      this.#reconciling.close()
      this.#reconciling = null
    }
    this.#reconciling ??= new Reconciling(this.supervisor, project.dir, project.path)
    const { lines, failures, warnings: waiting } = await this.#reconciling.apply(project, how)
    const warnings = [...project.warnings, ...this.#warnings(project)]
    if (before === null || project.warnings.join('\n') !== before.warnings.join('\n'))
      for (const reason of warnings) this.#log.write({ event: 'config.warning', config: project.path, reason })
    const report: ApplyReport = { lines, warnings: [...warnings, ...waiting], failures }
    this.#logList(report)
    return report
  }

  /** What of the config is only looked at when the manager starts. */
  #warnings({ manager }: Project): readonly string[] {
    if (this.#options.listen != null || manager.port === null) return []
    if (this.#server?.address?.port === manager.port) return []
    return [`process_manager.port ${manager.port} is listened on after 'procman daemon restart'`]
  }

  /** @param path default: the one that it was to be opened with */
  refused(error: unknown, path = this.#config?.path ?? null): void {
    const reason = error instanceof Error ? error.message : String(error)
    const code = isProcmanError(error) ? error.code : 'PROCMAN_INTERNAL'
    // Somebody tried another file: what is in force is not concerned.
    if (path === this.#config?.path) this.#configError = reason
    if (this.#isWatching && this.#project === null && path !== null) void this.#files.set([path])
    this.#log.write({ event: 'config.invalid', config: path, code, reason })
  }

  #logList({ lines, failures }: ApplyReport): void {
    for (const { id, code, message } of failures) this.#log.write({ event: 'process.failed', id, code, reason: message })
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
    this.#log.write({ event: 'list.updated', config: this.#project?.path ?? null, ...changes })
  }

  #trouble(error: unknown): void {
    this.#log.write({ event: 'error', id: null, reason: error instanceof Error ? error.message : String(error) })
  }

  #listen(): string | null {
    const address = this.#server?.address ?? null
    return address === null ? null : `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
  }

  /** For the next manager. That it cannot be written is no reason to fail. */
  #remember(): void {
    const { listen = null, logLevel = null, tokens = { file: null, readFile: null } } = this.#options
    try {
      remember(this.supervisor.stateDir, { config: this.#config, watch: this.#isWatching, listen, log_level: logLevel, tokens })
    } catch (error) {
      this.#trouble(error)
    }
  }

  async #forget(): Promise<void> {
    this.#reconciling?.close()
    this.#reconciling = null
    this.#project = null
    this.#config = null
    this.#configError = null
    this.#isWatching = false
    await this.#files.set([])
    forget(this.supervisor.stateDir)
  }
}
