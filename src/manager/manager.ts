/** A manager: supervisor, reconciler, config and control API in one. `procman up` and the daemon are this, and nothing else. */
import { dirname } from 'node:path'
import type { Supervisor } from '../api.ts'
import type { LogLevel, Project } from '../config/contract.ts'
import { loadProject } from '../config/load.ts'
import type { ControlServer } from '../control/contract.ts'
import { serveControl } from '../control/serve.ts'
import { limitLogs } from '../supervisor.ts'
import { readVersion } from '../version.ts'
import { Collection } from './collection.ts'
import { type ConfigFile, ConfigInForce } from './config-in-force.ts'
import { mustBeAlone } from './conflict.ts'
import type { ApplyReport, ApplyRequest, ManagerControl, ManagerStatus } from './contract.ts'
import type { TokenOptions } from './daemon/protocol.ts'
import { openDirectory } from './directory.ts'
import { listenOptions } from './listen.ts'
import type { ManagerLog } from './log/log.ts'
import { logProcesses } from './log/processes.ts'
import { privateBytes } from './memory.ts'
import { forget, remember } from './remembered.ts'

export interface ManagerOptions {
  /** Absolute. */
  readonly stateDir: string
  readonly kind: ManagerStatus['kind']
  /** What `bringUp` brings about; read, and found right, before anything is opened. Default: only what is there is managed. */
  readonly config?: ConfigFile | null
  /** Apply the config file again whenever it changes. Default false. */
  readonly watch?: boolean
  /** `HOST:PORT` of this machine. Default: the port that the config says, else none. */
  readonly listen?: string | null
  readonly tokens?: TokenOptions
  readonly log: ManagerLog
  /** Whatever the config says. Default: as that says, else info. */
  readonly logLevel?: LogLevel | null
  /** What `bringUp` brings about is started also where a user has stopped it or it has failed. Default false. */
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
  /** Brings about the config that it was opened with, once whoever has opened it is ready for what comes of that. Null: there is none. The second call answers as the first. */
  bringUp(): Promise<ApplyReport | null>
  /** Resolves with the reason once it has let go. */
  readonly ended: Promise<string>
  /** Applies the config in force again; what is wrong goes to log and status. */
  reload(): void
  /** Lets go; everything that runs goes on. @param reason for the log */
  end(reason: string): void
}

/**
 * Opens a state directory and serves it; the config is read, and brought about by `bringUp`. Nothing has changed when it throws.
 * @throws PROCMAN_CONFIG_NOT_FOUND, PROCMAN_CONFIG_INVALID, PROCMAN_PROJECT_CONFLICT, PROCMAN_STATE_DIR_LOCKED, PROCMAN_STATE_DIR_UNUSABLE, PROCMAN_PORT_UNAVAILABLE
 */
export async function openManager(options: ManagerOptions): Promise<Manager> {
  const { config = null, stateDir } = options
  const read = config === null ? {} : await readProject(config, options.isTolerant === true)
  const { project = null } = read
  // Before anything is taken or made.
  const listening = listenOptions(stateDir, options.listen ?? null, options.tokens, project)
  const supervisor = await openDirectory(stateDir, options.lockTimeoutMs ?? 0)
  try {
    if (project !== null && options.replace !== true) mustBeAlone(supervisor, project.dir)
    const manager = new LivingManager(options, supervisor, read)
    await manager.serve(await listening())
    manager.begin()
    return manager
  } catch (error) {
    await supervisor.close()
    throw error
  }
}

interface Read {
  readonly project?: Project
  readonly error?: unknown
}

