/** Gives processes their ports: no port to two processes of this manager, and none that somebody listens on. */
import { randomInt } from 'node:crypto'
import { errnoOf } from '../../files.ts'
import type { PortSpec } from '../../types.ts'
import { bindErrno, firstFree } from './free.ts'
import { type Ports, Reservations } from './reservations.ts'
import { type Holder, inUse, notBindable } from './unavailable.ts'

/** Where a port of any number comes from: nobody registers one there (RFC 6335, section 6). */
const ANY = { from: 49_152, to: 65_535 }

type Wanted = Readonly<Record<string, PortSpec>>

export class PortAllocator {
  readonly #reservations = new Reservations()
  /** Where the next search of a range begins: behind the last port found, so that what is in use is not tried again each time. */
  readonly #nextIn = new Map<string, number>()
  #turn: Promise<unknown> = Promise.resolve()

  /**
   * One call at a time, in the order of calls: between the look and the reservation nobody else comes.
   * @param preferred the ports of the last run: the same again where still free and wanted
   * @returns a port for each name, now held by the process; what it held before is free again. One that fails changes nothing.
   * @throws PortUnavailable; the reason of `signal` when it is aborted before its turn, or between two ports
   */
  assign(id: string, wanted: Wanted, preferred: Ports, signal?: AbortSignal): Promise<Ports> {
    const assigned = this.#turn.then(() => this.#assign(id, wanted, preferred, signal))
    this.#turn = assigned.catch(() => {})
    return assigned
  }

  /** The process has these ports already: it was restored. Again: nothing changes. What it has beside them it keeps, what another process has too. */
  hold(id: string, ports: Ports): void {
    this.#reservations.add(id, ports)
  }

  /** The process needs its ports no longer: its whole tree is gone. */
  release(id: string): void {
    this.#reservations.release(id)
  }

  /** Whether somebody listens on it now. Ask after the run has ended: the process itself is somebody too. */
  async isHeldByOthers(port: number, host: string | null): Promise<boolean> {
    return (await firstFree([port], host)) === null && (await bindErrno(port, host)) !== 'EACCES'
  }

  async #assign(id: string, wanted: Wanted, preferred: Ports, signal: AbortSignal | undefined): Promise<Ports> {
    const chosen = new Map<string, number>()
    // The narrowest first, so that a wide range does not take the only port of another.
    for (const [name, spec] of Object.entries(wanted).sort(([, a], [, b]) => widthOf(a) - widthOf(b))) {
      signal?.throwIfAborted()
      const own = new Set(chosen.values())
      const holderOf = (port: number) => (own.has(port) ? id : this.#othersThan(id, port))
      chosen.set(name, await this.#choose(name, spec, preferred[name], holderOf))
    }
    signal?.throwIfAborted()
    const ports = Object.fromEntries(chosen)
    this.#reservations.release(id)
    this.#reservations.add(id, ports)
    return ports
  }

  #othersThan(id: string, port: number): string | undefined {
    const holder = this.#reservations.holderOf(port)
    return holder === id ? undefined : holder
  }

  async #choose(name: string, spec: PortSpec, preferred: number | undefined, holderOf: (port: number) => string | undefined): Promise<number> {
    const range = rangeOf(spec)
    const key = `${range.from}-${range.to} ${spec.host}`
    const tried: number[] = []
    const port = await firstFree(noting(tried, untaken(candidates(range, this.#nextIn.get(key), preferred), holderOf)), spec.host).catch((error: unknown) => {
      throw notBindable(name, tried.at(-1) ?? range.from, spec.host, errnoOf(error))
    })
    if (port === null) throw await whyNone(name, spec, tried, holderOf)
    if (port !== preferred) this.#nextIn.set(key, port === range.to ? range.from : port + 1)
    return port
  }
}

type Range = Pick<PortSpec, 'from' | 'to'>

function rangeOf(spec: Range): Range {
  return spec.from === 0 ? ANY : spec
}

function widthOf(spec: Range): number {
  const { from, to } = rangeOf(spec)
  return to - from
}

function* candidates(range: Range, next: number | undefined, preferred: number | undefined): Iterable<number> {
  const { from, to } = range
  if (preferred !== undefined && ((preferred >= from && preferred <= to) || range === ANY)) yield preferred
  const start = (next ?? (range === ANY ? randomInt(from, to + 1) : from)) - from
  const width = to - from + 1
  for (let step = 0; step < width; step++) yield from + ((start + step) % width)
}

function* untaken(ports: Iterable<number>, holderOf: (port: number) => string | undefined): Iterable<number> {
  for (const port of ports) if (holderOf(port) === undefined) yield port
}

function* noting(tried: number[], ports: Iterable<number>): Iterable<number> {
  for (const port of ports) {
    tried.push(port)
    yield port
  }
}

async function whyNone(name: string, spec: PortSpec, tried: readonly number[], holderOf: (port: number) => string | undefined): Promise<Error> {
  const [first] = tried
  if (first !== undefined && (await bindErrno(first, spec.host)) === 'EACCES') return notBindable(name, first, spec.host, 'EACCES')
  const { from, to } = rangeOf(spec)
  const ports = Array.from({ length: to - from + 1 }, (_, step) => from + step)
  return inUse(
    name,
    spec,
    ports.map((port): Holder => ({ port, id: holderOf(port) ?? null })),
  )
}
