/**
 * Model-based, outside, for services: the paths over probes, readiness, failed starts, restarts, breaker and reset are taken from the production machine and
 * walked by a real supervisor with real processes, while a real HTTP server gives each answer of a probe when the test says so. After each act that what is
 * known of the process is what the machine says: state, ready, verdicts, counters, breaker, reasons. Every second path is walked with its manager killed in the
 * middle and replaced.
 *
 * Left out: walks go as far as the run that each service of health-paths.ts names, and to each situation by one shortest path (and one for each command that
 * leads there), so not every order of the same acts; answers come one at a time, so no two probes race (test/model does that); a server of the process's own,
 * other kinds of probes, timeouts and refused connections (tests of probes); launches that fail, orphans, resources and ports as causes; managers killed while
 * something is under way (test/model, test/crash).
 */
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Supervisor } from '../../src/api.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import type { ProbeName } from '../../src/types.ts'
import { censusOf, type Driver, inManager, inProcess } from '../model/drivers.ts'
import { agreed, aHome, kill, lives, pause, rejection, until } from './harness.ts'
import { type Act, essenceOf, OUTCOMES, SERVICES, type Service, type Walk, walksOf } from './health-paths.ts'
import { SteeredAnswers } from './steered-answers.ts'

/** So many walk side by side. */
const LANES = 8
const PATIENCE_MS = 20_000

const COMMANDS: Readonly<Record<string, readonly [method: keyof Supervisor, ...args: readonly unknown[]]>> = {
  start: ['launch'],
  'start force': ['launch', { force: true }],
  stop: ['stop'],
  restart: ['restart'],
  'restart force': ['restart', { force: true }],
  reset: ['reset'],
}

class Walker {
  readonly id: string
  readonly #service: Service
  readonly #walk: Walk
  readonly #driver: Driver
  readonly #answers: SteeredAnswers
  readonly #census: ReturnType<typeof censusOf>
  #walked = 0

  constructor(id: string, service: Service, walk: Walk, driver: Driver, answers: SteeredAnswers, census: ReturnType<typeof censusOf>) {
    this.id = id
    this.#service = service
    this.#walk = walk
    this.#driver = driver
    this.#answers = answers
    this.#census = census
  }

  async begin(): Promise<void> {
    const input = this.#service.input(this.id, (probe) => this.#answers.urlOf(this.id, probe))
    await this.#driver.call('start', input)
  }

