/** A supervisor in another program, with the interface of one in this. Asking goes by requests, looking by the mirror. */
import { Buffer } from 'node:buffer'
import type { Attachment, AttachOptions, ListFilter, LogLine, LogLines, Problem, ProcessInput, ProcessRef, WaitOptions } from '../../api.ts'
import { holds, isHopeless, mustBeCondition, notReady, tooLate, type WaitCondition } from '../../conditions.ts'
import { ProcmanError } from '../../errors.ts'
import { callForEach, checkTail, LogAttachment, linesOf } from '../../logs.ts'
import { type ActorSnapshot, type ProcessCommand, type ProcessRecord, toRecord, until } from '../../process.ts'
import { resolveId, selectRecords } from '../../select.ts'
import { mustBeDuration } from '../../timers.ts'
import type { RemoteManager, RemoteSupervisor } from '../contract.ts'
import { Connection } from './connection.ts'
import { toSendable } from './input.ts'
import type { Answer, Link } from './link.ts'
import { Mirror } from './mirror.ts'
import { RemoteChunks } from './remote-chunks.ts'
import { remoteManager } from './remote-manager.ts'
import { timeoutBody } from './timeout.ts'

/** Written to stdin at a time, so that no request is too large. */
const PIECE_BYTES = 256 * 1024

export interface Caller {
  /** What a relative working directory starts from; null: the manager's. */
  readonly cwd: string | null
  readonly env: Readonly<Record<string, string | undefined>> | undefined
}

