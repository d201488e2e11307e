/**
 * A state directory of its own for each test, supervisors and managers on it, and what the OS says. Afterwards nothing that carries a token of the
 * directory may be left; a failure shows the logs of all its processes.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { ProcessInput, ProcessRef, Supervisor, SupervisorOptions } from '../../src/api.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { createSupervisor } from '../../src/supervisor.ts'

export const DIST = new URL('../../dist/index.js', import.meta.url).href

export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
}

/** Waits for a fact: looks every few ms, less often at what is dear to look at, and fails after 15 s with what it waited for. */
export async function until<T>(what: string, look: () => T | undefined | false | null): Promise<T> {
  for (const giveUpAtMs = Date.now() + 15_000; ; ) {
    const begunAt = performance.now()
    const seen = look()
    if (seen !== undefined && seen !== false && seen !== null) return seen
    if (Date.now() > giveUpAtMs) throw new Error(`never came true: ${what}`)
    await pause(Math.max(4, 4 * (performance.now() - begunAt)))
  }
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** There and not a zombie. */
export function lives(pid: number | null): boolean {
  const state = stateOf(pid)
  return state !== null && state !== 'Z' && state !== 'X'
}

/** The letter of /proc/PID/stat; null when there is no such process. */
export function stateOf(pid: number | null): string | null {
  if (pid === null) return null
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat[stat.lastIndexOf(')') + 2] ?? null
  } catch {
    return null
  }
}

/** Field 22 of /proc/PID/stat. */
export function startOf(pid: number | null): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

export function kill(pid: number | null | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid === null || pid === undefined || pid < 2) throw new Error(`there is no pid to send ${signal} to: ${pid}`)
  process.kill(pid, signal)
}

