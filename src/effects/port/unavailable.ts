/** Why a port could not be had, in a sentence. */
import type { PortSpec } from '../../types.ts'

/** Who has a port: a process of this manager, by id; null: another program. */
export interface Holder {
  readonly port: number
  readonly id: string | null
}

const MOST_NAMED = 3

export class PortUnavailable extends Error {
  override readonly name = 'PortUnavailable'
  /** Of the port in the spec. */
  readonly portName: string
  /** EADDRINUSE, or why the system lets nobody bind it: EACCES, EADDRNOTAVAIL, … */
  readonly errno: string

  constructor(portName: string, errno: string, message: string) {
    super(message)
    this.portName = portName
    this.errno = errno
  }
}

/** @param holders all ports that were tried, ascending */
export function inUse(name: string, spec: PortSpec, holders: readonly Holder[]): PortUnavailable {
  const [only] = holders
  const one = only?.id == null ? 'is in use by another program' : `is held by process ${only.id}`
  const message =
    spec.from === spec.to && spec.from !== 0
      ? `port ${spec.from} for "${name}" ${one}`
      : `no port is free for "${name}" ${spec.from === 0 ? 'of any number' : `in ${spec.from}-${spec.to}`}: ${told(holders)}`
  return new PortUnavailable(name, 'EADDRINUSE', message)
}

export function notBindable(name: string, port: number, host: string | null, errno: string): PortUnavailable {
  const where = host === null ? '' : ` on ${host}`
  return new PortUnavailable(name, errno, `port ${port} for "${name}" cannot be bound${where} (${errno}): ${ADVICE[errno] ?? 'the system refuses it'}`)
}

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'this user may not; ports below 1024 are for root',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'there is no such host',
}

function told(holders: readonly Holder[]): string {
  const ours = holders.filter(({ id }) => id !== null)
  const others = holders.filter(({ id }) => id === null)
  const named = ours.slice(0, MOST_NAMED).map(({ id, port }) => `${id} (${port})`)
  const more = ours.length > MOST_NAMED ? ` and ${ours.length - MOST_NAMED} more` : ''
  const ports = others.slice(0, MOST_NAMED).map(({ port }) => port)
  const foreign = `in use by ${others.length === 1 ? 'another program' : 'other programs'} (${ports.join(', ')}${others.length > MOST_NAMED ? ', …' : ''})`
  const parts = [
    ...(ours.length === 0 ? [] : [`held by ${named.join(', ')}${more}`]),
    ...(others.length === 0 ? [] : [`${others.length} ${others.length === 1 ? 'is' : 'are'} ${foreign}`]),
  ]
  return parts.join('; ')
}