export class RemoteHandle implements RemoteSupervisor {
  readonly stateDir: string
  readonly manager: RemoteManager
  readonly #link: Link
  readonly #caller: Caller
  readonly #mirror: Mirror
  readonly #connection: Connection
  readonly #problems: Problem[] = []
  readonly #writing = new Map<string, Promise<unknown>>()
  /** Readers of logs that are to begin where the logs are now: what is asked after them must not come before. */
  readonly #opening = new Set<Promise<unknown>>()
  readonly #ended = new AbortController()
  #lost = new AbortController()
  #isClosed = false

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
      event: (event, id) => {
        if (this.#lost.signal.aborted) this.#lost = new AbortController()
        this.#mirror.apply(event, id)
      },
      lost: () => {
        this.#lost.abort()
        this.#mirror.forgetWaits()
      },
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
    return this.ref(((await this.#ask('POST', '/v1/processes', this.#bodyOf(input))) as ProcessRecord).id)
  }

  async update(id: string, input: ProcessInput): Promise<ProcessRecord> {
    return (await this.#ask('PUT', this.#path(id), this.#bodyOf(input))) as ProcessRecord
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
    const known = resolveId(
      id,
      (each) => this.#mirror.ref(each) !== undefined,
      () => this.#mirror.ids(),
    )
    const ref = this.#mirror.ref(known)
    if (ref === undefined) throw new Error(`internal: process ${known} is known and has no ref`)
    return ref
  }

  attach(id: string, options: AttachOptions = {}): Attachment {
    return this.#attach(id, options)
  }

  watch(id: string, options?: AttachOptions): LogLines
  watch(id: string, onLine: (line: LogLine) => void, options?: AttachOptions): Promise<void>
  watch(id: string, first?: AttachOptions | ((line: LogLine) => void), second: AttachOptions = {}): LogLines | Promise<void> {
    const options = typeof first === 'function' ? second : (first ?? {})
    const lines = linesOf(this.#attach(id, options), options.from)
    return typeof first === 'function' ? callForEach(lines, first) : lines
  }

  #attach(id: string, options: AttachOptions): LogAttachment {
    checkTail(options.tail ?? Number.POSITIVE_INFINITY)
    if (this.#isClosed) throw this.#closed()
    const signal = options.signal === undefined ? this.#ended.signal : AbortSignal.any([options.signal, this.#ended.signal])
    const chunks = new RemoteChunks(this.#link, this.ref(id).id, { ...options, signal })
    const { opened } = chunks
    this.#opening.add(opened)
    void opened.then(() => this.#opening.delete(opened))
    return new LogAttachment(chunks)
  }

  async wait(id: string, options: WaitOptions = {}): Promise<ProcessRecord> {
    mustBeDuration('timeoutMs', options.timeoutMs)
    return recordOf(await this.#until(this.ref(id), (snapshot) => snapshot.hasTag('settled'), options))
  }

  async waitFor(id: string, condition: WaitCondition, options: WaitOptions = {}): Promise<ProcessRecord> {
    mustBeCondition(condition)
    mustBeDuration('timeoutMs', options.timeoutMs)
    const isOver = (snapshot: ActorSnapshot) => holds(recordOf(snapshot), condition) || isHopeless(recordOf(snapshot), condition)
    const found = recordOf(await this.#until(this.ref(id), isOver, options, (snapshot, timeoutMs) => tooLate(recordOf(snapshot), condition, timeoutMs)))
    if (!holds(found, condition)) throw notReady(found, condition)
    return found
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

  hold(id: string, reason: string | null): Promise<ProcessRecord> {
    return this.#tell(id, 'hold', { reason })
  }

  async signal(id: string, signal: string, { target = 'group' }: { readonly target?: 'group' | 'command' } = {}): Promise<void> {
    await this.#tell(id, 'signal', { signal, target })
  }

  async write(id: string, data: string | Uint8Array): Promise<void> {
    const bytes = Buffer.from(data as Uint8Array)
    await this.#inTurn(id, async () => {
      for (let from = 0; from === 0 || from < bytes.length; from += PIECE_BYTES)
        await this.#tell(id, 'stdin', { data: bytes.toString('base64', from, Math.min(from + PIECE_BYTES, bytes.length)), encoding: 'base64' })
    })
  }

  async closeStdin(id: string): Promise<void> {
    await this.#inTurn(id, () => this.#tell(id, 'stdin', { close: true }))
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
    this.#isClosed = true
    this.#ended.abort()
    this.#connection.close()
    this.#mirror.close()
    await this.#link.close()
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
      if (this.#opening.size > 0) await Promise.all(this.#opening)
      answer = await this.#link.ask(method, where, body)
    } catch (error) {
      throw this.#isClosed ? this.#closed() : error
    }
    await this.#mirror.seen(answer.seen)
    return answer.data
  }

  /** What can be no id would be another route: the mirror says what is wrong with it. */
  #path(id: string): string {
    if (typeof id !== 'string' || !/^\w[\w.-]{0,99}$/.test(id)) this.ref(id)
    return `/v1/processes/${encodeURIComponent(id)}`
  }

  #bodyOf(input: ProcessInput): object {
    const { cwd, env } = this.#caller
    return { ...toSendable(input, cwd), ...(env === undefined || input.inheritEnv === false ? {} : { callerEnv: env }) }
  }

  async #until(...[ref, isOver, options, describe]: Parameters<typeof until>): Promise<ActorSnapshot> {
    const { signal: lost } = this.#lost
    const signal = options?.signal === undefined ? lost : AbortSignal.any([options.signal, lost])
    try {
      return await until(ref, isOver, { ...options, signal }, describe)
    } catch (error) {
      if (lost.aborted && options?.signal?.aborted !== true && !this.#isClosed)
        throw new ProcmanError('PROCMAN_MANAGER_UNREACHABLE', `the manager of ${this.stateDir} was lost while process ${ref.id} was waited for`, {
          details: { id: ref.id, stateDir: this.stateDir },
          cause: error,
        })
      throw error
    }
  }

  /** Pieces of one write are not mixed with those of another. */
  async #inTurn(id: string, act: () => Promise<unknown>): Promise<void> {
    const turn = (this.#writing.get(id) ?? Promise.resolve()).then(act, act)
    this.#writing.set(id, turn)
    try {
      await turn
    } finally {
      if (this.#writing.get(id) === turn) this.#writing.delete(id)
    }
  }

  /** Nobody waits for what becomes of it. */
  async #send(id: string, event: ProcessCommand): Promise<void> {
    try {
      await this.#tell(id, 'send', { event })
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

function recordOf({ value, context }: ActorSnapshot): ProcessRecord {
  return toRecord(value, context)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
