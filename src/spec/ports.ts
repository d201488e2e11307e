/** The ports that a process asks for. */
import type { PortSpec } from '../types.ts'
import { isFullText, isRecord, isWhole, Options, show } from './must.ts'

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,30}$/
const ANY: readonly [number, number] = [0, 0]
const LAST_PORT = 65_535

/** @returns the variable that tells the process its port, as PORT_HTTP */
function portVariable(name: string): string {
  return `PORT_${name.toUpperCase().replaceAll('-', '_')}`
}

/** @returns what is added to the environment: a variable for each port, and PORT when there is only one */
export function portVariables(ports: Readonly<Record<string, number>>): Readonly<Record<string, string>> {
  const variables = Object.entries(ports).map(([name, port]): [string, string] => [portVariable(name), String(port)])
  const [only, another] = variables
  return Object.fromEntries(only !== undefined && another === undefined ? [['PORT', only[1]], only] : variables)
}

export function parsePorts(given: unknown, problems: string[]): Readonly<Record<string, PortSpec>> {
  if (given === undefined) return {}
  if (!isRecord(given)) {
    problems.push(`ports must be an object of ports by name, not ${show(given)}`)
    return {}
  }
  const ports = Object.entries(given).map(([name, wanted]): [string, PortSpec] => [name, parsePort(name, wanted, problems)])
  mustDiffer(ports, ([name]) => portVariable(name), 'would both be', problems)
  mustDiffer(ports, ([, { from, to }]) => (from === to && from !== 0 ? String(from) : null), 'are both', problems)
  return Object.fromEntries(ports)
}

function parsePort(name: string, wanted: unknown, problems: string[]): PortSpec {
  if (!NAME.test(name)) problems.push(`ports: ${show(name)} is not a name of a port: 1 to 31 letters, digits, "_" or "-", beginning with a letter`)
  const options = new Options(isRecord(wanted) ? wanted : { port: wanted }, `ports.${name}`, ['port', 'range', 'host'], problems)
  const port = options.given('port')
  const range = options.given('range')
  const one = port === 'any' ? ANY : [port, port]
  const ends = range === undefined ? one : port === undefined ? range : undefined
  const host = options.read('host', 'the address that will be bound', isFullText, null)
  if (isRange(ends)) return { from: ends[0], to: ends[1], host }
  problems.push(`ports.${name} must be a port from 1 to ${LAST_PORT}, "any", { range: [from, to] } or { port }, not ${show(wanted)}`)
  return { from: 0, to: 0, host }
}

function isRange(value: unknown): value is readonly [number, number] {
  return value === ANY || (Array.isArray(value) && value.length === 2 && isWhole(value[0], 1, LAST_PORT) && isWhole(value[1], value[0], LAST_PORT))
}

type Named = readonly [name: string, port: PortSpec]

function mustDiffer(ports: readonly Named[], keyOf: (port: Named) => string | null, what: string, problems: string[]): void {
  const first = new Map<string, string>()
  for (const port of ports) {
    const key = keyOf(port)
    if (key === null) continue
    const other = first.get(key)
    if (other === undefined) first.set(key, port[0])
    else problems.push(`ports: ${show(other)} and ${show(port[0])} ${what} ${key}`)
  }
}
