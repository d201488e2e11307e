/** Host and port of what is asked: `host:port`, a port alone, or `{ port, host }`. */
import { type About, sampleOf } from './about.ts'
import { isRecord, isWhole, Options } from './must.ts'

export const ADDRESS_OPTIONS = ['port', 'host'] as const
const OWN_PORT = /^\$\{port(?:\.([^}]+))?\}$/
/** Who binds all addresses is asked at the loopback ones. */
const ASKED_AT: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', 'localhost'],
])
const HOST_AND_PORT = /^(?:\[([^\]]+)\]|([^:[\]]+)):([^:]+)$/

export interface Address {
  readonly host: string
  readonly port: string
}

/** @param known further options of the object form @returns the address, and the options to read the others from */
export function parseAddress(
  given: unknown,
  place: string,
  known: readonly string[],
  about: About,
  problems: string[],
): Address & { readonly options: Options } {
  const options = new Options(isRecord(given) ? given : splitAddress(given), place, [...ADDRESS_OPTIONS, ...known], problems)
  return { ...readAddress(options, about), options }
}

/** Reads `port`, by default the only one of the process, and `host`, by default where the process binds that port, else localhost. */
export function readAddress(options: Options, about: About): Address {
  const isPort = (value: unknown): value is string | number =>
    (typeof value === 'string' || typeof value === 'number') && isPortText(sampleOf(String(value), about))
  const isAbsent = options.given('port') === undefined && about.ownPort !== null
  const port = String(isAbsent ? about.ownPort : options.need('port', 'a port from 1 to 65535, or a template as "${port.http}"', isPort, 1))
  return { host: options.read('host', 'a host', isHost, hostOf(port, about)), port }
}

/** On an address that the process does not bind, nobody or somebody else would answer. */
function hostOf(port: string, { ports, template }: About): string {
  const own = template ? OWN_PORT.exec(port) : null
  if (own === null) return 'localhost'
  const [, name] = own
  const host = Object.entries(ports).find(([each]) => name === undefined || each === name)?.[1].host ?? 'localhost'
  return ASKED_AT.get(host) ?? host
}

function splitAddress(given: unknown): { readonly port: unknown; readonly host?: string } {
  const parts = typeof given === 'string' ? HOST_AND_PORT.exec(given) : null
  return parts === null ? { port: given } : { host: parts[1] ?? parts[2], port: parts[3] }
}

function isPortText(text: string): boolean {
  return /^\d+$/.test(text) && isWhole(Number(text), 1, 65_535)
}

function isHost(value: unknown): value is string {
  return typeof value === 'string' && /^[^\s\0/]+$/.test(value)
}
