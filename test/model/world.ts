/** One possible world of a process, in the words of reference.ts, and what is done with many of them. Values only: nothing here knows a rule. */

/** `held`: in backoff, behind an open breaker. */
export type State =
  | 'absent'
  | 'pending'
  | 'starting'
  | 'up'
  | 'cleaning ok'
  | 'cleaning fail'
  | 'backoff'
  | 'held'
  | 'stopping'
  | 'restarting'
  | 'cancelled'
  | 'ended'
export type End = 'ok' | 'fail'

/**
 * What a crash of the manager leaves: `may` says which ends of the command are possible because something made it end, `spent` how many restarts it had since a
 * command, `failures` how many the breaker has counted.
 */
export interface Saved {
  readonly state: State
  readonly may: readonly End[]
  readonly spent: number
  readonly failures: number
}

export interface World extends Saved {
  readonly saved: Saved
  /** Each call that is not answered yet: `asked`, at work (`launching`, `stopping`, `undo CODE`), or decided; `~` stands before what is not on disk yet. */
  readonly calls: Readonly<Record<number, string>>
}

export function allow({ may }: { readonly may: readonly End[] }, end: End): { readonly may: readonly End[] } {
  return { may: may.includes(end) ? may : [...may, end].sort() }
}

export function mapped(calls: World['calls'], change: (phase: string, call: number) => string): World['calls'] {
  return Object.fromEntries(Object.entries(calls).map(([call, phase]) => [call, change(phase, Number(call))]))
}

export function combine(calls: World['calls'], over: (phase: string) => readonly string[]): readonly World['calls'][] {
  return Object.entries(calls).reduce<readonly World['calls'][]>(
    (all, [call, phase]) => all.flatMap((done) => over(phase).map((next) => ({ ...done, [call]: next }))),
    [{}],
  )
}

export function keyOf({ state, may, spent, failures, saved, calls }: World): string {
  return `${state}|${may}|${spent}|${failures}|${saved.state}|${saved.may}|${saved.spent}|${saved.failures}|${Object.entries(calls)}`
}

export function distinct<T>(all: readonly T[]): readonly T[] {
  return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()]
}