/** @returns the project, or what is wrong with it where that is borne */
async function readProject(config: ConfigFile, isTolerant: boolean): Promise<Read> {
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
  readonly #options: ManagerOptions
  readonly #log: ManagerLog
  readonly #startedAt = new Date().toISOString()
  readonly #config: ConfigInForce
  readonly #collection: Collection
  readonly #stopLogging: () => void
  readonly #read: Read
  #brought: Promise<ApplyReport | null> | null = null
  #server: ControlServer | null = null
  /** Of the config: a user's own choice lasts until that changes. */
  #levelTaken: LogLevel | null = null
  #ending: Promise<void> | null = null
  #tellEnd: (reason: string) => void = () => {}

  /** @param read the config that it was opened with: the project, or what is wrong with it */
  constructor(options: ManagerOptions, supervisor: Supervisor, read: Read) {
    const { log, config = null, watch = false, logLevel = null } = options
    this.#options = options
    this.#read = read
    this.#log = log
    this.supervisor = supervisor
    this.#collection = new Collection(supervisor, options.kind, (event) => log.write(event))
    this.#config = new ConfigInForce({
      supervisor,
      log,
      file: config,
      isWatching: watch,
      onProject: (project) => this.#take(project),
      onChange: () => this.#remember(),
    })
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve
    })
    this.#stopLogging = logProcesses(supervisor, (event) => log.write(event))
    if (logLevel !== null) log.setLevel(logLevel)
  }

  get project(): Project | null {
    return this.#config.project
  }

  async serve(listen: Parameters<typeof serveControl>[0]['listen']): Promise<void> {
    this.#server = await serveControl({ supervisor: this.supervisor, manager: this, log: this.#log.control, ...(listen === undefined ? {} : { listen }) })
  }

  begin(): void {
    const { supervisor } = this
    const { project = null, error } = this.#read
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
    this.#remember()
    if (error !== undefined) this.#config.refused(error)
  }

  bringUp(): Promise<ApplyReport | null> {
    const { startDown = false, replace = false } = this.#options
    const { project } = this.#read
    this.#brought ??= project === undefined ? Promise.resolve(null) : this.#config.begin(project, { startDown, replace })
    return this.#brought
  }

  status(): ManagerStatus {
    const { supervisor } = this
    const { project, isWatching, error } = this.#config
    return {
      pid: process.pid,
      version: readVersion(),
      kind: this.#options.kind,
      started_at: this.#startedAt,
      state_dir: supervisor.stateDir,
      config: project?.path ?? null,
      is_watching: isWatching && project !== null,
      config_error: error,
      listen: this.#listen(),
      log_level: this.#log.level,
      log_file: this.#log.file,
      rss_bytes: privateBytes(),
      processes: supervisor.table.getSnapshot().context.processes.size,
      problems: supervisor.problems.map(({ message }) => message),
      collection: this.#collection.status(),
    }
  }

  apply(request: ApplyRequest): Promise<ApplyReport> {
    return this.#config.apply(request)
  }

  async down(options: { readonly keep?: boolean; readonly timeoutMs?: number } = {}): Promise<ApplyReport> {
    const report = await this.#config.down(options)
    if (options.keep !== true) forget(this.supervisor.stateDir)
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
    this.#config.reload()
  }

  end(reason: string): void {
    this.#ending ??= this.#end(reason)
  }

  async #end(reason: string): Promise<void> {
    this.#log.write({ event: 'manager.stopping', pid: process.pid, reason })
    await this.#config.close()
    await this.#collection.close()
    await this.#server?.close().catch((error: unknown) => this.#trouble(error))
    await this.supervisor.close().catch((error: unknown) => this.#trouble(error))
    this.#stopLogging()
    this.#log.write({ event: 'manager.stopped', pid: process.pid })
    await this.#log.flush()
    this.#tellEnd(reason)
  }

  /** What a config says of the manager itself. @returns what of it is only looked at when the manager starts */
  #take({ manager, collection }: Project): readonly string[] {
    const warnings = this.#collection.take(collection)
    limitLogs(this.supervisor, manager.logMaxTotalBytes)
    const before = this.#levelTaken
    this.#levelTaken = manager.logLevel
    if (this.#options.logLevel == null && manager.logLevel !== before) this.#log.setLevel(manager.logLevel)
    if (this.#options.listen != null || manager.port === null || this.#server?.address?.port === manager.port) return warnings
    return [...warnings, `process_manager.port ${manager.port} is listened on after 'procman daemon restart'`]
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
    const { file, isWatching } = this.#config
    try {
      remember(this.supervisor.stateDir, { config: file, watch: isWatching, listen, log_level: logLevel, tokens })
    } catch (error) {
      this.#trouble(error)
    }
  }
}
