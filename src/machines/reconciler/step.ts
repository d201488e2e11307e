/** The next step for a process, if there is one that may be done now. Steps come of what there is, never of what was planned once. */
import { type Book, declaredIn, isEnding, isOurs, type Step, type Trouble } from './book.ts'
import { type Dependency, type Gate, gateOf } from './conditions.ts'
import { type Decision, decide, decideEnd } from './decide.ts'
import { type Actual, type Declared, isDown, isHeld, isUp } from './facts.ts'
import { portReason } from './ports.ts'

/** `awaits`: it is ending by itself, and is to be looked at after that. `waits`: for a dependency. */
export type Next =
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'nothing' | 'awaits' }
  | { readonly kind: 'waits'; readonly reason: string; readonly step?: Step }
  | { readonly kind: 'refused'; readonly trouble: Trouble }

const NOTHING: Next = { kind: 'nothing' }
const AWAITS: Next = { kind: 'awaits' }

export function nextFor(book: Book, id: string): Next {
  if (book.busy.has(id) || book.troubles.has(id) || book.gone.has(id)) return NOTHING
  const declared = declaredIn(book, id)
  const actual = book.actual.get(id)
  if (declared === undefined) return actual !== undefined && isOurs(book, actual) ? towardsEnd(book, id, actual) : NOTHING
  if (actual === undefined) return stepOf({ kind: 'create', id, reason: 'is not there', declared })
  if (!isOurs(book, actual)) return { kind: 'refused', trouble: conflictOf(id, actual) }
  return towards(book, declared, actual, decide(declared, actual, book.wishes.has(id)))
}

function towards(book: Book, declared: Declared, actual: Actual, { change, starts, reason }: Decision): Next {
  const { id } = declared.spec
  const { record } = actual
  const isStranger = declared.hasFunctions === true && !book.introduced.has(id)
  if (isStranger && change === null) return stepOf({ kind: 'update', id, reason: 'its probes are functions of this program', declared })
  if (change === null) return starts ? towardsStart(book, declared, actual, reason) : atRest(id, actual)
  const update = stepOf({ kind: 'update', id, reason: change.words, declared })
  if (isDown(record)) {
    // Once it is declared anew nothing tells that it is to be started: that is put on record before.
    const isToTell = starts && !isHeld(record) && record.state !== 'pending'
    return isToTell ? stepOf({ kind: 'hold', id, reason, text: `is about to be started: ${change.words}` }) : update
  }
  if (record.state === 'stopping') return AWAITS
  if (!change.restarts || !isUp(record)) return update
  const gate = gateFor(book, declared)
  return gate.kind === 'open' ? update : { kind: 'waits', reason: gate.reason }
}

function towardsStart(book: Book, declared: Declared, { record }: Actual, reason: string): Next {
  const { id } = declared.spec
  if (!isDown(record)) return AWAITS
  const gate = startGate(book, declared)
  if (gate.kind === 'open') return stepOf({ kind: 'launch', id, reason: isHeld(record) ? 'what it waited for is there' : reason })
  if (record.waiting_for === gate.reason) return { kind: 'waits', reason: gate.reason }
  return { kind: 'waits', reason: gate.reason, step: { kind: 'hold', id, reason: gate.reason, text: gate.reason } }
}

/** It waits for nothing. */
function atRest(id: string, { record }: Actual): Next {
  return isHeld(record) ? stepOf({ kind: 'hold', id, reason: 'is started by hand only', text: null }) : NOTHING
}

function towardsEnd(book: Book, id: string, actual: Actual): Next {
  const { record } = actual
  const { action, reason } = decideEnd(actual, book.disabled.has(id), book.drain?.keeps === true)
  if (action === 'keep') return NOTHING
  if (action === 'remove' && isDown(record)) return hasClients(book, id) ? NOTHING : stepOf({ kind: 'remove', id, reason })
  // What has ended cannot be stopped.
  if (isHeld(record) && record.state !== 'pending') return stepOf({ kind: 'hold', id, reason, text: null })
  if (book.drain?.isForced) return stepOf({ kind: 'kill', id, reason: 'it has taken too long' })
  if (record.state === 'stopping') return AWAITS
  return hasClients(book, id) ? NOTHING : stepOf({ kind: 'stop', id, reason })
}

/** Dependents go first, also those behind a dependent that is down: a job that has completed between two services keeps them in order. */
function hasClients(book: Book, id: string): boolean {
  if (book.hasNoOrder || book.drain?.isForced) return false
  const seen = new Set([id])
  // What is added while it goes on is visited, too.
  for (const each of seen) {
    for (const client of book.clients.get(each) ?? []) {
      const actual = book.actual.get(client)
      if (seen.has(client) || actual === undefined || !isEnding(book, client)) continue
      if (!isDown(actual.record)) return true
      seen.add(client)
    }
  }
  return false
}

/** Ports, too: of whoever has one that is to go. */
export function startGate(book: Book, declared: Declared): Gate {
  const gate = gateFor(book, declared)
  const reason = gate.kind === 'open' ? portReason(book.portHolders.get(declared.spec.id) ?? [], (id) => book.actual.get(id)) : null
  return reason === null ? gate : { kind: 'waits', reason }
}

export function gateFor(book: Book, { spec }: Declared): Gate {
  return gateOf(spec.dependsOn, (id) => dependencyIn(book, id))
}

function dependencyIn(book: Book, id: string): Dependency {
  const declared = declaredIn(book, id)
  const actual = book.actual.get(id)
  if (declared === undefined) return actual === undefined || isEnding(book, id) ? UNDECLARED : { isDeclared: true, facts: actual.record, comes: null }
  return { isDeclared: true, facts: actual?.record, comes: comes(book, declared, actual) }
}

const UNDECLARED: Dependency = { isDeclared: false, facts: undefined, comes: null }

function comes(book: Book, declared: Declared, actual: Actual | undefined): Dependency['comes'] {
  const { id } = declared.spec
  if (book.troubles.has(id) || book.gone.has(id) || (actual !== undefined && !isOurs(book, actual))) return null
  const { change, starts, action } = decide(declared, actual, book.wishes.has(id))
  if (action === 'restart' || (starts && change?.restarts === true)) return 'anew'
  return starts && (actual === undefined || !isHeld(actual.record)) ? 'soon' : null
}

export function conflictOf(id: string, { spec }: Actual): Trouble {
  const owner = spec.origin === null ? 'a process that was started by hand' : `a process of ${spec.origin}`
  const message = `the id ${id} is taken by ${owner}: stop and remove that one (procman stop ${id}, procman remove ${id}), or declare this one under another id`
  return { id, step: 'create', code: 'PROCMAN_PROCESS_EXISTS', message, isRetried: false }
}

function stepOf(step: Step): Next {
  return { kind: 'step', step }
}
