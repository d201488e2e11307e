/**
 * One process as its user sees it, written down apart from the product: what each call may be answered, given what else was called, what the process did, and
 * managers that die. Calls overlap and a process ends when it likes, so this is no trajectory but the set of all worlds that may be the real one. Each answer
 * leaves those in which it is possible; when none is left, the product has done what nobody may expect.
 */
import { allow, combine, distinct, type End, keyOf, mapped, type Saved, type State, type World } from './world.ts'

export type Verb =
  | 'start'
  | 'create'
  | 'launch'
  | 'launch-force'
  | 'stop'
  | 'restart'
  | 'restart-force'
  | 'reset'
  | 'remove'
  | 'signal'
  | 'hang-up'
  | 'refresh'
  | Declaring
/** Declares it anew: as no run sees it, as another run would see it. Or says that it may not start yet. */
export type Declaring = 'relabel' | 'respec' | 'hold'

/** What is known beforehand. */
export interface Nature {
  readonly strategy: 'never' | 'on-failure' | 'always'
  /** A retry is due at once, or not in the time of a test. */
  readonly retries: 'at once' | 'much later'
  /** Restarts for each cause until a command; 0: no limit. */
  readonly maxAttempts: number
  /** The command ends by itself, like this; null: when it is made to. */
  readonly ends: End | null
  /** It has a liveness probe. */
  readonly probed: boolean
  /** It leaves something behind that has to be stopped. */
  readonly leaves: boolean
  readonly launchable: boolean
  /** Opens after two failures, and cools soon, or not in the time of a test. */
  readonly breaker: 'none' | 'cools soon' | 'cools much later'
}

/** What a record says. `breaker`: null when there is none, or nobody has looked. */
export interface Seen {
  readonly state: string
  readonly status: string
  readonly breaker?: { readonly state: string } | null
}

/** So many failures open a breaker. */
const OPENS = 2
const NOTHING: Saved = { state: 'absent', may: [], spent: 0, failures: 0 }

const DOWN: readonly State[] = ['cancelled', 'ended']
const UP: readonly State[] = ['starting', 'up', 'cleaning ok', 'cleaning fail', 'stopping', 'restarting']
const WRONG = 'PROCMAN_WRONG_STATE'
const OPEN = 'PROCMAN_BREAKER_OPEN'
const UNKNOWN = 'PROCMAN_PROCESS_UNKNOWN'
const CLOSED = 'PROCMAN_CLOSED'
const FAILED = 'PROCMAN_LAUNCH_FAILED'

export class Violation extends Error {}

export class Reference {
  readonly history: string[] = []
  readonly #nature: Nature
  readonly #isImmediate: boolean
  readonly #verbs = new Map<number, Verb>()
  #worlds: readonly World[] = [{ ...NOTHING, saved: NOTHING, calls: {} }]
  #isClosed = false
  #ails = false

