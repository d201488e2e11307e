/** Passes when `grpc.health.v1.Health/Check` answers SERVING. */
import type { ProbeCheck } from '../../types.ts'
import { causeOf, codeOf, messageOf } from './causes.ts'
import { GrpcLink } from './grpc-link.ts'
import { type CheckAnswer, failed, PASSED, type Probe } from './probe.ts'
import { portOf, reach } from './socket.ts'
import { readTls } from './tls.ts'

type GrpcCheck = Extract<ProbeCheck, { kind: 'grpc' }>

export function grpcProbe(check: GrpcCheck, cwd: string): Probe {
  const port = portOf(check.port)
  return port === null ? { ask: async () => failed(`"${check.port}" is no port`), close() {} } : new GrpcProbe(check, port, cwd)
}

class GrpcProbe implements Probe {
  readonly #check: GrpcCheck
  readonly #port: number
  readonly #cwd: string
  #link: GrpcLink | null = null

  constructor(check: GrpcCheck, port: number, cwd: string) {
    this.#check = check
    this.#port = port
    this.#cwd = cwd
  }

  async prepare(): Promise<void> {
    await import('@grpc/grpc-js')
  }

  /** A kept connection may be of a server that is gone: when it fails, a new one decides. A channel that has failed is not used again: it waits longer each time. */
  async ask(signal: AbortSignal): Promise<CheckAnswer> {
    signal.addEventListener('abort', () => this.close())
    if (this.#link !== null) {
      const { answer, isLost } = await this.#askOver(this.#link)
      if (!isLost) return answer
      signal.throwIfAborted()
    }
    return (await this.#askOver(await this.#open(signal))).answer
  }

  close(): void {
    this.#link?.destroy()
    this.#link = null
  }

  async #askOver(link: GrpcLink): Promise<{ readonly answer: CheckAnswer; readonly isLost: boolean }> {
    try {
      const status = await link.check(this.#check.service)
      return { answer: judge(status, this.#check.service), isLost: false }
    } catch (error) {
      const isLost = LOST.includes(codeOf(error))
      if (isLost && this.#link === link) this.close()
      return { answer: failed(link.trouble === null ? callCause(error, this.#check.service) : causeOf(link.trouble)), isLost }
    }
  }

  async #open(signal: AbortSignal): Promise<GrpcLink> {
    const { host, tls } = this.#check
    const secure =
      tls === null ? null : { ...(await readTls(tls, this.#cwd)), servername: tls.servername ?? host.replace(/^\[(.*)\]$/, '$1'), protocol: 'h2' as const }
    // gRPC would look names up in its own way, tell failures as texts only, and leave behind a connection that is not answered.
    const address = await reach(host, this.#port, signal)
    const grpc = await import('@grpc/grpc-js')
    signal.throwIfAborted()
    this.#link = new GrpcLink(grpc, { address, port: this.#port, authority: `${host}:${this.#port}`, tls: secure })
    return this.#link
  }
}

/** Of grpc.status: codes are numbers. */
const NOT_FOUND = '5'
const UNIMPLEMENTED = '12'
/** CANCELLED, INTERNAL and UNAVAILABLE: what a call over a connection that has gone ends with, depending on how it went. */
const LOST = ['1', '13', '14']

function judge(status: string, service: string): CheckAnswer {
  if (status === 'SERVING') return PASSED
  return failed(status === 'SERVICE_UNKNOWN' ? unknown(service) : `status ${status}`)
}

const unknown = (service: string) => `service "${service}" unknown`

function callCause(error: unknown, service: string): string {
  const code = codeOf(error)
  if (code === NOT_FOUND) return unknown(service)
  if (code === UNIMPLEMENTED) return 'no health service (UNIMPLEMENTED)'
  return `no valid gRPC answer: ${detailOf(error)}`
}

/** "14 UNAVAILABLE: No connection established. Last error: Protocol error (2026-…Z). Resolution note: " is more than anybody wants to know. */
function detailOf(error: unknown): string {
  const text = messageOf(error).replace(/^\d+ /, '')
  return /Last error: (?:Error: )?(.*?)(?: \(\S+Z\))?\. Resolution note:/.exec(text)?.[1] ?? text
}
