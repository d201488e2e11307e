/** Plays a schedule in the real world, asks the model of each process about each answer, and at the end everybody: the record, the actor, the OS and the traces. */
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Supervisor } from '../../src/api.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { agreed, kill, lives, pause, type Stray } from '../e2e/harness.ts'
import { type Driver, LOST } from './drivers.ts'
import { type Verb as Call, type Declaring, Reference } from './reference.ts'
import { type Cast, inputOf, natureOf, type Schedule, type Step, show, sicknessOf } from './schedule.ts'

/** Not how fast: whether at all. Far more than any call may take: a machine that stands still for a while is no call that hangs. */
const WATCHDOG_MS = 40_000

export interface Stage {
  readonly driver: Driver
  readonly census: () => Promise<readonly Stray[]>
}

/** What has been played and is over: nothing of it may ever be heard of again. */
export interface Played {
  readonly trace: string
  readonly text: string
}

let played = 0
/** How often each call was answered how. */
const tally = new Map<string, number>()

export function answersSoFar(): string {
  return [...tally]
    .sort()
    .map(([answer, count]) => `${answer} ${count}`)
    .join(', ')
}

/** @returns what it left @throws with the schedule and what each process went through */
export async function play(schedule: Schedule, stage: Stage): Promise<Played> {
  // Of one length: no id may be the prefix of another.
  const name = `s${String(++played).padStart(6, '0')}`
  const here = stage.driver.home.path(name)
  mkdirSync(here)
  const actors = schedule.cast.map((cast, index) => new Actor(`${name}-${index}`, cast, here, stage))
  try {
    for (const step of schedule.steps) {
      await perform(step, actors, stage.driver)
      await passed(step.gap)
    }
    await conclude(schedule, actors, stage.driver)
  } catch (error) {
    const histories = actors.map((actor) => `${actor.id}:\n  ${actor.model.history.join('\n  ')}`)
    const traces = `traces:\n  ${traceOf(here).join('\n  ')}`
    throw new Error([(error as Error).message, `manager: ${stage.driver.condition()}`, `schedule:\n  ${show(schedule)}`, ...histories, traces].join('\n'))
  } finally {
    for (const actor of actors) await actor.clear()
  }
  return { trace: join(here, 'trace'), text: traceOf(here).join('\n') }
}

/** The end of a schedule: all rest, all are stopped, nobody comes back, all are removed. */
async function conclude({ finale }: Schedule, actors: readonly Actor[], driver: Driver): Promise<void> {
  const each = async (act: (actor: Actor) => Promise<void>) => {
    await Promise.all(actors.map(act))
  }
  await rest(actors)
  for (const actor of actors) if (actor.isThere) actor.issue('stop')
  await each((actor) => actor.answered())
  const before = actors.map((actor) => actor.runs())
  await befall(finale, actors, driver)
  await each((actor) => actor.comesToRest())
  for (const actor of actors) actor.issue('refresh')
  await rest(actors)
  for (const actor of actors) actor.mustBeDown()
  for (const actor of actors) if (actor.isThere) actor.issue('remove')
  await rest(actors)
  for (const actor of actors) if (actor.isThere || existsSync(actor.jobDir)) throw new Error(`${actor.id} was removed and is there`)
  actors.forEach((actor, index) => {
    actor.mustHaveRunOnce()
    actor.mustHaveKeptToItsBudget()
    if (String(actor.runs()) !== String(before[index])) throw new Error(`${actor.id} ran again after it was stopped: ${before[index]}, then ${actor.runs()}`)
  })
  const problems = (await driver.problems()).filter(({ id }) => id === null || actors.some((actor) => actor.id === id))
  if (problems.length > 0) throw new Error(`problems: ${JSON.stringify(problems)}`)
}

async function perform({ verb, who }: Step, actors: readonly Actor[], driver: Driver): Promise<void> {
  const actor = actors[who % actors.length]
  if (verb === 'answers') await Promise.all(actors.map((each) => each.answered()))
  else if (verb === 'noticed') await actor?.noticed()
  else if (verb === 'rest') await rest(actors)
  else if (verb === 'crash' || verb === 'close' || verb === 'close and reopen') await befall(verb, actors, driver)
  else actor?.issue(verb)
}

/** After all answers: a look that is older than one of them says nothing. */
async function rest(actors: readonly Actor[]): Promise<void> {
  await Promise.all(actors.map((each) => each.answered()))
  await Promise.all(actors.map((each) => each.comesToRest()))
}