  /** @param isImmediate a call takes effect when it is made, not some time before its answer (a start waits for its turn all the same) */
  constructor(nature: Nature, isImmediate = false) {
    this.#nature = nature
    this.#isImmediate = isImmediate
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * @param seen what the record says in this moment; undefined: nobody has looked
   * @returns the number of the call, to be given with its answer @throws Violation
   */
  call(verb: Verb, seen?: Seen | null): number {
    const call = this.#verbs.size
    this.#verbs.set(call, verb)
    const phase = this.#isClosed ? 'closed' : 'asked'
    const asked = (world: World) => ({ ...world, calls: { ...world.calls, [call]: phase } })
    const isAtOnce = this.#isImmediate && !this.#isClosed && !isLate(verb)
    this.#narrow(`call ${call}: ${verb}${seen === undefined ? '' : ` of what is ${wordsOf(seen)}`}`, (world) => {
      if (seen !== undefined && !looksLike(world, seen)) return []
      return isAtOnce ? this.#effect(asked(world), call, verb) : [asked(world)]
    })
    return call
  }

  /** @param result an error's code, or for a stop how the process is down (`cancelled`, `ended`), else `done` @throws Violation */
  answer(call: number, result: string): void {
    const verb = this.#verbs.get(call)
    this.#narrow(`answer ${call}: ${verb} → ${result}`, (world) => {
      const { [call]: phase, ...calls } = world.calls
      return phase !== undefined && fits(phase, result, verb, world.state) ? [{ ...world, calls }] : []
    })
  }

  /** From now on the command may end like this: something makes it. */
  mayEnd(end: End): void {
    this.#narrow(`may end ${end}`, (world) => [{ ...world, ...allow(world, end), saved: { ...world.saved, ...allow(world.saved, end) } }])
  }

  /** From now on its liveness probe fails, until it is healed. */
  ail(): void {
    this.#ails = true
    this.#narrow('ails', (world) => [world])
  }

  /** A probe that is under way may have failed already. */
  heal(): void {
    this.#ails = false
    this.mayEnd('fail')
  }

  /** The manager died. What was not on disk has not been; what it had begun to stop may end of it nevertheless. */
  crash(): void {
    this.#narrow('crash', (world) => [afterCrash(world, {})])
  }

  /** The manager let go: what is not answered is refused, whether it took effect or not. */
  close(): void {
    this.#isClosed = true
    const over = (phase: string): readonly string[] => {
      if (phase.startsWith('undo ')) return [phase.slice(5), CLOSED]
      if (phase === 'done' || DOWN.some((state) => state === phase)) return [phase]
      return isDecided(phase) ? [phase, CLOSED] : [CLOSED]
    }
    this.#narrow('close', (world) => combine(world.calls, over).map((calls) => afterCrash(world, calls)))
  }

  reopen(): void {
    this.#isClosed = false
    this.history.push('reopen')
  }

  /** @param seen what the record says; null: there is none @throws Violation */
  observe(seen: Seen | null): void {
    this.#narrow(`seen ${wordsOf(seen)}`, (world) => (looksLike(world, seen) ? [world] : []))
  }

  #narrow(what: string, next: (world: World) => readonly World[]): void {
    this.history.push(what)
    if (this.#worlds.length === 0) return // The first violation has been told.
    const before = this.#all()
    this.#worlds = distinct(before.flatMap(next))
    if (this.#worlds.length > 0) return
    const states = distinct(before.map(({ state, calls }) => ({ state, calls }))).map((each) => JSON.stringify(each))
    throw new Violation(`not allowed: ${what}\nafter:\n  ${this.history.join('\n  ')}\npossible before it:\n  ${states.slice(0, 20).join('\n  ')}`)
  }

  /** All worlds that may have come of those known, by what happens without anybody being told. */
  #all(): readonly World[] {
    const found = new Map(this.#worlds.map((world) => [keyOf(world), world]))
    for (const world of found.values()) for (const next of this.#next(world)) found.set(keyOf(next), found.get(keyOf(next)) ?? next)
    return [...found.values()]
  }

  #next(world: World): readonly World[] {
    const { state, may, spent, failures, calls } = world
    const saved = { ...world, saved: { state, may, spent, failures }, calls: mapped(calls, (phase) => phase.replace('~', '')) }
    return [saved, ...this.#byItself(world), ...this.#takingEffect(world), ...this.#undone(world)]
  }

  #byItself(world: World): readonly World[] {
    const { state, calls, may, saved } = world
    const { ends, leaves, launchable, retries, breaker } = this.#nature
    const to = (next: State, more: Partial<World> = {}): World => ({ ...world, state: next, ...more })
    if (state === 'starting' && launchable) {
      // A run is on record by its intent: it is never forgotten, but how much was counted until it began may be.
      const intended = to('starting', { saved: { ...saved, state: 'starting', may } })
      const up = to('up', { calls: mapped(calls, (phase) => (phase === 'launching' ? 'done' : phase.replace('~', ''))) })
      return [intended, { ...up, saved: { ...saved, state: 'up', may } }]
    }
    if (state === 'starting') return this.#ended(to(state, { calls: this.#refused(calls, FAILED) }), 'fail')
    if (state === 'up') {
      const possible: readonly End[] = ends === null ? may : [...may, ends]
      const rest = possible.flatMap((end) => {
        const over = to('up', { may: may.filter((other) => other !== end) })
        return [...this.#ended(over, end), ...(leaves ? [{ ...over, state: `cleaning ${end}` } as const] : [])]
      })
      return this.#isUnwell(world) ? [...rest, to('cleaning fail')] : rest
    }
    if (state === 'cleaning ok') return this.#ended(world, 'ok')
    if (state === 'cleaning fail') return this.#ended(world, 'fail')
    if (state === 'backoff') return retries === 'at once' ? [to('starting')] : []
    if (state === 'held') return breaker === 'cools soon' ? [to('starting')] : []
    if (state === 'stopping') return [to('cancelled', { calls: mapped(calls, (phase) => (phase === 'stopping' ? '~cancelled' : phase)) })]
    return state === 'restarting' ? [to('starting')] : []
  }

  /** Procman itself ends it, to start it again. */
  #isUnwell({ may }: World): boolean {
    return this.#nature.probed && this.#nature.strategy !== 'never' && (this.#ails || may.includes('fail'))
  }

  #ended(world: World, end: End): readonly World[] {
    const { strategy, maxAttempts, breaker, probed, launchable } = this.#nature
    if (strategy === 'never') return [{ ...world, state: 'ended' }]
    const failures = breaker === 'none' ? 0 : end === 'fail' ? Math.min(OPENS, world.failures + 1) : world.failures < OPENS ? world.failures : 0
    const over = { ...world, failures }
    if (strategy === 'on-failure' && end === 'ok') return [{ ...over, state: 'ended' }]
    const again = { ...over, spent: maxAttempts === 0 ? 0 : over.spent + 1, state: failures === OPENS ? 'held' : 'backoff' } as const
    // Its own end, a failed probe and a failed launch each have their budget.
    const mayGoOn = maxAttempts === 0 || over.spent < maxAttempts * (probed || !launchable ? 2 : 1)
    const mayGiveUp = maxAttempts > 0 && over.spent >= maxAttempts
    return [...(mayGoOn ? [again] : []), ...(mayGiveUp ? [{ ...over, state: 'ended' } as const] : [])]
  }

  /** Calls take effect in the order in which they were made; starts, which wait for their turn, at any time. */
  #takingEffect(world: World): readonly World[] {
    const asked = Object.keys(world.calls)
      .map(Number)
      .filter((call) => world.calls[call] === 'asked')
    const late = asked.filter((call) => isLate(this.#verbs.get(call)))
    const first = asked.find((call) => !late.includes(call))
    return [...late, ...(first === undefined ? [] : [first])].flatMap((call) => this.#effect(world, call, this.#verbs.get(call)))
  }

  #effect(world: World, call: number, verb: Verb | undefined): readonly World[] {
    const { state } = world
    const to = (next: State, phase: string, calls = world.calls): World => ({ ...world, state: next, calls: { ...calls, [call]: phase } })
    const stays = (phase: string) => [to(state, phase)]
    const isUp = UP.includes(state)
    if (verb === 'refresh') return stays('done')
    if (verb === 'start' || verb === 'create') {
      if (state !== 'absent') return stays('PROCMAN_PROCESS_EXISTS')
      return [verb === 'start' ? to('starting', 'launching') : to('pending', '~done')]
    }
    if (state === 'absent') return stays(UNKNOWN)
    if (verb === 'stop' && isUp) return [to('stopping', 'stopping', this.#refused(world.calls, WRONG))]
    if (verb === 'stop') return DOWN.includes(state) ? stays(`~${state}`) : [to('cancelled', '~cancelled')]
    if (verb === 'signal' || verb === 'hang-up') {
      if (!isUp) return stays(WRONG)
      const isThere = state === 'up' && this.#nature.ends === null && world.may.length === 0 && !this.#ails
      const hit = verb === 'hang-up' ? { ...world, ...allow(world, 'fail') } : world
      return (isThere ? ['done'] : ['done', 'PROCMAN_SIGNAL_FAILED']).map((phase) => ({ ...hit, calls: { ...world.calls, [call]: phase } }))
    }
    if (verb === 'remove')
      return isUp || state === 'backoff' || state === 'held' ? stays(WRONG) : [{ ...to('absent', '~done', withoutUndo(world.calls)), spent: 0, failures: 0 }]
    if (verb === 'reset') return this.#reset(world, call)
    if (verb === 'relabel' || verb === 'hold' || (verb === 'respec' && state !== 'starting' && state !== 'up')) return this.#declared(world, call, verb)
    // What a failed start is about to take back may be refused to be begun again.
    const isFailing = DOWN.includes(state) && hasUndo(world.calls)
    const isForced = verb === 'launch-force' || verb === 'restart-force'
    if (!isUp) {
      const begun = { ...to('starting', 'launching'), spent: 0, ...(isForced ? { failures: 0 } : {}) }
      const refused = isFailing ? stays(WRONG) : []
      if (isForced || world.failures < OPENS) return [begun, ...refused]
      return this.#nature.breaker === 'cools soon' ? [begun, ...stays(OPEN), ...refused] : [...stays(OPEN), ...refused]
    }
    const isRestart = verb === 'restart' || verb === 'restart-force' || verb === 'respec'
    if (!isRestart || (state !== 'starting' && state !== 'up')) return stays(WRONG)
    const restarting = { ...to('restarting', 'launching'), spent: 0, ...(isForced ? { failures: 0 } : {}) }
    // The run that was about to begin is voided before it is on disk that another one is to follow.
    return state === 'up' ? [restarting] : [restarting, { ...restarting, saved: { ...world.saved, state: 'cancelled' } }]
  }

  /** Nothing happens to it. */
  #declared({ state, calls, ...rest }: World, call: number, verb: Declaring): readonly World[] {
    const isDown = state === 'pending' || DOWN.includes(state)
    const results = verb === 'hold' && !isDown ? [WRONG] : DOWN.includes(state) && hasUndo(calls) ? ['~done', WRONG] : ['~done']
    return results.map((phase) => ({ ...rest, state, calls: { ...calls, [call]: phase } }))
  }

  /** Whatever state it is in; only one that is held back begins a run. */
  #reset(world: World, call: number): readonly World[] {
    const to = (state: State, phase: string): World => ({ ...world, state, spent: 0, failures: 0, calls: { ...world.calls, [call]: phase } })
    const { state, calls } = world
    const refused = DOWN.includes(state) && hasUndo(calls) ? [{ ...world, calls: { ...calls, [call]: WRONG } }] : []
    if (state !== 'held') return [to(state, '~done'), ...refused]
    const begun = to('starting', 'launching')
    // It cools just now: then its deadline begins the run.
    return this.#nature.breaker === 'cools soon' ? [begun, to('held', '~done'), to('held', 'launching')] : [begun]
  }

  /** A start that has failed takes back what it made: stops it, then removes it. Unless a later launch was granted meanwhile. */
  #undone(world: World): readonly World[] {
    const { state } = world
    if (state === 'up' || !hasUndo(world.calls)) return []
    const calls = this.#refused(world.calls, WRONG)
    const over = mapped(withoutUndo(calls), (phase) => (phase === 'stopping' ? 'cancelled' : phase.replace('~', '')))
    const isMoving = UP.includes(state) || state === 'backoff' || state === 'held'
    return [{ ...NOTHING, saved: NOTHING, calls: over }, ...(isMoving ? [{ ...world, state: 'stopping', calls } as const] : [])]
  }

  /** All that wait for a launch learn that it will not be. */
  #refused(calls: World['calls'], code: string): World['calls'] {
    return mapped(calls, (phase, call) => (phase !== 'launching' ? phase : this.#verbs.get(call) === 'start' ? `undo ${code}` : code))
  }
}

