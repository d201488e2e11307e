/** A supervisor in another program, with the interface of one in this. Asking goes by requests, looking by the mirror. */
import type {
  Attachment,
  AttachOptions,
  ListFilter,
  LogLine,
  LogLines,
  LogPaths,
  LogStats,
  Problem,
  ProcessInput,
  ProcessRef,
  WaitOptions,
  WatchOptions,
} from '../../api.ts'
import { mustBeReason, mustBeSignal } from '../../arguments.ts'
import type { WaitCondition } from '../../conditions.ts'
import { ProcmanError } from '../../errors.ts'
import { callForEach, checkLogOptions, linesOf } from '../../logs.ts'
import { type ProcessCommand, type ProcessRecord, toRecord } from '../../process.ts'
import { selectRecords } from '../../select.ts'
import { mustBeDuration } from '../../timers.ts'
import type { RemoteManager, RemoteSupervisor } from '../contract.ts'
import { Connection } from './connection.ts'
import { freeze } from './freeze.ts'
import { toSendable } from './input.ts'
import type { Answer, Link } from './link.ts'
import { Mirror } from './mirror.ts'
import { RemoteLogs } from './remote-logs.ts'
import { remoteManager } from './remote-manager.ts'
import { RemoteStdin } from './remote-stdin.ts'
import { timeoutBody } from './timeout.ts'
import { Waits } from './waits.ts'

export interface Caller {
  /** What a relative working directory starts from; null: the manager's. */
  readonly cwd: string | null
  readonly env: Readonly<Record<string, string | undefined>> | undefined
}

interface LogFiles {
  readonly paths: LogPaths
  readonly stats: LogStats
}

export class RemoteHandle implements RemoteSupervisor {
  readonly stateDir: string
  readonly manager: RemoteManager
  readonly #link: Link
  readonly #caller: Caller
  readonly #mirror: Mirror
  readonly #connection: Connection
  readonly #problems: Problem[] = []
  readonly #stdin = new RemoteStdin((id, body) => this.#tell(id, 'stdin', body))
  readonly #logs: RemoteLogs
  readonly #waits: Waits
  readonly #ended = new AbortController()

