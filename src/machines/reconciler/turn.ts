/** What is to be done now: one step a process at a time, many processes at once. */
import { type Book, isOurs, type Step, type Trouble, touch } from './book.ts'
import { decide } from './decide.ts'
import { nextFor } from './step.ts'

/** So many steps are going on at once. */
export const MOST_AT_ONCE = 50

/** Takes from what was touched as much as can be begun now. @returns the steps to begin, and what was refused */
export function takeTurn(book: Book): { readonly steps: readonly Step[]; readonly refused: readonly Trouble[] } {
  const steps: Step[] = []
  const refused: Trouble[] = []
  for (const id of book.touched) {
    if (book.busy.size >= MOST_AT_ONCE && !book.drain?.isForced) break
    book.touched.delete(id)
    const trouble = look(book, id, steps)
    if (trouble !== null) refused.push(trouble)
  }
  return { steps, refused }
}

function look(book: Book, id: string, steps: Step[]): Trouble | null {
  const isOvertaken = book.drain?.isForced === true && book.busy.get(id)?.kind === 'stop'
  if (isOvertaken) book.busy.delete(id)
  if (book.busy.has(id)) return null
  const next = nextFor(book, id)
  if (next.kind === 'waits') book.waiting.set(id, next.reason)
  else book.waiting.delete(id)
  if (next.kind === 'awaits') book.awaited.add(id)
  else book.awaited.delete(id)
  if (next.kind === 'refused') {
    book.troubles.set(id, next.trouble)
    return next.trouble
  }
  const step = 'step' in next ? next.step : undefined
  if (step !== undefined) begin(book, step, steps)
  return null
}

function begin(book: Book, step: Step, steps: Step[]): void {
  book.busy.set(step.id, step)
  // From here on it is on record, or done.
  if (step.kind === 'launch' || step.kind === 'hold') book.wishes.delete(step.id)
  steps.push(step)
}

/** Notes that all that is declared and down is to be started, whoever has stopped it. */
export function wishAll(book: Book): void {
  for (const [id, declared] of book.declared ?? []) {
    const actual = book.actual.get(id)
    if (actual !== undefined && isOurs(book, actual) && decide(declared, actual, true).starts) book.wishes.add(id)
  }
}

/** Somebody was faster than we, and what there is now asks for something else: no trouble. */
const OVERTAKEN = ['PROCMAN_WRONG_STATE', 'PROCMAN_PROCESS_UNKNOWN', 'PROCMAN_PROCESS_EXISTS']

/**
 * After `finish`.
 * @param hasEffect false: it was done, and has changed nothing
 * @returns null: it is no trouble
 */
export function fail(book: Book, failure: Omit<Trouble, 'isRetried'>, hasEffect: boolean): Trouble | null {
  const next = nextFor(book, failure.id)
  const isSameAgain = 'step' in next && next.step?.kind === failure.step
  if (OVERTAKEN.includes(failure.code) && !isSameAgain) return null
  // What follows a run that could not be launched is up to the restart policy; what changes nothing would do so again.
  const trouble = { ...failure, isRetried: hasEffect && (failure.step !== 'launch' || isSameAgain) }
  book.troubles.set(trouble.id, trouble)
  touch(book, trouble.id)
  return trouble
}

/** After `finish`: done, and to be done again. Whatever the cause, it would go on for ever. */
export function isFruitless(book: Book, step: Step): boolean {
  const next = nextFor(book, step.id)
  return 'step' in next && next.step?.kind === step.kind && (step.kind !== 'hold' || (next.step.kind === 'hold' && next.step.text === step.text))
}

export function retry(book: Book): void {
  for (const { id, isRetried } of [...book.troubles.values()]) {
    if (!isRetried) continue
    book.troubles.delete(id)
    touch(book, id)
  }
}
