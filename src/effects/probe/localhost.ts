/** The name `localhost` means both loopback addresses, whatever DNS and /etc/hosts say: a service may listen on one of them only. */
import type { LookupFunction, TcpNetConnectOpts } from 'node:net'

const LOOPBACK = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

const bothFamilies: LookupFunction = (_host, _options, callback) => callback(null, LOOPBACK)

/** One loopback address refuses at once or is the one: a service that is too busy to accept must not look as if the other had refused. */
const NO_HURRY_MS = 2 ** 30
/** Elsewhere one family may lead nowhere. */
const NEXT_FAMILY_AFTER_MS = 1_000

/** @param host a name or an address; an IPv6 address with or without brackets */
export function addressOf(host: string, port: number): TcpNetConnectOpts {
  const name = host.replace(/^\[(.*)\]$/, '$1')
  const families = /^localhost$/i.test(name)
    ? { lookup: bothFamilies, autoSelectFamilyAttemptTimeout: NO_HURRY_MS }
    : { autoSelectFamilyAttemptTimeout: NEXT_FAMILY_AFTER_MS }
  return { host: name, port, autoSelectFamily: true, ...families }
}