  constructor(link: Link, stateDir: string, caller: Caller) {
    this.#link = link
    this.stateDir = stateDir
    this.#caller = caller
    this.manager = remoteManager((method, path, body) => this.#ask(method, path, body))
    this.#mirror = new Mirror(
      stateDir,
      (id, command) => void this.#send(id, command),
      (error) => this.#trouble(null, `a listener of the table has thrown: ${messageOf(error)}`),
    )
    this.#connection = new Connection(link, {
      event: (event, id) => this.#mirror.apply(event, id),
      lost: () => this.#mirror.forgetWaits(),
    })
    this.#logs = new RemoteLogs(link, this.#ended.signal)
    this.#waits = new Waits({
      stateDir,
      ask: (method, path) => this.#ask(method, path),
      lost: () => this.#connection.lost,
      isClosed: () => this.#isClosed,
    })
  }

  open(): Promise<void> {
    return this.#connection.open()
  }

  get isConnected(): boolean {
    return this.#connection.isUp
  }

  get actor() {
    return this.#mirror.root.actor
  }

  get table() {
    return this.#mirror.table
  }

  get problems(): readonly Problem[] {
    return [...this.#mirror.problems, ...this.#problems]
  }

  async start(input: ProcessInput): Promise<ProcessRef> {
    return this.ref(((await this.#ask('POST', '/v1/processes', this.#bodyOf(input, null))) as ProcessRecord).id)
  }

  async update(id: string, input: ProcessInput): Promise<ProcessRecord> {
    return (await this.#ask('PUT', this.#path(id), this.#bodyOf(input, this.ref(id).id))) as ProcessRecord
  }

  launch(id: string, { force = false }: { readonly force?: boolean } = {}): Promise<ProcessRecord> {
    return this.#tell(id, 'launch', { force })
  }

  get(id: string): ProcessRecord {
    const { value, context } = this.ref(id).getSnapshot()
    return this.table.getSnapshot().context.processes.get(context.spec.id)?.get() ?? toRecord(value, context)
  }

  list(filter?: ListFilter): readonly ProcessRecord[] {
    return selectRecords(
      [...this.table.getSnapshot().context.processes.values()].map((atom) => atom.get()),
      filter,
    )
  }

  ref(id: string): ProcessRef {
    return this.#mirror.ref(id)
  }

  attach(id: string, options: AttachOptions = {}): Attachment {
    return this.#attach(id, options)
  }

  watch(id: string, options?: WatchOptions): LogLines
  watch(id: string, onLine: (line: LogLine) => void, options?: WatchOptions): Promise<void>
  watch(id: string, first?: WatchOptions | ((line: LogLine) => void), second: WatchOptions = {}): LogLines | Promise<void> {
    const options = typeof first === 'function' ? second : (first ?? {})
    const lines = linesOf(this.#attach(id, options), options)
    return typeof first === 'function' ? callForEach(lines, first) : lines
  }

  #attach(id: string, options: WatchOptions) {
    checkLogOptions(options)
    if (this.#isClosed) throw this.#closed()
    return this.#logs.attach(this.ref(id).id, options)
  }

  wait(id: string, options?: WaitOptions): Promise<ProcessRecord> {
    return this.waitFor(id, 'settled', options)
  }

  async waitFor(id: string, condition: WaitCondition, options: WaitOptions = {}): Promise<ProcessRecord> {
    return this.#waits.until(() => this.ref(id), condition, options)
  }

  stop(id: string, { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<ProcessRecord> {
    return this.#tell(id, 'stop', timeoutBody(timeoutMs))
  }

  cancel(id: string, options?: { readonly timeoutMs?: number }): Promise<ProcessRecord> {
    return this.stop(id, options)
  }

  restart(id: string, { force = false }: { readonly force?: boolean } = {}): Promise<ProcessRecord> {
    return this.#tell(id, 'restart', { force })
  }

  reset(id: string): Promise<ProcessRecord> {
    return this.#tell(id, 'reset', {})
  }

  async hold(id: string, reason: string | null): Promise<ProcessRecord> {
    mustBeReason(reason)
    return this.#tell(id, 'hold', { reason })
  }

  async signal(id: string, signal: string, { target = 'group' }: { readonly target?: 'group' | 'command' } = {}): Promise<void> {
    // Which ones there are is known where it is sent.
    if (typeof signal !== 'string') mustBeSignal(signal)
    await this.#tell(id, 'signal', { signal, target })
  }

  write(id: string, data: string | Uint8Array): Promise<void> {
    return this.#stdin.write(id, data)
  }

  closeStdin(id: string): Promise<void> {
    return this.#stdin.close(id)
  }

  async rotateLogs(id: string): Promise<void> {
    await this.#ask('POST', `${this.#path(id)}/logs/rotate`)
  }

  async clearLogs(id: string): Promise<void> {
    await this.#ask('POST', `${this.#path(id)}/logs/clear`)
  }

  async logPaths(id: string): Promise<LogPaths> {
    return ((await this.#ask('GET', `${this.#path(id)}/logs/files`)) as LogFiles).paths
  }

  async logStats(id: string): Promise<LogStats> {
    return ((await this.#ask('GET', `${this.#path(id)}/logs/files`)) as LogFiles).stats
  }

  async remove(id: string): Promise<void> {
    await this.#ask('DELETE', this.#path(id))
  }

  async cleanup({ olderThanMs = 0 }: { readonly olderThanMs?: number } = {}): Promise<readonly string[]> {
    mustBeDuration('olderThanMs', olderThanMs)
    return ((await this.#ask('POST', '/v1/cleanup', { older_than_ms: olderThanMs })) as { readonly removed: readonly string[] }).removed
  }

  async refresh(): Promise<readonly ProcessRecord[]> {
    return ((await this.#ask('POST', '/v1/refresh', {})) as { readonly processes: readonly ProcessRecord[] }).processes
  }

  async shutdown({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<void> {
    if (this.#isClosed) return
    await this.#ask('POST', '/v1/shutdown', timeoutBody(timeoutMs))
    await this.close()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#ended.abort()
    this.#connection.close()
    this.#mirror.close()
    await this.#link.close()
  }

  get #isClosed(): boolean {
    return this.#ended.signal.aborted
  }

  #tell(id: string, verb: string, body: object): Promise<ProcessRecord> {
    return this.#ask('POST', () => `${this.#path(id)}/${verb}`, body) as Promise<ProcessRecord>
  }

  /** Settles once what has become of it is shown in the mirror. */
  async #ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string | (() => string), body?: object): Promise<unknown> {
    if (this.#isClosed) throw this.#closed()
    const where = typeof path === 'string' ? path : path()
    let answer: Answer
    try {
      await this.#logs.opened()
      answer = await this.#link.ask(method, where, body, this.#connection.lost)
    } catch (error) {
      throw this.#isClosed ? this.#closed() : error
    }
    await this.#mirror.seen(answer.seen)
    return freeze(answer.data)
  }

  /** What can be no id would be another route: the mirror says what is wrong with it. */
  #path(id: string): string {
    if (typeof id !== 'string' || !/^\w[\w.-]{0,99}$/.test(id)) this.ref(id)
    return `/v1/processes/${encodeURIComponent(id)}`
  }

  #bodyOf(input: ProcessInput, id: string | null): object {
    const { cwd, env } = this.#caller
    return { ...toSendable(input, cwd, id), ...(env === undefined || input.inheritEnv === false ? {} : { callerEnv: env }) }
  }

  /** Nobody waits for what becomes of it. */
  async #send(id: string, event: ProcessCommand): Promise<void> {
    try {
      await this.#tell(id, 'send', { event: 'timeoutMs' in event && event.timeoutMs === Number.POSITIVE_INFINITY ? { ...event, timeoutMs: 'never' } : event })
    } catch (error) {
      if (!this.#isClosed) this.#trouble(id, `${event.type} was sent to process ${id} and has failed: ${messageOf(error)}`)
    }
  }

  #trouble(id: string | null, message: string): void {
    this.#problems.push({ id, path: null, message, atMs: Date.now(), times: 1 })
    if (this.#problems.length > 100) this.#problems.shift()
  }

  #closed(): ProcmanError {
    return new ProcmanError('PROCMAN_CLOSED', `the connection to the manager of ${this.stateDir} is closed`, { details: { stateDir: this.stateDir } })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
