/** A supervisor, what serves it, and clients of it: ended with the test. */
import { type ClientRequest, type IncomingHttpHeaders, request } from 'node:http'
import { createParser } from 'eventsource-parser'
import { onTestFinished } from 'vitest'
import type { Supervisor } from '../../src/api.ts'
import { connect } from '../../src/control/connect.ts'
import type { ConnectOptions, ControlServer, RemoteSupervisor, ServeControlOptions } from '../../src/control/contract.ts'
import { serveControl } from '../../src/control/serve.ts'
import { aHome, type Home, until } from '../e2e/harness.ts'

export interface Served {
  readonly home: Home
  readonly supervisor: Supervisor
  readonly server: ControlServer
  readonly client: RemoteSupervisor
}

export async function served(options: Partial<ServeControlOptions> = {}, connectOptions: ConnectOptions = {}): Promise<Served> {
  const home = aHome()
  const supervisor = await home.supervisor()
  const server = await serveControl({ supervisor, ...options })
  const client = await connected({ stateDir: home.stateDir, ...connectOptions })
  onTestFinished(() => server.close())
  return { home, supervisor, server, client }
}

export async function connected(options: ConnectOptions): Promise<RemoteSupervisor> {
  const client = await connect(options)
  onTestFinished(() => client.close())
  return client
}

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: { readonly code?: string; readonly message?: string; readonly [name: string]: unknown }
}

export interface RawRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Text is sent as it is, anything else as JSON. */
  readonly body?: unknown
}

/** As curl asks. @param where the path of a socket, or host and port */
export function ask(
  where: string | { readonly host: string; readonly port: number },
  path: string,
  { method = 'GET', headers = {}, body }: RawRequest = {},
): Promise<RawAnswer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const type = text === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const target = typeof where === 'string' ? { socketPath: where } : where
    const sent = request({ ...target, path, method, headers: { ...type, ...headers } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const answer = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: answer, json: parsed(answer) })
      })
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(text)
  })
}

function parsed(text: string): RawAnswer['json'] {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

export interface StreamedEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: Record<string, unknown>
}

/** A stream of events, read as it comes. */
export class Stream {
  readonly events: StreamedEvent[] = []
  readonly ended: Promise<void>
  readonly #request: ClientRequest

  constructor(socketPath: string, path: string, headers: Readonly<Record<string, string>> = {}) {
    const parser = createParser({ onEvent: ({ event = '', id, data }) => this.events.push({ event, id, data: JSON.parse(data) }) })
    this.#request = request({ socketPath, path, headers })
    this.ended = new Promise((resolve) => {
      this.#request.on('response', (response) =>
        response
          .on('data', (chunk: Buffer) => parser.feed(chunk.toString()))
          .on('error', () => {})
          .on('close', () => resolve()),
      )
      this.#request.on('error', () => resolve())
    })
    this.#request.end()
    onTestFinished(() => this.close())
  }

  names(): readonly string[] {
    return this.events.map(({ event }) => event)
  }

  until(what: string, holds: (events: readonly StreamedEvent[]) => boolean): Promise<unknown> {
    return until(what, () => holds(this.events))
  }

  close(): void {
    this.#request.destroy()
  }
}
