/** What is played: up to three processes, and who does what to which of them, at the same time. */
import fc from 'fast-check'
import type { ProcessInput } from '../../src/api.ts'
import type { Nature } from './reference.ts'

export const HABITS = ['obeys', 'is stubborn', 'exits 0', 'exits 3', 'leaves a child', 'leaves a stubborn child', 'is missing', 'is sick at times'] as const
export type Habit = (typeof HABITS)[number]

export interface Cast {
  readonly habit: Habit
  readonly strategy: Nature['strategy']
  readonly retries: Nature['retries']
  /** Restarts by policy, for each cause, until a command; 0: no limit. */
  readonly maxAttempts: number
  readonly breaker: Nature['breaker']
}

/**
 * What befalls the manager befalls all its processes: `crash`, `close`, `answers`, which waits until all calls are answered, and `rest`, which waits until nothing
 * more happens by itself. `noticed` waits until one that is sick is not taken for well any more.
 */
export type Verb =
  | 'start'
  | 'create'
  | 'launch'
  | 'launch force'
  | 'stop'
  | 'stop at once'
  | 'cancel'
  | 'restart'
  | 'restart force'
  | 'reset'
  | 'remove'
  | 'refresh'
  | 'relabel'
  | 'respec'
  | 'hold'
  | 'signal'
  | 'hang up'
  | 'exit 0'
  | 'exit 3'
  | 'foreign kill'
  | 'sicken'
  | 'noticed'
  | 'heal'
  | 'answers'
  | 'rest'
  | 'crash'
  | 'close'
  | 'close and reopen'

export interface Step {
  readonly verb: Verb
  /** Index of the process. */
  readonly who: number
  /** How long until the next step: turns of the loop, or ms. */
  readonly gap: { readonly turns: number } | { readonly ms: number }
}

export interface Schedule {
  readonly cast: readonly Cast[]
  readonly steps: readonly Step[]
  /** What comes over the manager right after all was stopped. */
  readonly finale: 'nothing' | 'crash' | 'close and reopen'
}

const NOTHING_MS = { turns: 0 } as const

export function step(verb: Verb, gap: Step['gap'] = NOTHING_MS, who = 0): Step {
  return { verb, who, gap }
}

const weights: Readonly<Partial<Record<Verb, number>>> = {
  start: 5,
  create: 1,
  launch: 4,
  stop: 4,
  'stop at once': 2,
  restart: 4,
  remove: 3,
  'exit 3': 3,
  reset: 2,
  respec: 2,
  sicken: 2,
}
const always: readonly Verb[] = [
  'refresh',
  'signal',
  'hang up',
  'exit 0',
  'foreign kill',
  'cancel',
  'launch force',
  'restart force',
  'relabel',
  'hold',
  'noticed',
  'heal',
  'answers',
]

const aCast: fc.Arbitrary<Cast> = fc
  .record({
    habit: fc.oneof({ weight: 3, arbitrary: fc.constant<Habit>('obeys') }, { weight: 5, arbitrary: fc.constantFrom(...HABITS) }),
    strategy: fc.constantFrom('never' as const, 'on-failure' as const, 'always' as const),
    retries: fc.constantFrom('at once' as const, 'much later' as const),
    maxAttempts: fc.constantFrom(0, 2),
    breaker: fc.constantFrom('none' as const, 'cools soon' as const, 'cools much later' as const),
  })
  // One that ends at once and is retried at once for ever would have the machine for itself.
  .map((cast) => (cast.habit === 'obeys' || cast.habit === 'is stubborn' ? cast : { ...cast, maxAttempts: 2 }))

/** Where the first process has come to before anything is done at the same time: maybe it has failed twice already, which is what opens a breaker. */
const PRELUDES: readonly (readonly Verb[])[] = [[], ['rest'], ['rest', 'exit 3', 'rest', 'exit 3', 'rest']]

/** @param more what may befall the manager */
export function aSchedule(more: readonly ('crash' | 'close' | 'close and reopen')[] = []): fc.Arbitrary<Schedule> {
  const verbs = [...Object.entries(weights), ...[...always, ...more].map((verb) => [verb, 1] as const)] as readonly (readonly [Verb, number])[]
  const gap = fc.oneof(fc.record({ turns: fc.nat({ max: 4 }) }), fc.record({ ms: fc.nat({ max: 5 }) }))
  const aStep = fc.record({
    verb: fc.oneof(...verbs.map(([verb, weight]) => ({ weight: more.includes(verb as 'crash') ? weight + 2 : weight, arbitrary: fc.constant(verb) }))),
    who: fc.nat({ max: 2 }),
    gap,
  })
  const finales = more.includes('crash')
    ? (['nothing', 'crash'] as const)
    : more.length > 0
      ? (['nothing', 'close and reopen'] as const)
      : (['nothing'] as const)
  return fc.record({
    cast: fc.array(aCast, { minLength: 1, maxLength: 3 }),
    // Who is started is worth the most.
    steps: fc
      .tuple(gap, fc.constantFrom(...PRELUDES), fc.array(aStep, { minLength: 3, maxLength: 14 }))
      .map(([first, prelude, rest]) => [step('start', first), ...prelude.map((verb) => step(verb)), ...rest]),
    finale: fc.constantFrom(...finales),
  })
}

