/** What a probe asks, in one word. What an address cannot say is said in JSON, as the library takes it. */
import type { CheckInput, ProbeInput } from '../../api.ts'
import { usageError } from '../report.ts'

const CONNECTION = /^(?<kind>tcp|grpc):\/\/(?:\[(?<bracketed>[^\]]+)\]|(?<plain>[^:/[\]]+)):(?<port>[^:/]+)(?:\/(?<service>.*))?$/

/** @param portCount how many ports the process has: a path alone is asked of its only one */
export function parseAddress(text: string, option: string, portCount: number): CheckInput {
  if (/^https?:\/\//i.test(text)) return { http: text }
  if (text.startsWith('/')) return parsePath(text, option, portCount)
  const { kind, bracketed, plain, port, service } = CONNECTION.exec(text)?.groups ?? {}
  const host = bracketed ?? plain
  if (kind === 'tcp' && service === undefined) return { tcp: { host, port } }
  if (kind === 'grpc') return { grpc: { host, port, ...(service === undefined ? {} : { service }) } }
  const forms = 'http://HOST:PORT/PATH, https://…, tcp://HOST:PORT, grpc://HOST:PORT/SERVICE, /PATH, or a JSON object such as {"exec":["pg_isready"]}'
  throw usageError(`${option} ${JSON.stringify(text)} is no address of a probe; write ${forms}`)
}

export function isJson(text: string): boolean {
  return text.trimStart().startsWith('{')
}

export function parseJsonProbe(text: string, option: string): ProbeInput {
  try {
    // The library says what is wrong with it, by name.
    return JSON.parse(text) as ProbeInput
  } catch (error) {
    throw usageError(`${option} ${JSON.stringify(text)} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function parsePath(path: string, option: string, portCount: number): CheckInput {
  if (portCount === 1) return { http: { path } }
  const advice = portCount === 0 ? 'give one with --port, or write http://HOST:PORT/PATH' : `write http://localhost:\${port.NAME}${path}`
  throw usageError(`${option} ${path} is asked of the only port of the process, which has ${portCount === 0 ? 'none' : portCount}; ${advice}`)
}
