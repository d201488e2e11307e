/**
 * What the reconciler knows and is doing. Its parts are changed in place: copied at each change of a process they would make a thousand starts quadratic.
 * Whatever changes here says whose next step may be another now (`touch`); only those are looked at.
 */

import { type Actual, type Declared, isDown, isUp } from './facts.ts'
import { cycleIn, dependentsOf } from './order.ts'
import { heirsOf, type PortHolders, portHoldersOf } from './ports.ts'

/** One call of the supervisor. `reason`: why, for whoever listens. */
export type Step =
  | { readonly kind: 'create' | 'update'; readonly id: string; readonly reason: string; readonly declared: Declared }
  /** `text` null: it waits for nothing any more. */
  | { readonly kind: 'hold'; readonly id: string; readonly reason: string; readonly text: string | null }
  | { readonly kind: 'launch' | 'stop' | 'kill' | 'remove'; readonly id: string; readonly reason: string }

/** What could not be done. */
export interface Trouble {
  readonly id: string
  readonly step: Step['kind']
  readonly code: string
  readonly message: string
  /** After a while. Else somebody has to do something. */
  readonly isRetried: boolean
}

export interface Book {
  readonly origin: string
  /** Null: nobody has told yet. */
  declared: ReadonlyMap<string, Declared> | null
  /** Those that are declared and not enabled: for the reason only. */
  disabled: ReadonlySet<string>
  /** As declared: by dependency, who depends on it. */
  dependents: ReadonlyMap<string, readonly string[]>
  /** All processes that there are. */
  readonly actual: Map<string, Actual>
  /** As they are: by dependency, who depends on it. */
  readonly clients: Map<string, Set<string>>
  /** Other projects that this one replaces. */
  readonly replaced: Set<string>
  /** Somebody has asked for what is declared to be brought about. */
  isAsked: boolean
  /** That was before anything was declared: what is down is to be started, too. */
  startsDown: boolean
  /** To be started though a user has stopped them or they have failed: asked for, and not begun yet. */
  readonly wishes: Set<string>
  /** Removed by hand. */
  readonly gone: Set<string>
  readonly busy: Map<string, Step>
  /** To be looked at, in this order. */
  readonly touched: Set<string>
  readonly troubles: Map<string, Trouble>
  /** Not done yet for want of a dependency: why. */
  readonly waiting: Map<string, string>
  /** They are ending, and something is to be done after that. */
  readonly awaited: Set<string>
  /** Declared to this manager: it has the functions of their probes. */
  readonly introduced: Set<string>
  /** By the id of one that is to start: who still has a port that it is to have. */
  portHolders: PortHolders
  /** Everything is to be down. `isForced`: killed, in no order. */
  drain: { readonly keeps: boolean; readonly isForced: boolean } | null
  /** What ends depends on each other in a circle: then there is no order. */
  hasNoOrder: boolean
}

export function newBook(origin: string): Book {
  return {
    origin,
    declared: null,
    disabled: new Set(),
    dependents: new Map(),
    actual: new Map(),
    clients: new Map(),
    replaced: new Set(),
    isAsked: false,
    startsDown: false,
    wishes: new Set(),
    gone: new Set(),
    busy: new Map(),
    touched: new Set(),
    troubles: new Map(),
    waiting: new Map(),
    awaited: new Set(),
    introduced: new Set(),
    portHolders: new Map(),
    drain: null,
    hasNoOrder: false,
  }
}

/** What is wanted of it now; undefined: nothing. */
export function declaredIn(book: Book, id: string): Declared | undefined {
  return book.drain === null ? book.declared?.get(id) : undefined
}

export function isOurs({ origin, replaced }: Book, { spec }: Actual): boolean {
  return spec.origin === origin || (spec.origin !== null && replaced.has(spec.origin))
}

export function isEnding(book: Book, id: string): boolean {
  const actual = book.actual.get(id)
  return actual !== undefined && declaredIn(book, id) === undefined && isOurs(book, actual)
}

