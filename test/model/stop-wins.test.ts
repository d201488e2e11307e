/**
 * The races that are known to be tight, one by one: what meets what, at each turn of the loop and each ms, and whatever is left then when the manager is killed,
 * or closed, right after the answers. Each is played against the model like a random schedule; a stop with nothing behind it must have won.
 */
import { describe, it, onTestFinished } from 'vitest'
import { aHome } from '../e2e/harness.ts'
import { some } from '../effort.ts'
import { censusOf, type Driver, inManager, inProcess } from './drivers.ts'
import { play } from './play.ts'
import { type Cast, type Habit, type Schedule, type Step, step, type Verb } from './schedule.ts'

const GAPS: readonly Step['gap'][] = [...[0, 1, 2, 3, 4, 6].map((turns) => ({ turns })), ...[0, 1, 2, 3, 4, 5, 7, 10, 15].map((ms) => ({ ms }))]

const cast = (habit: Habit, strategy: Cast['strategy'] = 'never', retries: Cast['retries'] = 'much later'): Cast => ({
  habit,
  strategy,
  retries,
  maxAttempts: habit === 'is sick at times' ? 2 : 0,
  breaker: 'none',
})

/** Two failures open its breaker. */
const held = (breaker: Cast['breaker']): Cast => ({ ...cast('obeys', 'on-failure', 'at once'), breaker })
const OPENED: readonly Verb[] = ['start', 'answers', 'rest', 'exit 3', 'rest', 'exit 3', 'rest']

const SICK: readonly Verb[] = ['start', 'answers', 'rest', 'sicken']

/** The steps in their order; `gap` stands where the race is. */
type Table = readonly [what: string, cast: Cast, before: readonly Verb[], first: Verb, then: readonly Verb[]]

const TABLES: readonly Table[] = [
  ['stop during start', cast('obeys', 'always', 'at once'), [], 'start', ['stop']],
  ['stop at once during start', cast('obeys', 'always', 'at once'), [], 'start', ['stop at once']],
  ['stop during start of one that ends at once', cast('exits 0'), [], 'start', ['stop']],
  ['stop during start of one that leaves something', cast('leaves a child', 'always', 'at once'), [], 'start', ['stop']],
  ['stop during launch', cast('obeys', 'always', 'at once'), ['create', 'answers'], 'launch', ['stop']],
  ['stop during restart', cast('obeys', 'always', 'at once'), ['start', 'answers'], 'restart', ['stop']],
  ['stop during restart of one that ignores SIGTERM', cast('is stubborn', 'always', 'at once'), ['start', 'answers'], 'restart', ['stop']],
  ['stop during backoff without delay', cast('obeys', 'always', 'at once'), ['start', 'answers'], 'exit 3', ['stop']],
  ['stop during a long backoff', cast('obeys', 'on-failure', 'much later'), ['start', 'answers'], 'exit 3', ['stop']],
  ['stop of one that is killed by a stranger', cast('obeys', 'always', 'at once'), ['start', 'answers'], 'foreign kill', ['stop']],
  ['stop of one whose leftovers are being stopped', cast('leaves a stubborn child', 'always', 'at once'), ['start', 'answers'], 'exit 0', ['stop']],
  ['stop twice', cast('is stubborn'), ['start', 'answers'], 'stop', ['stop at once']],
  ['stop, then remove at once', cast('obeys'), ['start', 'answers'], 'stop', ['remove']],
  ['stop, remove, and start of the same id', cast('obeys'), ['start', 'answers', 'stop', 'answers'], 'remove', ['start']],
  ['remove during start', cast('obeys'), [], 'start', ['remove']],
  ['remove during launch', cast('obeys'), ['create', 'answers'], 'launch', ['remove']],
  ['restart during stopping', cast('is stubborn', 'always', 'at once'), ['start', 'answers'], 'stop', ['restart']],
  ['restart during start, then stop', cast('obeys', 'always', 'at once'), [], 'start', ['restart', 'stop']],
  ['launch while a start is being stopped', cast('obeys'), ['start', 'stop'], 'stop', ['launch']],
  ['start of the same id twice', cast('obeys'), [], 'start', ['start']],
  ['start, stop, and start of the same id', cast('obeys'), [], 'start', ['stop', 'start']],
  ['start of what is not there, and restart', cast('is missing', 'always', 'at once'), [], 'start', ['restart']],
  ['stop of one that falls sick', cast('is sick at times', 'always', 'at once'), ['start', 'answers', 'rest'], 'sicken', ['stop']],
  ['stop during a restart for a failed probe', cast('is sick at times', 'always', 'at once'), [...SICK, 'noticed'], 'refresh', ['stop']],
  [
    'restart during a restart for a failed probe, then stop',
    cast('is sick at times', 'always', 'at once'),
    [...SICK, 'noticed'],
    'refresh',
    ['restart', 'stop'],
  ],
  ['stop during a reset behind an open breaker', held('cools much later'), OPENED, 'reset', ['stop']],
  ['stop during a forced restart behind an open breaker', held('cools much later'), OPENED, 'restart force', ['stop']],
  ['stop of one whose breaker cools', held('cools soon'), OPENED.slice(0, -2), 'exit 3', ['stop']],
  ['a start that an open breaker refuses, and a reset', held('cools much later'), OPENED, 'launch', ['reset', 'stop']],
]