export function show({ cast, steps, finale }: Schedule): string {
  const lines = steps.map(({ verb, who, gap }) => `${verb} ${who % cast.length}, then ${'ms' in gap ? `${gap.ms} ms` : `${gap.turns} turns`}`)
  return [...cast.map((each, index) => `${index}: ${JSON.stringify(each)}`), ...lines, `finale: ${finale}`].join('\n  ')
}

export function natureOf({ habit, strategy, retries, maxAttempts, breaker }: Cast): Nature {
  const ends = habit === 'exits 0' ? 'ok' : habit === 'exits 3' ? 'fail' : null
  const [probed, leaves, launchable] = [habit === 'is sick at times', habit.startsWith('leaves'), habit !== 'is missing']
  // Where nothing is started again there is no breaker.
  return { strategy, retries, maxAttempts, ends, probed, leaves, launchable, breaker: strategy === 'never' ? 'none' : breaker }
}

/**
 * Each run leaves a trace that procman has no part in: who it is, whether the one before it is still there, and how it means to end. A process is named by pid and
 * start time: pids come again. Only builtins of the shell, so that it costs one process.
 */
const TRACE = `
if read -r pid began 2>/dev/null < "$HERE/$PROCMAN_ID.last" && read -r stat 2>/dev/null < "/proc/$pid/stat"; then
  set -- $stat
  [ "\${22}" = "$began" ] && [ "$3" != Z ] && echo "overlap $PROCMAN_ID $NONCE $PROCMAN_RUN $pid" >> "$HERE/trace"
fi
read -r stat < "/proc/$$/stat"
set -- $stat
echo "$$ \${22}" > "$HERE/$PROCMAN_ID.last"
echo "begin $PROCMAN_ID $NONCE $PROCMAN_RUN $$" >> "$HERE/trace"
`
const END = 'echo "end $PROCMAN_ID $NONCE $PROCMAN_RUN $code" >> "$HERE/trace"; exit "$code"'

const SCRIPTS: Readonly<Record<Habit, string>> = {
  obeys: `${TRACE} read -r code; ${END}`,
  'is stubborn': `trap '' TERM; ${TRACE} read -r code; ${END}`,
  'exits 0': `${TRACE} code=0; ${END}`,
  'exits 3': `${TRACE} code=3; ${END}`,
  'leaves a child': `${TRACE} sleep 600 & read -r code; ${END}`,
  'leaves a stubborn child': `trap '' TERM; ${TRACE} sleep 600 & read -r code; ${END}`,
  'is missing': '',
  // Who is sick does not listen.
  'is sick at times': `trap '' TERM; ${TRACE} read -r code; ${END}`,
}

/** Is sick while the file is there. */
export function sicknessOf(id: string, here: string): string {
  return `${here}/${id}.sick`
}

/** Longer than any test. */
const NEVER_MS = 3_600_000

/** @param here directory for the traces @param nonce names this start of the process among all */
export function inputOf({ habit, strategy, retries, maxAttempts, breaker }: Cast, id: string, here: string, nonce: string): ProcessInput {
  return {
    ...(habit === 'is missing' ? { command: '/nowhere/to-be-found' } : { command: 'sh', args: ['-c', SCRIPTS[habit]] }),
    id,
    env: { HERE: here, NONCE: nonce },
    stdin: 'pipe',
    ...(habit === 'is sick at times' ? { health: { liveness: { exec: ['test', '!', '-e', sicknessOf(id, here)], intervalMs: 25, failureThreshold: 1 } } } : {}),
    breaker: breaker === 'none' ? false : { failures: 2, windowMs: NEVER_MS, cooldownMs: breaker === 'cools soon' ? 5 : NEVER_MS },
    restart: { strategy, maxAttempts, delayMs: retries === 'at once' ? 0 : NEVER_MS, maxDelayMs: NEVER_MS, resetAfterMs: NEVER_MS, windowMs: NEVER_MS },
    // Who ignores SIGTERM is killed soon.
    stop: { timeoutMs: habit.includes('stubborn') || habit === 'is sick at times' ? 30 : 10_000 },
  }
}