/** One that is killed may take another with it. */
export function killIfThere(pid: number): void {
  try {
    kill(pid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

export interface Stray {
  readonly pid: number
  readonly token: string
}

export class Home {
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), 'procman-e2e-')))
  readonly stateDir = join(this.dir, 'state')
  readonly #supervisors = new Set<Supervisor>()
  readonly #managers = new Set<Manager>()

  /** The supervisor is closed at the end of the test, what it has running is killed. */
  async supervisor(options: SupervisorOptions = {}): Promise<Supervisor> {
    const supervisor = await createSupervisor({ stateDir: this.stateDir, ...options })
    this.#supervisors.add(supervisor)
    return supervisor
  }

  /** A manager in a process of its own, that can be killed. */
  async manager(options: SupervisorOptions = {}, how: ManagerProgram = {}): Promise<Manager> {
    const manager = new Manager({ stateDir: this.stateDir, ...options }, how)
    this.#managers.add(manager)
    await manager.ready
    return manager
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  jobFile(id: string, name: string): string {
    return join(this.stateDir, 'jobs', id, name)
  }

  keeperPid(id: string, run = 1): number {
    return JSON.parse(readFileSync(this.jobFile(id, `run-${run}.claim`), 'utf8')).pid
  }

  ids(): readonly string[] {
    return existsSync(join(this.stateDir, 'jobs')) ? readdirSync(join(this.stateDir, 'jobs')).sort() : []
  }

  text(name: string): string {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), 'utf8') : ''
  }

  /** Whatever runs with a token of this directory, known to anybody or not. */
  strays(): readonly Stray[] {
    const prefix = `PROCMAN_TOKEN=${createHash('sha256').update(this.stateDir).digest('hex').slice(0, 16)}.`
    return pids().flatMap((pid) => {
      const field = environmentOf(pid).find((each) => each.startsWith(prefix))
      return field === undefined || !lives(pid) ? [] : [{ pid, token: field.slice('PROCMAN_TOKEN='.length) }]
    })
  }

  keepers(): readonly number[] {
    return pids().filter((pid) => lives(pid) && workDirOf(pid).startsWith(this.stateDir))
  }

  logs(): string {
    const jobs = join(this.stateDir, 'jobs')
    return this.ids()
      .flatMap((id) => ['state.json', 'stdout.log', 'stderr.log'].map((name) => [`${id}/${name}`, join(jobs, id, name)] as const))
      .filter(([, path]) => existsSync(path))
      .map(([name, path]) => `--- ${name}\n${readFileSync(path, 'utf8').slice(-2_000)}`)
      .join('\n')
  }

  /** Stops everything the polite way; kills what is left; tells what that was. */
  async end(): Promise<void> {
    for (const manager of this.#managers) await manager.kill()
    for (const supervisor of this.#supervisors) await supervisor.close()
    const last = await createSupervisor({ stateDir: this.stateDir, lockTimeoutMs: 2_000 })
    await last.shutdown({ timeoutMs: 0 })
    const quiet = () => this.strays().length === 0 && this.keepers().length === 0
    for (let tries = 0; tries < 500 && !quiet(); tries++) await pause(10)
    const [strays, keepers] = [this.strays(), this.keepers()]
    for (const pid of [...strays.map((stray) => stray.pid), ...keepers]) killIfThere(pid)
    this.remove()
    if (strays.length + keepers.length > 0) throw new Error(`left behind: ${JSON.stringify({ strays, keepers })}`)
  }

  protected remove(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** How a manager is run: another script of test/fixtures, another Node. */
export interface ManagerProgram {
  readonly script?: string
  /** How Node is called. */
  readonly node?: readonly string[]
}

/** A fresh directory for the test that is going on. */
export function aHome(): Home {
  return forThisTest(new Home())
}

/** Ended with the test that is going on. When that failed, its logs are told before they are removed. */
export function forThisTest<H extends Home>(home: H): H {
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(home.logs())
    await home.end()
  })
  return home
}

/** Drives `test/fixtures/manager.mjs`: a supervisor in another process. */
export class Manager {
  readonly child: ChildProcess
  readonly ready: Promise<unknown>
  /** Resolves when it is gone. */
  readonly exited: Promise<void>
  readonly #answers = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #next = 0

  constructor(options: SupervisorOptions, { script = 'manager.mjs', node = [process.execPath] }: ManagerProgram = {}) {
    const [command = '', ...args] = [...node, fixture(script), DIST, JSON.stringify(options)]
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.child = child
    this.ready = this.#answer(0)
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { request, value, error } = JSON.parse(line)
      const answer = this.#answers.get(request)
      if (error === undefined) answer?.resolve(value)
      else answer?.reject(Object.assign(new Error(error.message), error))
    })
    child.stdin.on('error', () => {})
    this.exited = new Promise((resolve) => child.once('exit', () => resolve()))
    // After all that it had answered, and after those who wait for its end themselves.
    child.once('close', () =>
      setImmediate(() => this.#abandonCalls(`the manager is gone (${child.signalCode ?? `code ${child.exitCode}`}), and has not answered`)),
    )
  }

  /** Calls a method of the supervisor there. `start` answers with the record. */
  call<T = ProcessRecord>(method: keyof Supervisor, ...args: readonly unknown[]): Promise<T> {
    const request = ++this.#next
    this.child.stdin?.write(`${JSON.stringify({ request, method, args })}\n`)
    return this.#answer(request) as Promise<T>
  }

  #answer(request: number): Promise<unknown> {
    const answered = new Promise((resolve, reject) => this.#answers.set(request, { resolve, reject }))
    // Who kills a manager in the middle of a call may not wait for its answer.
    answered.catch(() => {})
    return answered
  }

  #abandonCalls(why: string): void {
    for (const { reject } of this.#answers.values()) reject(new Error(why))
  }

  start(input: ProcessInput): Promise<ProcessRecord> {
    return this.call('start', input)
  }

  /** kill -9. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exited
  }
}

/** A shell that does what is written to its stdin. */
export function obedient(more: Partial<ProcessInput> = {}): ProcessInput {
  return { command: 'sh', args: ['-c', 'while read -r line; do eval "$line"; done'], stdin: 'pipe', stop: { timeoutMs: 400 }, ...more }
}

export function sh(script: string, more: Partial<ProcessInput> = {}): ProcessInput {
  return { command: 'sh', args: ['-c', script], ...more }
}

export function sleeper(more: Partial<ProcessInput> = {}): ProcessInput {
  return { command: 'sleep', args: ['600'], ...more }
}

/** All that a process has written, once it has ended. */
export async function outputOf(supervisor: Supervisor, id: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
  const bytes: Buffer[] = []
  for await (const chunk of supervisor.attach(id, { stdout: stream === 'stdout', stderr: stream === 'stderr' })) bytes.push(chunk.data)
  return Buffer.concat(bytes).toString()
}

export function inState(ref: ProcessRef, state: ProcessRecord['state']): Promise<unknown> {
  return until(`process ${ref.id} is ${state}`, () => ref.getSnapshot().value === state)
}

export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string; details?: Record<string, unknown> }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('it was expected to fail')
}

/** The record, when what it claims is what the OS says; else throws. */
export function agreed(record: ProcessRecord): ProcessRecord {
  const isUp = record.state === 'running' || record.state === 'unhealthy'
  if (isUp && !lives(record.pid)) throw new Error(`process ${record.id} is ${record.state}, but its pid ${record.pid} is not there`)
  if (!isUp && record.state !== 'stopping' && record.state !== 'starting' && record.pid !== null)
    throw new Error(`process ${record.id} is ${record.state} and has pid ${record.pid}`)
  return record
}

function pids(): readonly number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    return []
  }
}

function workDirOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}
