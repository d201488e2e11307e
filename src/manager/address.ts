/** The address of `--listen`. Loads nothing: a command line is checked before anything is. */
import { ProcmanError } from '../errors.ts'

const HOSTS = ['127.0.0.1', 'localhost', '::1']
const FORM = /^(?:(?<host>[^:[\]]+|\[[^\]]+\]):)?(?<port>\d{1,5})$/

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** @param text `PORT` or `HOST:PORT`, with one of this machine's own addresses; 0 is any port. @throws PROCMAN_INVALID_ARGUMENT */
export function parseListen(text: string): ListenAddress {
  const { host = '127.0.0.1', port } = FORM.exec(text)?.groups ?? {}
  const address = { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
  if (port === undefined || address.port > 65_535) throw refused(text, 'is not an address; write one such as 127.0.0.1:50055')
  if (HOSTS.includes(address.host)) return address
  throw refused(text, `is not on this machine alone: it must be one of ${HOSTS.join(', ')}; for others put a proxy with TLS in front of it`)
}

function refused(value: string, what: string): ProcmanError {
  return new ProcmanError('PROCMAN_INVALID_ARGUMENT', `--listen ${JSON.stringify(value)} ${what}`, { details: { listen: value } })
}
