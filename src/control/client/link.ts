/** Requests to a manager, on its Unix socket or at its address. */
import { connect as connectSocket, type Socket } from 'node:net'
import { Pool } from 'undici'
import { isProcmanError, ProcmanError } from '../../errors.ts'
import { API_VERSION, SEEN_HEADER, SOCKET_NAME, VERSION_HEADER } from '../contract.ts'
import { fromErrorBody } from '../errors.ts'
import { shortPathOf } from '../short-path.ts'
import { SILENCE_MS } from './sse.ts'

/** More at a time wait for their turn. Streams have connections of their own. */
const MOST_CONNECTIONS = 256
const CONNECT_MS = 10_000

export type Target = { readonly stateDir: string } | { readonly url: string; readonly token: string | undefined }

export interface Answer {
  readonly data: unknown
  /** Up to where the stream of events tells of what was changed; null: it does not tell. */
  readonly seen: string | null
}

export class Link {
  readonly #asking: Pool
  readonly #streaming: Pool
  readonly #target: Target
  readonly #headers: Readonly<Record<string, string>>

  /** @throws PROCMAN_INVALID_ARGUMENT */
  constructor(target: Target) {
    this.#target = target
    // No connection is kept for later: the manager may be another one by then.
    const options = { bodyTimeout: 0, pipelining: 0 }
    const connect = 'stateDir' in target ? connectorTo(target.stateDir) : { timeout: CONNECT_MS }
    const origin = 'stateDir' in target ? 'http://localhost' : originOf(target.url)
    // What is asked may take long; a stream begins at once.
    this.#asking = new Pool(origin, { ...options, headersTimeout: 0, connect, connections: MOST_CONNECTIONS })
    this.#streaming = new Pool(origin, { ...options, headersTimeout: SILENCE_MS, connect })
    this.#headers = { [VERSION_HEADER]: API_VERSION, ...('url' in target && target.token !== undefined ? { authorization: `Bearer ${target.token}` } : {}) }
  }

  /** @param signal aborted with the reason when there will be no answer. @throws what the manager answers, PROCMAN_MANAGER_UNREACHABLE */
  async ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object, signal?: AbortSignal): Promise<Answer> {
    try {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) }
      const headers = body === undefined ? this.#headers : { ...this.#headers, 'content-type': 'application/json' }
      const answer = await this.#asking.request({ method, path, headers, signal, ...sent })
      const data = parsed(await answer.body.text())
      if (answer.statusCode !== 200) throw fromErrorBody(data, answer.statusCode)
      const seen = answer.headers[SEEN_HEADER]
      return { data, seen: typeof seen === 'string' ? seen : null }
    } catch (error) {
      throw this.#told(error)
    }
  }

  /** @param lastEventId to go on behind it */
  async stream(path: string, lastEventId: string | null, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    try {
      const headers = lastEventId === null ? this.#headers : { ...this.#headers, 'last-event-id': lastEventId }
      const answer = await this.#streaming.request({ method: 'GET', path, headers, signal })
      if (answer.statusCode !== 200) throw fromErrorBody(parsed(await answer.body.text()), answer.statusCode)
      return answer.body
    } catch (error) {
      throw this.#told(error)
    }
  }

  /** Whatever is under way fails. */
  async close(): Promise<void> {
    await Promise.all([this.#asking.destroy(), this.#streaming.destroy()])
  }

  #told(error: unknown): unknown {
    if (isProcmanError(error)) return error
    const where = 'stateDir' in this.#target ? `of ${this.#target.stateDir}` : `at ${this.#target.url}`
    const whereabouts = 'stateDir' in this.#target ? { stateDir: this.#target.stateDir } : { url: this.#target.url }
    const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error) }
    return new ProcmanError('PROCMAN_MANAGER_UNREACHABLE', `the manager ${where} cannot be reached, or was lost: ${message}`, {
      details: { ...whereabouts, errno: typeof code === 'string' ? code : undefined },
      cause: error,
    })
  }
}

function connectorTo(stateDir: string) {
  return (_options: object, callback: (...args: [null, Socket] | [Error, null]) => void) => {
    try {
      const short = shortPathOf(stateDir, SOCKET_NAME)
      const socket = connectSocket(short.path)
      const failed = (error: Error) => {
        short.release()
        callback(error, null)
      }
      socket.once('error', failed)
      socket.once('connect', () => {
        socket.off('error', failed)
        short.release()
        callback(null, socket)
      })
    } catch (error) {
      callback(error as Error, null)
    }
  }
}

function originOf(url: string): string {
  const { protocol, origin, href } = URL.canParse(url) ? new URL(url) : { protocol: '', origin: '', href: '' }
  // A path, a name or a password would be passed over without a word.
  if ((protocol === 'http:' || protocol === 'https:') && href === `${origin}/`) return origin
  const shown = url.replace(/\/\/[^/]*@/, '//***@')
  throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', `the url of a manager is as http://127.0.0.1:50055, not ${JSON.stringify(shown)}`, {
    details: { url: shown },
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