  /** @param share of the path, counted from its beginning */
  async goOn(share: number): Promise<void> {
    const { acts, title } = this.#walk
    try {
      for (const act of acts.slice(this.#walked, Math.ceil(acts.length * share))) {
        await this.#perform(act)
        await this.#comesTo(act)
        this.#walked += 1
      }
    } catch (error) {
      throw new Error(`${this.#service.name}: ${title}: at act ${this.#walked + 1}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** Whatever the machine refuses at the end of the path is refused, and changes nothing. */
  async end(): Promise<void> {
    const last = this.#walk.acts.at(-1)
    for (const name of last?.refused ?? [])
      expect([name, (await rejection(this.#command(name))).code]).toEqual([name, expect.stringMatching(/^PROCMAN_(BREAKER_OPEN|WRONG_STATE)$/)])
    if (last !== undefined) await this.#comesTo(last)
    await this.#driver.call('stop', this.id, { timeoutMs: 0 })
    await this.#driver.call('remove', this.id)
  }

  async #perform({ name }: Act): Promise<void> {
    const { run, pid } = await this.#record()
    const [probe, verb] = name.split(' ')
    if (name in COMMANDS) await this.#command(name)
    else if (name === 'foreign kill') kill(pid)
    else if (name in OUTCOMES) await this.#driver.call('write', this.id, `${name}\n`)
    else if (name === 'says it is ready') await this.#saysItIsReady()
    else await this.#answers.answer(this.id, run, probe as ProbeName, verb === 'passes' ? 200 : 503)
    if (['exit 0', 'exit 1', 'foreign kill'].includes(name)) expect(await this.#isGone(pid)).toBe(true)
  }

  /** Heard or not: the record does not tell while a probe is waited for, the state on disk does. */
  async #saysItIsReady(): Promise<void> {
    await this.#driver.call('write', this.id, 'echo come in\n')
    const state = this.#driver.home.jobFile(this.id, 'state.json')
    await until('it was heard', () => JSON.parse(readFileSync(state, 'utf8')).snapshot.context.signalledAtMs)
  }

  #command(name: string): Promise<unknown> {
    const [method, ...args] = COMMANDS[name] ?? ['get']
    return this.#driver.call(method, this.id, ...args)
  }

  async #record(): Promise<ProcessRecord> {
    return (await this.#driver.call('get', this.id)) as ProcessRecord
  }

  async #isGone(pid: number | null): Promise<boolean> {
    for (const giveUpAtMs = Date.now() + PATIENCE_MS; lives(pid) && Date.now() < giveUpAtMs; ) await pause(2)
    return !lives(pid)
  }

  /** Record, actor and OS agree with each other and with the machine. */
  async #comesTo({ expected }: Act): Promise<void> {
    const giveUpAtMs = Date.now() + PATIENCE_MS
    let record = await this.#record()
    while (!isDeepStrictEqual(essenceOf(record), expected) && Date.now() < giveUpAtMs) {
      await pause(5)
      record = await this.#record()
    }
    expect(essenceOf(record)).toEqual(expected)
    agreed(record)
    const own = (await this.#census()).filter(({ token }) => token.split('.')[1] === this.id)
    expect(own.map(({ pid }) => pid)).toEqual(record.pid === null ? [] : [record.pid])
  }
}

async function inLanes(walkers: readonly Walker[], work: (walker: Walker) => Promise<void>): Promise<void> {
  const left = [...walkers]
  const lane = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

/** Each with the walks of one service. */
const ALL = SERVICES.map((service) => ({ service, walks: walksOf(service) }))
const everySecond = <T>(all: readonly T[], from: 0 | 1) => all.filter((_, index) => index % 2 === from)

function walkersOf(driver: Driver, answers: SteeredAnswers, from: 0 | 1, among = ALL): readonly Walker[] {
  const census = censusOf(driver.home)
  const walks = among.flatMap(({ service, walks }) => everySecond(walks, from).map((walk) => ({ service, walk })))
  return walks.map(({ service, walk }, index) => new Walker(`walk-${String(index).padStart(3, '0')}`, service, walk, driver, answers, census))
}

describe('real processes walk the paths of their machine', () => {
  it.each(ALL.map((each) => [each.walks.length, each.service.name, each] as const))('%i of them: %s', async (count, _, each) => {
    expect(count).toBeGreaterThan(20)
    const driver = await inProcess(aHome())
    const walkers = walkersOf(driver, await SteeredAnswers.listen(), 0, [each])
    await inLanes(walkers, async (walker) => {
      await walker.begin()
      await walker.goOn(1)
      await walker.end()
    })
    expect(await driver.problems()).toEqual([])
  })

  it('every second one: under a manager that is killed in the middle, and the next one', async () => {
    const driver = inManager(aHome())
    onTestFinished(() => driver.end())
    const answers = await SteeredAnswers.listen()
    const walkers = walkersOf(driver, answers, 1)
    await inLanes(walkers, async (walker) => {
      await walker.begin()
      await walker.goOn(0.5)
    })
    // Answers that turn nothing may be on disk some seconds later: a refresh is answered when they are.
    await driver.call('refresh')
    await driver.crash()
    answers.forget()
    await inLanes(walkers, async (walker) => {
      await walker.goOn(1)
      await walker.end()
    })
    expect(await driver.problems()).toEqual([])
  }, 120_000)
})
