/**
 * One process as its user sees it, written down apart from the product: what each call may be answered, given what else was called, what the process did, and
 * managers that die. Calls overlap and a process ends when it likes, so this is no trajectory but the set of all worlds that may be the real one. Each answer
 * leaves those in which it is possible; when none is left, the product has done what nobody may expect.
 */
import { allow, combine, distinct, type End, keyOf, mapped, type State, type World } from './world.ts'

export type Verb = 'start' | 'create' | 'launch' | 'stop' | 'restart' | 'remove' | 'signal' | 'hang-up' | 'refresh'

/** What is known beforehand. */
export interface Nature {
  readonly strategy: 'never' | 'on-failure' | 'always'
  /** A retry is due at once, or not in the time of a test. */
  readonly retries: 'at once' | 'much later'
  readonly givesUp: boolean
  /** The command ends by itself, like this; null: when it is made to. */
  readonly ends: End | null
  /** It leaves something behind that has to be stopped. */
  readonly leaves: boolean
  readonly launchable: boolean
}

const DOWN: readonly State[] = ['cancelled', 'ended']
const UP: readonly State[] = ['starting', 'up', 'cleaning ok', 'cleaning fail', 'stopping', 'restarting']
const WRONG = 'PROCMAN_WRONG_STATE'
const UNKNOWN = 'PROCMAN_PROCESS_UNKNOWN'
const CLOSED = 'PROCMAN_CLOSED'
const FAILED = 'PROCMAN_LAUNCH_FAILED'

export class Violation extends Error {}

export class Reference {
  readonly history: string[] = []
  readonly #nature: Nature
  readonly #isImmediate: boolean
  readonly #verbs = new Map<number, Verb>()
  #worlds: readonly World[] = [{ state: 'absent', may: [], saved: { state: 'absent', may: [] }, calls: {} }]
  #isClosed = false

  /** @param isImmediate a call takes effect when it is made, not some time before its answer (a start waits for its turn all the same) */
  constructor(nature: Nature, isImmediate = false) {
    this.#nature = nature
    this.#isImmediate = isImmediate
  }

  /** @returns the number of the call, to be given with its answer */
  call(verb: Verb): number {
    const call = this.#verbs.size
    this.#verbs.set(call, verb)
    const phase = this.#isClosed ? 'closed' : 'asked'
    this.#narrow(`call ${call}: ${verb}`, (world) => [{ ...world, calls: { ...world.calls, [call]: phase } }])
    if (this.#isImmediate && !this.#isClosed && !isLate(verb)) this.#worlds = this.#all().filter((world) => world.calls[call] !== 'asked')
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

  /** @param seen state and status of the record; null: there is none @throws Violation */
  observe(seen: { readonly state: string; readonly status: string } | null): void {
    this.#narrow(`seen ${seen === null ? 'absent' : `${seen.state} (${seen.status})`}`, (world) => (looksLike(world.state, seen) ? [world] : []))
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
    const { state, may, calls } = world
    const saved = { ...world, saved: { state, may }, calls: mapped(calls, (phase) => phase.replace('~', '')) }
    return [saved, ...this.#byItself(world), ...this.#takingEffect(world), ...this.#undone(world)]
  }

  #byItself(world: World): readonly World[] {
    const { state, calls, may } = world
    const { ends, leaves, launchable, retries } = this.#nature
    const to = (next: State, more: Partial<World> = {}): World => ({ ...world, state: next, ...more })
    if (state === 'starting' && launchable) {
      // An executed run is never forgotten.
      const up = to('up', { calls: mapped(calls, (phase) => (phase === 'launching' ? 'done' : phase.replace('~', ''))) })
      return [{ ...up, saved: { state: 'up', may } }]
    }
    if (state === 'starting') return this.#after('fail').map((next) => to(next, { calls: this.#refused(calls, FAILED) }))
    if (state === 'up') {
      const possible: readonly End[] = ends === null ? may : [...may, ends]
      return possible.flatMap((end) => {
        const rest = { may: may.filter((other) => other !== end) }
        return [...this.#after(end).map((next) => to(next, rest)), ...(leaves ? [to(`cleaning ${end}`, rest)] : [])]
      })
    }
    if (state === 'cleaning ok') return this.#after('ok').map((next) => to(next))
    if (state === 'cleaning fail') return this.#after('fail').map((next) => to(next))
    if (state === 'backoff') return retries === 'at once' ? [to('starting')] : []
    if (state === 'stopping') return [to('cancelled', { calls: mapped(calls, (phase) => (phase === 'stopping' ? '~cancelled' : phase)) })]
    return state === 'restarting' ? [to('starting')] : []
  }

  #after(end: End): readonly State[] {
    const { strategy, givesUp } = this.#nature
    if (strategy === 'never' || (strategy === 'on-failure' && end === 'ok')) return ['ended']
    return givesUp ? ['backoff', 'ended'] : ['backoff']
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
      const isThere = state === 'up' && this.#nature.ends === null && world.may.length === 0
      const hit = verb === 'hang-up' ? { ...world, ...allow(world, 'fail') } : world
      return (isThere ? ['done'] : ['done', 'PROCMAN_SIGNAL_FAILED']).map((phase) => ({ ...hit, calls: { ...world.calls, [call]: phase } }))
    }
    if (verb === 'remove') return isUp || state === 'backoff' ? stays(WRONG) : [to('absent', '~done', withoutUndo(world.calls))]
    // What a failed start is about to take back may be refused to be begun again.
    const isFailing = DOWN.includes(state) && Object.values(world.calls).some((phase) => phase.startsWith('undo '))
    if (!isUp) return [to('starting', 'launching'), ...(isFailing ? stays(WRONG) : [])]
    return verb === 'restart' && (state === 'starting' || state === 'up') ? [to('restarting', 'launching')] : stays(WRONG)
  }

  /** A start that has failed takes back what it made: stops it, then removes it. Unless a later launch was granted meanwhile. */
  #undone(world: World): readonly World[] {
    const { state } = world
    if (state === 'up' || !Object.values(world.calls).some((phase) => phase.startsWith('undo '))) return []
    const calls = this.#refused(world.calls, WRONG)
    const over = mapped(withoutUndo(calls), (phase) => (phase === 'stopping' ? 'cancelled' : phase.replace('~', '')))
    const gone = { state: 'absent', may: [] } as const
    const isMoving = UP.includes(state) || state === 'backoff'
    return [{ ...gone, saved: gone, calls: over }, ...(isMoving ? [{ ...world, state: 'stopping', calls } as const] : [])]
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

function isLate(verb: Verb | undefined): boolean {
  return verb === 'start' || verb === 'create' || verb === 'refresh'
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
  return phase === result || (phase === 'done' && result === UNKNOWN && state === 'absent' && (verb === 'launch' || verb === 'restart'))
}

function looksLike(state: State, seen: { readonly state: string; readonly status: string } | null): boolean {
  if (seen === null) return state === 'absent'
  if (seen.state === 'exited') return state === (seen.status === 'cancelled' ? 'cancelled' : 'ended')
  if (seen.state === 'stopping') return state === 'stopping' || state === 'restarting' || state.startsWith('cleaning')
  return state === (seen.state === 'running' ? 'up' : seen.state)
}

function afterCrash({ state, saved }: World, calls: World['calls']): World {
  const then = state === saved.state ? saved : { ...saved, ...allow(saved, 'fail') }
  return { ...then, saved: then, calls }
}