/** Its next step may be another now, and that of those who wait for it. */
export function touch(book: Book, id: string): void {
  book.touched.add(id)
  for (const dependent of book.dependents.get(id) ?? []) book.touched.add(dependent)
  for (const dependency of dependenciesOf(book, id)) book.touched.add(dependency)
  for (const heir of book.portHolders.size === 0 ? [] : heirsOf(book.portHolders, id)) book.touched.add(heir)
}

/** What it depends on, and through those that are down and ending what they depend on: their ends wait for that of this one. */
function dependenciesOf(book: Book, id: string): ReadonlySet<string> {
  const found = new Set<string>()
  const add = (one: string) => {
    for (const dependency of Object.keys(book.actual.get(one)?.spec.dependsOn ?? {})) found.add(dependency)
  }
  add(id)
  for (const each of found) {
    const actual = book.actual.get(each)
    if (actual !== undefined && isEnding(book, each) && isDown(actual.record)) add(each)
  }
  return found
}

/** From here on nothing is taken as it was left: what failed is tried again, what was removed by hand is made again. */
export function touchAll(book: Book): void {
  book.troubles.clear()
  book.gone.clear()
  book.waiting.clear()
  book.awaited.clear()
  // In the order of the declaration.
  book.touched.clear()
  for (const id of [...(book.declared?.keys() ?? []), ...book.actual.keys()]) book.touched.add(id)
  book.portHolders = handovers(book)
  const ending = [...book.actual.keys()].filter((id) => isEnding(book, id))
  book.hasNoOrder = cycleIn(ending, (id) => Object.keys(book.actual.get(id)?.spec.dependsOn ?? {})) !== null
}

function handovers(book: Book): PortHolders {
  const ours = [...book.actual].flatMap(([id, actual]) => (isOurs(book, actual) ? [{ actual, wanted: declaredIn(book, id)?.spec }] : []))
  return portHoldersOf(
    ours,
    [...(book.declared?.values() ?? [])].map(({ spec }) => spec),
  )
}

export function declare(book: Book, declared: readonly Declared[], disabled: readonly string[]): void {
  book.declared = new Map(declared.map((each) => [each.spec.id, each]))
  book.disabled = new Set(disabled)
  book.dependents = dependentsOf(declared.map(({ spec }) => [spec.id, Object.keys(spec.dependsOn)]))
  touchAll(book)
}

/** @param actual null: it is not there any more */
export function see(book: Book, id: string, actual: Actual | null): void {
  const before = book.actual.get(id)
  touch(book, id)
  if (actual === null) book.actual.delete(id)
  else book.actual.set(id, actual)
  if (before?.spec !== actual?.spec) {
    for (const dependency of Object.keys(before?.spec.dependsOn ?? {})) book.clients.get(dependency)?.delete(id)
    for (const dependency of Object.keys(actual?.spec.dependsOn ?? {})) clientsOf(book, dependency).add(id)
    touch(book, id)
  }
  if (hasMovedOn(before, actual) && !book.busy.has(id)) book.troubles.delete(id)
  if (actual === null && before !== undefined && isOurs(book, before) && !book.busy.has(id)) book.gone.add(id)
  if (actual !== null) book.gone.delete(id)
  if (actual !== null && isUp(actual.record)) book.wishes.delete(id)
}

function clientsOf(book: Book, id: string): Set<string> {
  const clients = book.clients.get(id) ?? new Set()
  book.clients.set(id, clients)
  return clients
}

/** Somebody else has done something with it. */
function hasMovedOn(before: Actual | undefined, after: Actual | null): boolean {
  if (before === undefined || after === null) return true
  return before.record.state !== after.record.state || before.record.run !== after.record.run || before.spec !== after.spec
}

/** What it was carried out for is known by now. */
export function introduce(book: Book, { kind, id }: Step): void {
  if (kind === 'create' || kind === 'update') book.introduced.add(id)
}

export function finish(book: Book, step: Step, actual: Actual | null): void {
  // A kill overtakes a stop.
  const isCurrent = book.busy.get(step.id) === step
  see(book, step.id, actual)
  if (isCurrent) book.busy.delete(step.id)
}

/** Nothing is going on, and nothing is left that could be done now. */
export function isQuiet({ busy, touched, awaited }: Book): boolean {
  return busy.size === 0 && touched.size === 0 && awaited.size === 0
}