/** What is to be taken back is gone already. */
function withoutUndo(calls: World['calls']): World['calls'] {
  return mapped(calls, (phase) => phase.replace('undo ', ''))
}

function hasUndo(calls: World['calls']): boolean {
  return Object.values(calls).some((phase) => phase.startsWith('undo '))
}

function isLate(verb: Verb | undefined): boolean {
  return verb === 'start' || verb === 'create' || verb === 'refresh'
}

function isLaunch(verb: Verb | undefined): boolean {
  return verb === 'launch' || verb === 'launch-force' || verb === 'restart' || verb === 'restart-force' || verb === 'reset' || verb === 'respec'
}

function isDecided(phase: string): boolean {
  return !/^(asked|launching|stopping|closed|~.*)$/.test(phase)
}

/** May a call in this phase be answered like that now? */
function fits(phase: string, result: string, verb: Verb | undefined, state: State): boolean {
  if (phase === 'closed') {
    if (verb === 'stop' && !UP.includes(state) && result === (state === 'absent' ? UNKNOWN : state)) return true
    return result === CLOSED || (verb === 'refresh' && result === 'done')
  }
  if (!isDecided(phase) || phase.startsWith('undo ')) return false
  // Launched, and gone before it could be told of.
  return phase === result || (phase === 'done' && result === UNKNOWN && state === 'absent' && isLaunch(verb))
}

function wordsOf(seen: Seen | null): string {
  return seen === null ? 'absent' : `${seen.state} (${seen.status}${seen.breaker ? `, breaker ${seen.breaker.state}` : ''})`
}

function looksLike({ state, failures }: World, seen: Seen | null): boolean {
  if (seen === null) return state === 'absent'
  if (seen.breaker && (seen.breaker.state === 'closed') !== failures < OPENS) return false
  if (seen.state === 'exited') return state === (seen.status === 'cancelled' ? 'cancelled' : 'ended')
  if (seen.state === 'stopping') return state === 'stopping' || state === 'restarting' || state.startsWith('cleaning')
  if (seen.state === 'backoff') return state === 'backoff' || state === 'held'
  return state === (seen.state === 'running' || seen.state === 'unhealthy' ? 'up' : seen.state)
}

function afterCrash({ state, saved }: World, calls: World['calls']): World {
  const then = state === saved.state ? saved : { ...saved, ...allow(saved, 'fail') }
  return { ...then, saved: then, calls }
}
