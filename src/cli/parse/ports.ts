/** `--port`: `NAME=PORT`, `NAME=FROM-TO` or `NAME=any`, and behind it `@HOST`. Whether there is such a port or name is for the library to say. */
import type { PortInput } from '../../api.ts'
import { usageError } from '../report.ts'

const DEFAULT_NAME = 'http'
const WANTED = /^(?:(?<port>any|\d+)|(?<from>\d+)-(?<to>\d+))(?:@(?<host>.+))?$/

/** Without a name it is `http`. */
export function parsePorts(given: readonly string[]): Readonly<Record<string, PortInput>> {
  const ports = new Map<string, PortInput>()
  for (const text of given) {
    const at = text.indexOf('=')
    const name = at < 0 ? DEFAULT_NAME : text.slice(0, at)
    if (ports.has(name)) throw usageError(`--port ${name} is given twice; give each port a name of its own, as --port admin=any`)
    ports.set(name, parsePort(text.slice(at + 1), text))
  }
  return Object.fromEntries(ports)
}

function parsePort(wanted: string, text: string): PortInput {
  const { port, from, to, host } = WANTED.exec(wanted)?.groups ?? {}
  const bound = host === undefined ? {} : { host }
  if (port !== undefined) return { port: port === 'any' ? port : Number(port), ...bound }
  if (from !== undefined && to !== undefined) return { range: [Number(from), Number(to)], ...bound }
  throw usageError(`--port ${JSON.stringify(text)} is not a port; write 8080, 30000-31000 or any, NAME= before it, and @HOST behind it`)
}
