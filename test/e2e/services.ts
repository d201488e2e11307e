/** Services for tests: a server that a file steers, and one of the test itself that probes of any process may ask. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:net'
import type { HttpProbeInput, ProbeInput, ProcessInput, ProcessRef, Supervisor } from '../../src/api.ts'
import type { ProcessEmitted } from '../../src/machines/process/events.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { listen, type Served, serve } from '../effects/probe/harness.ts'
import { fixture, type Home, until } from './harness.ts'

/** What a server does with a path. Default: 200 at once. */
export interface Rule {
  readonly status?: number
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly afterMs?: number
  readonly hang?: true
  /** Ends with that code instead of an answer. */
  readonly exit?: number
  /** In that run only. */
  readonly run?: number
}

export interface Asked {
  readonly atMs: number
  readonly path: string
  /** Counted from 1, in each run. */
  readonly connection: number
  /** How many were being answered, this one too. */
  readonly active: number
  readonly run: number
}

/** `test/fixtures/server.mjs` as a process with a port: its steering outlives its runs and its managers. */
export class Service {
  readonly id: string
  readonly #home: Home
  readonly #steering: string
  readonly #requests: string

  constructor(home: Home, id = 'web') {
    this.id = id
    this.#home = home
    this.#steering = home.path(`${id}.steering`)
    this.#requests = `${id}.requests`
  }

  input(more: Partial<ProcessInput> = {}): ProcessInput {
    const args = [fixture('server.mjs'), this.#steering, this.#home.path(this.#requests)]
    return { id: this.id, command: process.execPath, args, ports: { http: 'any' }, ...more }
  }

  steer(rules: Readonly<Record<string, Rule>>): void {
    writeFileSync(`${this.#steering}.new`, JSON.stringify(rules))
    renameSync(`${this.#steering}.new`, this.#steering)
  }

  asked(path?: string): readonly Asked[] {
    const lines = this.#home.text(this.#requests).split('\n').slice(0, -1)
    return lines.map((line): Asked => JSON.parse(line)).filter((each) => path === undefined || each.path === path)
  }
}

export interface Peer extends Served {
  readonly url: (path: string) => string
  /** By path. To be changed at any time. */
  readonly rules: Record<string, Rule>
  readonly asked: (Omit<Asked, 'run'> & { readonly headers: IncomingHttpHeaders })[]
}

/** A server of the test, that answers as it is told. */
export async function aPeer(rules: Record<string, Rule> = {}, host?: string): Promise<Peer> {
  const asked: Peer['asked'][number][] = []
  let active = 0
  const served = await serve((request, response) => {
    const path = request.url ?? ''
    const { status = 200, body = 'ok', headers = {}, afterMs = 0, hang = false } = rules[path] ?? {}
    active += 1
    response.once('close', () => {
      active -= 1
    })
    const connection = served.connections.indexOf(request.socket) + 1
    asked.push({ atMs: Date.now(), path, connection, active, headers: request.headers })
    if (!hang) setTimeout(() => response.writeHead(status, headers).end(body), afterMs)
  }, host)
  return { ...served, rules, asked, url: (path) => `http://${host === '::1' ? '[::1]' : '127.0.0.1'}:${served.port}${path}` }
}

/** Asked often, so that tests are quick. */
export const often = { intervalMs: 30, startIntervalMs: 30 } as const

export function http(check: string | HttpProbeInput, more: Omit<Partial<ProbeInput>, 'http'> = {}): ProbeInput {
  return { ...often, ...more, http: check } as ProbeInput
}

/** At a path of the process's own port. */
export const at = (path: string, more: Omit<Partial<ProbeInput>, 'http'> = {}): ProbeInput => http({ path }, more)

/** All that a process emits from now on. */
export function eventsOf(ref: ProcessRef): ProcessEmitted[] {
  const events: ProcessEmitted[] = []
  ref.on('*', (event) => events.push(event))
  return events
}

/** Waits until the record is as asked. */
export async function recordWhen(supervisor: Supervisor, id: string, what: string, holds: (record: ProcessRecord) => boolean): Promise<ProcessRecord> {
  return until(`process ${id}: ${what}`, () => {
    const record = supervisor.list().find((each) => each.id === id)
    return record !== undefined && holds(record) && record
  })
}

export const isState = (supervisor: Supervisor, id: string, state: ProcessRecord['state'], run?: number): Promise<ProcessRecord> =>
  recordWhen(supervisor, id, `is ${state}${run === undefined ? '' : ` in run ${run}`}`, (now) => now.state === state && (run === undefined || now.run === run))

/** The snapshot that is on disk; null: none. */
export function snapshotOnDisk(home: Home, id: string) {
  const path = home.jobFile(id, 'state.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).snapshot : null
}

/** A range of so many ports that are all free now, below those that the system gives out. */
export async function freeRange(count: number): Promise<readonly [number, number]> {
  for (;;) {
    const from = 12_000 + Math.floor(Math.random() * 18_000)
    const ports = Array.from({ length: count }, (_, step) => from + step)
    const free = await Promise.all(ports.map(isFree))
    if (free.every(Boolean)) return [from, from + count - 1]
  }
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}

/** Somebody else listens on the port, until the test is over. */
export const occupy = (port: number) => listen(createServer(), '0.0.0.0', port)
