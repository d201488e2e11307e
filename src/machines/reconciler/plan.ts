/** The difference between what is declared and what there is, with the reason for each line. Looks only. */
import { type Book, declare, isEnding, isOurs, newBook, see } from './book.ts'
import { type Action, decide, decideEnd } from './decide.ts'
import { type Actual, type Declared, isHeld } from './facts.ts'
import { conflictOf, gateFor, startGate } from './step.ts'

/** As `PlanLine` of the manager. */
export interface Line {
  readonly id: string
  readonly action: Action
  readonly reason: string
}

export interface PlanFacts {
  readonly origin: string
  readonly declared: readonly Declared[]
  readonly disabled?: readonly string[]
  readonly actual: readonly Actual[]
  readonly startDown?: boolean
  /** Other origins that this one replaces. */
  readonly replaced?: readonly string[]
}

export function planOf({ origin, declared, disabled = [], actual, startDown = false, replaced = [] }: PlanFacts): readonly Line[] {
  const book = newBook(origin)
  for (const each of replaced) book.replaced.add(each)
  for (const each of actual) see(book, each.spec.id, each)
  declare(book, declared, disabled)
  return linesOf(book, startDown)
}

/** What a reconcile would begin with. */
export function previewOf(book: Book, { startDown, replace }: { readonly startDown: boolean; readonly replace: boolean }): readonly Line[] {
  const actual = [...book.actual.values()]
  const replaced = new Set(replace ? originsOf(actual) : [])
  return linesOf({ ...book, drain: null, replaced, troubles: new Map() }, startDown)
}

/** Of other projects; what has none was started by hand. */
export function originsOf(actual: Iterable<Actual>): readonly string[] {
  return [...actual].flatMap(({ spec }) => (spec.origin === null ? [] : [spec.origin]))
}

/** In the order of the declaration; what is to go comes last, as it happens. */
export function linesOf(book: Book, startDown: boolean): readonly Line[] {
  const declared = book.drain === null ? [...(book.declared?.values() ?? [])] : []
  const ending = [...book.actual.keys()].filter((id) => isEnding(book, id))
  return [...declared.map((each) => lineOf(book, each, startDown)), ...ending.flatMap((id) => endOf(book, id))]
}

function lineOf(book: Book, declared: Declared, startDown: boolean): Line {
  const { id } = declared.spec
  const actual = book.actual.get(id)
  if (actual !== undefined && !isOurs(book, actual)) return { id, action: 'keep', reason: conflictOf(id, actual).message }
  const { action, reason, change } = decide(declared, actual, startDown || book.wishes.has(id))
  if (actual === undefined || (action !== 'restart' && action !== 'start')) return { id, action, reason }
  const gate = action === 'start' ? startGate(book, declared) : gateFor(book, declared)
  if (gate.kind !== 'open' && action === 'restart') return { id, action, reason: `${reason}; ${gate.reason}` }
  if (!isHeld(actual.record) || change !== null) return { id, action, reason }
  return gate.kind === 'open' ? { id, action, reason: 'what it waited for is there' } : { id, action: 'keep', reason: gate.reason }
}

function endOf(book: Book, id: string): readonly Line[] {
  const actual = book.actual.get(id)
  if (actual === undefined) return []
  const { action, reason } = decideEnd(actual, book.disabled.has(id), book.drain?.keeps === true)
  return [{ id, action, reason }]
}
