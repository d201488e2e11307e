/** Collectors on supervisors of their own, and receivers that do as they are told. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { ProcessInput, Supervisor } from '../../src/api.ts'
import { type CollectLogsOptions, type Collector, collectLogs, type LogRecord } from '../../src/collect.ts'

/** Closed with the test. */
export function collecting(supervisor: Supervisor, options: CollectLogsOptions): Collector {
  const collector = collectLogs(supervisor, options)
  onTestFinished(() => collector.close())
  return collector
}

/** A process that prints what it is told to. */
export const ECHO: ProcessInput = { id: 'echo', command: 'cat', stdin: 'pipe' }

export interface Sink {
  readonly records: LogRecord[]
  readonly messages: () => readonly string[]
  readonly deliver: (records: readonly LogRecord[]) => unknown
}

/** A function target that remembers. */
export function sink(then: (records: readonly LogRecord[]) => unknown = () => {}): Sink {
  const records: LogRecord[] = []
  return {
    records,
    messages: () => records.map(({ msg }) => msg),
    deliver: async (more) => {
      await then(more)
      records.push(...more)
    },
  }
}

export interface HttpReceiver {
  readonly url: string
  readonly requests: { readonly headers: IncomingMessage['headers']; readonly path: string; readonly body: string }[]
}

/** A server that answers each request as it is told: with a status, in its own way, or never (null). Without a word for it: 200. */
export async function httpReceiver(...answers: readonly (number | null | ((response: ServerResponse) => void))[]): Promise<HttpReceiver> {
  const requests: HttpReceiver['requests'] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const answer = answers[requests.length]
    requests.push({ headers: request.headers, path: request.url ?? '', body })
    if (answer === null) return
    if (typeof answer === 'function') answer(response)
    else response.writeHead(answer ?? 200).end()
  })
  await listening(server, 0)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

/** @param where 0: any port; a number; a path */
export async function listening(server: Server | ReturnType<typeof createSocketServer>, where: number | string): Promise<void> {
  await new Promise<void>((resolve) => (typeof where === 'number' ? server.listen(where, '127.0.0.1', resolve) : server.listen(where, resolve)))
  onTestFinished(() => {
    server.close()
    if ('closeAllConnections' in server) server.closeAllConnections()
  })
}

export class StreamReceiver {
  readonly server = createSocketServer((socket) => this.#take(socket))
  readonly sockets: Socket[] = []
  text = ''

  static async on(where: number | string): Promise<StreamReceiver> {
    const receiver = new StreamReceiver()
    await listening(receiver.server, where)
    onTestFinished(() => receiver.drop())
    return receiver
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** By their lengths. */
  messages(): readonly string[] {
    const found: string[] = []
    for (let rest = Buffer.from(this.text); rest.length > 0; ) {
      const space = rest.indexOf(' ')
      const end = space + 1 + Number(rest.toString('utf8', 0, space))
      found.push(rest.toString('utf8', space + 1, end))
      rest = rest.subarray(end)
    }
    return found
  }

  drop(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  #take(socket: Socket): void {
    this.sockets.push(socket)
    socket.setEncoding('utf8').on('data', (text) => {
      this.text += text
    })
    socket.on('error', () => {})
  }
}
