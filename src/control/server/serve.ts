/** The listeners around the routes: the Unix socket in the state directory, and a TCP port where one is asked for. */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { ProcmanError } from '../../errors.ts'
import { API_VERSION, type ControlLog, type ControlServer, type ListenOptions, type ServeControlOptions, VERSION_HEADER } from '../contract.ts'
import { statusOf, toErrorBody } from '../errors.ts'
import { createApp } from './app.ts'
import { Feed } from './feed.ts'
import { refusalOf, SHOWN_CHARS } from './gate.ts'
import { inTurn } from './in-turn.ts'
import { LocalSocket, listen } from './socket.ts'
import { EventStreams } from './sse.ts'

/** Of a request's first line and headers. */
const HEADER_BYTES = 16 * 1024
/** For the headers, and for a whole request; an answer may take as long as it takes. */
const HEADERS_MS = 10_000
const REQUEST_MS = 30_000
/** How often it is looked who has taken longer. */
const CHECK_MS = 5_000
/** Over TCP. On the Unix socket are programs of the owner only. */
const MOST_CONNECTIONS = 256
/** What is being answered when the server closes has so long. */
const CLOSING_MS = 2_000
const LOOPBACK = ['127.0.0.1', 'localhost', '::1']
const SHORTEST_TOKEN = 16

export async function serve(options: ServeControlOptions): Promise<ControlServer> {
  const { supervisor, manager, log } = options
  mustBeListen(options.listen)
  if (!supervisor.actor.getSnapshot().hasTag('open'))
    throw new ProcmanError('PROCMAN_CLOSED', `the supervisor of ${supervisor.stateDir} is closed or shutting down`, {
      details: { stateDir: supervisor.stateDir },
    })
  const feed = new Feed(supervisor)
  const streams = new EventStreams(() => feed.lookAtProblems())
  const servers: Server[] = []
  const app = await createApp({ supervisor, manager, feed, streams, end: () => void end() }, log)
  const open = (listener: RequestListener) => {
    const server = limited(listener)
    servers.push(server)
    return server
  }
  const socket = new LocalSocket(supervisor.stateDir, () => open(app.routing))
  const end = once(async () => {
    socket.remove()
    streams.close()
    feed.close()
    await Promise.all(servers.map(closeServer))
    await app.close()
  })
  try {
    const address = options.listen === undefined ? null : await listenOnPort(open, options.listen, app.routing, log)
    await socket.listen()
    log?.info({ event: 'control.listening', socket: socket.path, ...address }, 'control API listening')
    // It ends with its supervisor, whoever closes that.
    supervisor.actor.subscribe({ complete: () => void end() })
    return { socketPath: socket.path, address, close: end }
  } catch (error) {
    await end()
    throw error
  }
}

function once(act: () => Promise<void>): () => Promise<void> {
  let acting: Promise<void> | undefined
  return () => {
    acting ??= act()
    return acting
  }
}

function limited(listener: RequestListener): Server {
  const server = createServer(
    { maxHeaderSize: HEADER_BYTES, headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: CHECK_MS, keepAlive: true },
    inTurn(listener),
  )
  server.on('clientError', answerGarbage)
  return server
}

async function listenOnPort(
  open: (listener: RequestListener) => Server,
  options: ListenOptions,
  routing: RequestListener,
  log: ControlLog | undefined,
): Promise<ControlServer['address']> {
  const { host = '127.0.0.1', port: wanted } = options
  let port = wanted
  const server = open((request, response) => {
    const { method, headers } = request
    const refusal = refusalOf({ method, host: headers.host, origin: headers.origin, authorization: headers.authorization }, port, options)
    if (refusal === null) return routing(request, response)
    // Somebody may have written his token into the query.
    const url = request.url?.split('?', 1)[0]?.slice(0, SHOWN_CHARS)
    log?.warn({ event: 'control.refused', code: refusal.code, method, url }, refusal.message)
    refuse(response, refusal)
  })
  server.maxConnections = MOST_CONNECTIONS
  try {
    await listen(server, { host, port: wanted })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'something else listens there' : String(code)
    throw new ProcmanError('PROCMAN_PORT_UNAVAILABLE', `the control API cannot listen on port ${wanted} of ${host}: ${why}`, {
      details: { host, port: wanted, errno: code },
      cause: error,
    })
  }
  port = (server.address() as AddressInfo).port
  return { host, port }
}

/** The rest of what was sent is not read. */
function refuse(response: ServerResponse, error: ProcmanError): void {
  const challenge = error.code === 'PROCMAN_UNAUTHORIZED' ? { 'www-authenticate': 'Bearer' } : {}
  response.writeHead(statusOf(error.code), { 'content-type': 'application/json', connection: 'close', [VERSION_HEADER]: API_VERSION, ...challenge })
  response.end(JSON.stringify(toErrorBody(error)))
}

function answerGarbage(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const [status, what] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', `the headers have more than ${HEADER_BYTES} bytes`]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'the request did not come in time']
        : ['400 Bad Request', 'this is no HTTP request']
  const body = JSON.stringify(toErrorBody(new ProcmanError('PROCMAN_INVALID_ARGUMENT', what)))
  socket.end(`HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) {
      server.closeAllConnections()
      return resolve()
    }
    const timer = setTimeout(() => server.closeAllConnections(), CLOSING_MS)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}

function mustBeListen(options: ListenOptions | undefined): void {
  if (options === undefined) return
  const { host = '127.0.0.1', port, token, readToken } = options
  const refuse = (message: string) => {
    throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', message, { details: { host, port } })
  }
  if (!LOOPBACK.includes(host))
    refuse(
      `the control API listens on this machine only (${LOOPBACK.join(', ')}), not on ${JSON.stringify(host)}: from elsewhere use ssh -L ${port}:127.0.0.1:${port}, or a reverse proxy`,
    )
  if (!Number.isInteger(port) || port < 0 || port > 65_535) refuse(`the port to listen on must be a whole number, 0 to 65535, not ${JSON.stringify(port)}`)
  for (const each of readToken === undefined ? [token] : [token, readToken])
    if (typeof each !== 'string' || each.length < SHORTEST_TOKEN)
      refuse(`the control API listens on a port only with tokens of at least ${SHORTEST_TOKEN} characters`)
  if (readToken === token) refuse('the token for reading is the token for everything: whoever is to look only would be allowed everything')
}