/** Each gap by itself. */
function oneByOne([, who, before, first, then]: Table): readonly Schedule[] {
  return some(GAPS, 3).map((gap) => ({
    cast: [who],
    steps: [...before.map((verb) => step(verb)), step(first, gap), ...then.map((verb) => step(verb))],
    finale: 'nothing',
  }))
}

/** Many meet it in the same moment, each a little later than the one before; then the manager is taken away, and once more after all have been stopped. */
function atOnce([, who, before, first, then]: Table, end: 'crash' | 'close and reopen', isMiddle = false): readonly Schedule[] {
  const everyone = some([0, 1, 2, 3, 4, 5], 3)
  const all = (verb: Verb, gap: Step['gap'] = { turns: 0 }) =>
    verb === 'answers' || verb === 'rest' ? [step(verb)] : everyone.map((index) => step(verb, gap, index))
  const meeting = everyone.flatMap((index) => then.map((verb) => ({ verb, who: index })))
  return some([{ turns: 1 }, { ms: 1 }], isMiddle ? 1 : 2).map((gap) => ({
    cast: everyone.map(() => who),
    steps: [
      ...before.flatMap((verb) => all(verb)),
      ...all(first, isMiddle ? gap : { turns: 0 }),
      ...meeting.map(({ verb, who }) => step(verb, gap, who)),
      ...(isMiddle ? [] : [step('answers')]),
      step(end),
    ],
    finale: end,
  }))
}

/** One after the other, in as many lanes as there are drivers. */
async function playAll(drivers: readonly Driver[], schedules: readonly Schedule[]): Promise<void> {
  const left = [...schedules]
  const lane = async (driver: Driver) => {
    const census = censusOf(driver.home)
    for (let next = left.shift(); next !== undefined; next = left.shift()) await play(next, { driver, census })
  }
  await Promise.all(drivers.map(lane))
}

function managers(count: number): readonly Driver[] {
  const drivers = Array.from({ length: count }, () => inManager(aHome()))
  onTestFinished(async () => {
    for (const driver of drivers) await driver.end()
  })
  return drivers
}

describe('one supervisor for all', () => {
  it.each(TABLES)('%s', async (...table) => {
    const driver = await inProcess(aHome())
    await playAll([driver, driver, driver], oneByOne(table))
  })
})

describe('closed right after the answers, and opened again', () => {
  it.each(some(TABLES, 3))('%s', async (...table) => {
    await playAll([await inProcess(aHome())], atOnce(table, 'close and reopen'))
  })
})

describe('killed right after the answers', () => {
  it.each(some(TABLES, 3))('%s', async (...table) => {
    await playAll(managers(2), atOnce(table, 'crash'))
  })
})

describe('closed or killed in the middle', () => {
  const middle: readonly Table[] = [
    ['of a start', cast('obeys'), [], 'start', []],
    ['of a start of one that ends at once', cast('exits 3', 'on-failure', 'much later'), [], 'start', []],
    ['of a stop', cast('is stubborn'), ['start', 'answers'], 'stop', []],
    ['of a restart', cast('is stubborn'), ['start', 'answers'], 'restart', []],
    ['of a backoff', cast('obeys', 'always', 'at once'), ['start', 'answers'], 'exit 3', []],
    ['of a restart for a failed probe', cast('is sick at times', 'always', 'at once'), SICK, 'noticed', []],
    ['of a reset behind an open breaker', held('cools much later'), OPENED, 'reset', []],
    ['of a trial run', held('cools soon'), OPENED.slice(0, -2), 'exit 3', []],
    ['of a removal', cast('obeys'), ['start', 'answers', 'stop', 'answers'], 'remove', []],
  ]
  it.each(middle)('%s', async (...table) => {
    await playAll([await inProcess(aHome())], atOnce(table, 'close and reopen', true))
    await playAll(managers(2), atOnce(table, 'crash', true))
  })
})
