/** Servers and checkers of a test, closed when it is over, and certificates as openssl makes them. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer, type ServerOptions } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type CheckAnswer, type Checker, type CheckerPorts, createChecker } from '../../../src/effects/probe/checker.ts'
import type { ProbeCheck } from '../../../src/types.ts'

export const PASSES = { cause: null, body: null }
export const fails = (cause: string): CheckAnswer => ({ cause, body: null })

export interface Served {
  readonly port: number
  readonly server: Server
  /** All so far, closed ones too. */
  readonly connections: readonly Socket[]
}

/** Listens on 127.0.0.1, at any port, unless told otherwise. */
export async function listen(server: Server, host = '127.0.0.1', port = 0): Promise<Served> {
  const connections: Socket[] = []
  server.on('connection', (socket: Socket) => connections.push(socket.on('error', () => {})))
  server.listen(port, host)
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of connections) socket.destroy()
    if (server.listening) await new Promise((closed) => server.close(closed))
  })
  return { port: (server.address() as AddressInfo).port, server, connections }
}

export const serve = (answer: RequestListener, host?: string, port?: number) => listen(createServer(answer), host, port)

export const serveSecurely = (options: ServerOptions, answer: RequestListener, host?: string) => listen(createSecureServer(options, answer), host)

export const serveTcp = (accept: (socket: Socket) => void, host?: string, port?: number) => listen(createTcpServer(accept), host, port)

/** A port that was free just now. */
export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}

export function checkerOf(check: ProbeCheck, ports: Partial<CheckerPorts> = {}): Checker {
  const checker = createChecker(check, {
    cwd: process.cwd(),
    env: () => ({ PATH: process.env.PATH ?? '' }),
    probeFunction: () => undefined,
    guard: () => null,
    about: { id: 'web', run: 3 },
    ...ports,
  })
  onTestFinished(() => checker.close())
  return checker
}

export const never = () => new AbortController().signal

export const ask = (checker: Checker, timeoutMs = 20_000, signal = never()) => checker.check(timeoutMs, signal)

/** Asks once. */
export const answerTo = (check: ProbeCheck, timeoutMs?: number) => ask(checkerOf(check), timeoutMs)

export function http(url: string, more: Partial<Extract<ProbeCheck, { kind: 'http' }>> = {}): ProbeCheck {
  return { kind: 'http', url, method: 'GET', headers: {}, status: [[200, 200]], tls: {}, ...more }
}

export interface Pems {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

export interface Certificates {
  readonly dir: string
  readonly ca: Pems
  /** Signed by `ca`. @param names as `DNS:localhost,IP:127.0.0.1` */
  signed(name: string, names: string): Pems
  selfSigned(name: string, names: string): Pems
  /** Signed by itself, good until yesterday. */
  expired(name: string, names: string): Pems
  remove(): void
}

/** 3.0 and newer: earlier ones make certificates in other ways. */
export function hasOpenssl(): boolean {
  try {
    return / 3\./.test(execFileSync('openssl', ['version'], { encoding: 'utf8' }))
  } catch {
    return false
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

export function certificates(): Certificates {
  const dir = mkdtempSync(join(tmpdir(), 'procman-tls-'))
  const file = (name: string) => join(dir, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
  const pems = (name: string): Pems => {
    const [certFile, keyFile] = [file(`${name}.crt`), file(`${name}.key`)]
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
  }
  const make = (name: string, names: string, ...by: string[]) => {
    const alt = ['-addext', `subjectAltName=${names}`]
    openssl('req', '-x509', ...KEY, ...by, '-keyout', `${name}.key`, '-out', `${name}.crt`, '-days', '10', '-subj', `/CN=${name}`, ...alt)
    return pems(name)
  }
  return {
    dir,
    ca: make('ca', 'DNS:ca'),
    signed: (name, names) => make(name, names, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-addext', 'basicConstraints=critical,CA:FALSE'),
    selfSigned: (name, names) => make(name, names),
    expired: (name, names) => {
      make(name, names)
      openssl('x509', '-in', `${name}.crt`, '-signkey', `${name}.key`, '-days', '-1', '-out', `${name}.crt`)
      return pems(name)
    },
    remove: () => rmSync(dir, { recursive: true }),
  }
}