async function befall(what: 'nothing' | 'crash' | 'close' | 'close and reopen', actors: readonly Actor[], driver: Driver): Promise<void> {
  const models = actors.map((actor) => actor.model)
  if (what === 'nothing') return
  if (what === 'crash') {
    await driver.crash()
    for (const actor of actors) actor.crash()
    return
  }
  for (const model of models) model.close()
  driver.close()
  // Some calls meet the closed one before the next is there.
  if (what === 'close') await pause(2)
  await driver.reopen()
  for (const model of models) model.reopen()
}

class Actor {
  readonly id: string
  readonly model: Reference
  readonly #cast: Cast
  readonly #here: string
  readonly #stage: Stage
  readonly #answers: Promise<void>[] = []
  #starts = 0
  #turns = 0
  /** What may have led to a run, or to a count that was forgotten. */
  #beginnings = 0
  #record: ProcessRecord | null = null

  constructor(id: string, cast: Cast, here: string, stage: Stage) {
    this.id = id
    this.model = new Reference(natureOf(cast), stage.driver.isImmediate)
    this.#cast = cast
    this.#here = here
    this.#stage = stage
  }

  get jobDir(): string {
    return join(this.#stage.driver.home.stateDir, 'jobs', this.id)
  }

  /** As last seen. */
  get isThere(): boolean {
    return this.#record !== null
  }

  issue(verb: Step['verb']): void {
    const { id } = this
    if (verb === 'start') this.#call('start', 'start', this.#input())
    else if (verb === 'create') this.#call('create', 'start', { ...this.#input(), autostart: false })
    else if (verb === 'stop at once') this.#call('stop', 'stop', id, { timeoutMs: 0 })
    else if (verb === 'stop' || verb === 'cancel') this.#call('stop', verb, id)
    else if (verb === 'signal') this.#call('signal', 'signal', id, 'SIGCONT')
    else if (verb === 'hang up') this.#call('hang-up', 'signal', id, 'SIGHUP')
    else if (verb === 'refresh') this.#call('refresh', 'refresh')
    else if (verb === 'launch force') this.#call('launch-force', 'launch', id, { force: true })
    else if (verb === 'restart force') this.#call('restart-force', 'restart', id, { force: true })
    else if (verb === 'relabel' || verb === 'respec' || verb === 'hold') this.#declare(verb)
    else if (verb === 'sicken') this.#sicken()
    else if (verb === 'heal') this.#heal()
    else if (verb === 'reset' || verb === 'launch' || verb === 'restart' || verb === 'remove') this.#call(verb, verb, id)
    else this.#end(verb)
  }

  /** Waits for all answers to what was issued so far. */
  async answered(): Promise<void> {
    await Promise.all(this.#answers)
  }

  /** Waits until nothing more will happen by itself, and record, actor and OS agree; tells the model. */
  async comesToRest(): Promise<void> {
    for (const giveUpAtMs = Date.now() + WATCHDOG_MS; ; await pause(2)) {
      const strays = (await this.#stage.census()).filter(({ token }) => token.split('.')[1] === this.id)
      const why = await this.#unrest(strays)
      if (why === null) break
      if (Date.now() > giveUpAtMs) throw new Error(`${this.id} never came to rest: ${why}; strays ${JSON.stringify(strays)}; ${JSON.stringify(this.#record)}`)
    }
    this.model.observe(this.#record)
    this.#mustBeTrue()
  }

  /** Its probe has failed, if it is up and sick. */
  async noticed(): Promise<void> {
    for (const giveUpAtMs = Date.now() + WATCHDOG_MS; this.#isSick && (await this.#look())?.state === 'running'; await pause(1))
      if (Date.now() > giveUpAtMs) throw new Error(`${this.id} is sick, and nobody notices`)
  }

  mustBeDown(): void {
    if (this.#record !== null && (this.#record.state !== 'exited' || this.#record.pid !== null))
      throw new Error(`${this.id} was stopped and is ${this.#record.state}`)
  }

  mustHaveRunOnce(): void {
    const lines = this.#lines()
    const overlap = lines.find(([what]) => what === 'overlap')
    if (overlap !== undefined) throw new Error(`two runs at once: ${overlap.join(' ')}`)
    const last = new Map<string, number>()
    for (const [what, , nonce = '', run] of lines) {
      if (what !== 'begin') continue
      if (Number(run) <= (last.get(nonce) ?? 0)) throw new Error(`run ${run} of ${nonce} began after run ${last.get(nonce)}`)
      last.set(nonce, Number(run))
    }
  }

  /** Each command gives it its restarts anew: for its own ends, and for its probe. */
  mustHaveKeptToItsBudget(): void {
    const { maxAttempts, strategy } = this.#cast
    const restarts = strategy === 'never' ? 0 : this.#isProbed ? 2 * maxAttempts : maxAttempts
    const most = this.#beginnings * (1 + restarts)
    if ((maxAttempts > 0 || strategy === 'never') && this.runs().length > most) throw new Error(`${this.id} ran more often than ${most} times: ${this.runs()}`)
  }

  /** All runs that were executed, in order. */
  runs(): readonly string[] {
    return this.#lines().flatMap(([what, , nonce, run]) => (what === 'begin' ? [`${nonce} ${run}`] : []))
  }

  /** Whatever became of it, nothing of it is left for those who come after. */
  async clear(): Promise<void> {
    const { driver } = this.#stage
    const quietly = (asked: Promise<unknown>) => Promise.race([asked.catch(() => {}), pause(2_000)])
    if (!existsSync(this.jobDir)) return
    await quietly(driver.call('stop', this.id, { timeoutMs: 0 }))
    await quietly(driver.call('remove', this.id))
  }

  #input() {
    return inputOf(this.#cast, this.id, this.#here, `${this.id}:${++this.#starts}`)
  }

  /** The manager dies. */
  crash(): void {
    this.#beginnings += 1
    this.model.crash()
  }

  #call(verb: Call, method: keyof Supervisor, ...args: readonly unknown[]): void {
    const call = this.model.call(verb, this.model.isClosed ? undefined : this.#stage.driver.peek(this.id))
    if (!['stop', 'remove', 'signal', 'hang-up', 'refresh', 'create', 'relabel', 'hold'].includes(verb)) this.#beginnings += 1
    const asked = this.#stage.driver.call(method, ...args).then(
      (value) => (value === LOST ? LOST : verb === 'stop' ? endOf(value as ProcessRecord) : 'done'),
      (error) => error.code ?? String(error),
    )
    const answer = within(asked, `${method} of ${this.id} (call ${call})`).then((result) => {
      const what = `${verb} → ${result === LOST ? 'lost' : result.replace('PROCMAN_', '')}`
      tally.set(what, (tally.get(what) ?? 0) + 1)
      if (result !== LOST) this.model.answer(call, result)
    })
    answer.catch(() => {}) // told by `answered`
    this.#answers.push(answer)
  }

  /** From what is declared now: only where that can be known in the instant of the call. */
  #declare(verb: Declaring): void {
    const { id } = this
    const record = this.#stage.driver.peek(id)
    if (record === undefined) return
    const turn = String(++this.#turns)
    if (verb === 'hold') return this.#call(verb, 'hold', id, `waits for ${turn}`)
    const env = { ...record?.env, ...(verb === 'respec' ? { TURN: turn } : {}) }
    this.#call(verb, 'update', id, { ...inputOf(this.#cast, id, this.#here, ''), env, labels: { turn } })
  }

  #sicken(): void {
    if (!this.#isProbed) return
    this.model.ail()
    writeFileSync(this.#sickness, '')
  }

  #heal(): void {
    if (!this.#isSick) return
    rmSync(this.#sickness)
    this.model.heal()
  }

  get #isProbed(): boolean {
    return this.#cast.habit === 'is sick at times'
  }

  get #isSick(): boolean {
    return existsSync(this.#sickness)
  }

  get #sickness(): string {
    return sicknessOf(this.id, this.#here)
  }

  /** Ends the current run from outside, if there is one that can be. */
  #end(verb: Step['verb']): void {
    const last = this.#lines().findLast(([what]) => what === 'begin')
    if (last === undefined) return
    const [, , nonce = '', run = '', pid = ''] = last
    if (verb === 'foreign kill') {
      if (!belongsTo(pid, nonce)) return
      this.model.mayEnd('fail')
      killIfThere(Number(pid))
      return
    }
    const code = verb === 'exit 0' ? 0 : 3
    this.model.mayEnd(code === 0 ? 'ok' : 'fail')
    tell(join(this.jobDir, `run-${run}.in`), `${code}\n`)
  }

  /** @returns what is not at rest yet, or does not fit together */
  async #unrest(strays: readonly Stray[]): Promise<string | null> {
    const { habit, strategy } = this.#cast
    this.#record = await this.#look()
    const record = this.#record
    if (record === null || (record.state !== 'running' && record.state !== 'unhealthy')) {
      const isAtRest = record === null || ['pending', 'exited'].includes(record.state) || (record.state === 'backoff' && isFarAway(record.retry_at))
      if (!isAtRest) return `it is ${record?.state}`
      if (record !== null) agreed(record)
      return strays.some(({ pid }) => lives(pid)) ? 'nothing of it should be there' : null
    }
    if (habit.startsWith('exits') || !this.runs().includes(`${record.env.NONCE} ${record.run}`)) return 'it has not come so far'
    if (this.#isSick && strategy !== 'never') return 'it is sick, and will be started again for that'
    if ((record.state === 'unhealthy') !== this.#isSick) return 'its probe has not told yet how it is'
    if (!lives(record.pid)) return 'it is running, and its pid is not there'
    if (!strays.some(({ pid }) => pid === record.pid)) return 'its pid is not one of its own'
    return strays.every(({ token }) => token.split('.')[2] === String(record.run)) ? null : 'something of another run is there'
  }

  async #look(): Promise<ProcessRecord | null> {
    try {
      return (await within(this.#stage.driver.call('get', this.id), `get of ${this.id}`)) as ProcessRecord
    } catch (error) {
      if ((error as { code?: string }).code === 'PROCMAN_PROCESS_UNKNOWN') return null
      throw error
    }
  }

  /** What the record says of the last run is what the traces say. */
  #mustBeTrue(): void {
    const record = this.#record
    if (record === null) return
    const nonce = record.env.NONCE ?? ''
    const runs = this.#lines().filter(([, , whose]) => whose === nonce)
    const has = (...line: readonly unknown[]) => runs.some((each) => each.join(' ').startsWith([line[0], this.id, nonce, ...line.slice(1)].join(' ')))
    const fail = (why: string) => {
      throw new Error(`${this.id}: ${why}: ${JSON.stringify(record)}`)
    }
    if (runs.some(([, , , run]) => Number(run) > record.run)) fail('a later run than the record knows has been executed')
    const { outcome, run } = record
    if (outcome === null) return
    if (outcome.kind === 'code' && !has('end', run, outcome.code)) fail('the command did not end with this code')
    if (outcome.kind === 'signal' && !['SIGTERM', 'SIGKILL', 'SIGHUP'].includes(outcome.signal)) fail('nobody sent this signal')
    if ((outcome.kind === 'not-started' || outcome.kind === 'launch-failed') && has('begin', run)) fail('the command was executed')
    if (outcome.kind === 'unknown') fail('its end is known')
  }

  #lines(): readonly (readonly string[])[] {
    return traceOf(this.#here)
      .map((line) => line.split(' '))
      .filter(([, id]) => id === this.id)
  }
}

/** Not in the time of a test. */
function isFarAway(iso: string | null): boolean {
  return iso !== null && Date.parse(iso) - Date.now() > 20 * 60_000
}

/** A stop's record says how the process is down. */
function endOf({ state, status, pid }: ProcessRecord): string {
  if (state !== 'exited' || pid !== null) return `${state} with pid ${pid}`
  return status === 'cancelled' ? 'cancelled' : 'ended'
}

function traceOf(here: string): readonly string[] {
  const path = join(here, 'trace')
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
}

function belongsTo(pid: string, nonce: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`NONCE=${nonce}`)
  } catch {
    return false
  }
}

/** Between the look and the kill it may have ended. */
function killIfThere(pid: number): void {
  try {
    kill(pid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Writes to the FIFO that a command reads, if one does. */
function tell(fifo: string, text: string): void {
  try {
    const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK)
    try {
      writeSync(fd, text)
    } finally {
      closeSync(fd)
    }
  } catch {
    // It is not there any more.
  }
}

function within<T>(asked: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`never answered: ${what}`)), WATCHDOG_MS)
  })
  return Promise.race([asked, never]).finally(() => clearTimeout(timer))
}

async function passed(gap: Step['gap']): Promise<void> {
  if ('ms' in gap) return pause(gap.ms)
  for (let turn = 0; turn < gap.turns; turn++) await new Promise(setImmediate)
}
