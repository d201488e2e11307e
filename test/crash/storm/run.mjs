// The storm itself: lives of managers, one after the other or against each other, with a look at everything in between.
import { randomBytes } from 'node:crypto'
import { cpSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { differencesOf, doubtsOf, judgeInput, judgeLeftover, judgeLines, judgeRun, judgeStanding, overlapsOf } from './checks.mjs'
import { DEATHS } from './death.mjs'
import { Disturber } from './disturb.mjs'
import { Ends, endOf } from './ends.mjs'
import { heldTwice, holdingOf, Ledger } from './ledger.mjs'
import { Life, READER } from './life.mjs'
import { look } from './os.mjs'
import { idsOf, incarnationOf, planOf } from './plan.mjs'
import { randomOf } from './random.mjs'
import { Report } from './report.mjs'
import { compileSubject } from './subject.mjs'
import { keyOf, Trace } from './trace.mjs'

const DIST = new URL('../../../dist/index.js', import.meta.url).href
const UP_PATIENCE_MS = 30_000
/** A claim that has not been seen to be true for so long is a lie. */
const DOUBT_PATIENCE_MS = 15_000
const CALL_PATIENCE_MS = 30_000
const NEVER_MS = 3_600_000

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * @param options { rounds, seed, dir, keep, killKeepers, patienceMs, slots, workers, onProgress, signal }
 * @returns the report
 */
export async function runStorm(options) {
  const storm = await Storm.make(options)
  const failure = await storm.run().then(
    () => undefined,
    (error) => ({ error }),
  )
  await storm.end()
  if (failure !== undefined) throw failure.error
  return storm.report
}

class Storm {
  report
  #options
  #library
  #settings
  #random
  #ledger = new Ledger()
  #trace
  #holdings = []
  #ends
  #disturber
  /** A reader in another process. */
  #beside
  #readLogs = new Set()
  #problems = new Set()
  #lives = 0
  #alive = new Set()
  /** How long a manager takes to be up: where kills of its start-up are aimed. */
  #upMs = 250

  static async make(options) {
    return new Storm(options, await import(DIST))
  }

  constructor({ rounds = 25, seed = randomBytes(4).toString('hex'), slots = 24, workers = 8, dir, patienceMs = DOUBT_PATIENCE_MS, ...options }, library) {
    this.#options = { rounds, patienceMs, ...options }
    this.#library = library
    const home = homeOf(dir)
    const at = (name) => join(home, name)
    const nonce = randomBytes(4).toString('hex')
    this.#settings = {
      dist: DIST,
      home,
      stateDir: at('state'),
      journals: at('journals'),
      locks: at('locks'),
      trace: at('trace'),
      subject: at('subject'),
      seed,
      nonce,
      slots,
      workers,
      killKeepers: options.killKeepers === true,
    }
    for (const each of [at('journals'), at('locks')]) mkdirSync(each, { recursive: true })
    writeFileSync(at('trace'), '')
    compileSubject(at('subject'))
    this.#trace = new Trace(at('trace'), nonce)
    this.#random = randomOf(seed, 'driver')
    this.report = new Report({ seed, dir: home })
    const [settings, report, ledger, trace, random] = [this.#settings, this.report, this.#ledger, this.#trace, this.#random]
    this.#disturber = new Disturber({ stateDir: settings.stateDir, random, report, ledger })
    const hasLostKeeper = (id, incarnation, run) => this.#disturber.hasLostKeeper(id, incarnation, run)
    const told = { readTrace: () => this.#readTrace(), violate: (kind, detail) => this.#violate(kind, detail) }
    this.#ends = new Ends({ settings, ledger, trace, report, hasLostKeeper, ...told })
    this.#beside = new Life(settings, join(settings.journals, 'reader.jsonl'), READER)
  }

  async run() {
    for (let round = 1; round <= this.#options.rounds && !this.#options.signal?.aborted; round++) {
      this.report.rounds = round
      const phase = this.#random.weighted(PHASES)
      await (phase === 'takeover' ? this.#race() : this.#life(phase))
      this.#countUp()
      this.#options.onProgress?.(this.report)
    }
  }

  /** The last manager stops everything; then nothing may be left. */
  async end() {
    const { stateDir } = this.#settings
    for (const life of this.#alive) life.kill()
    await Promise.all([...this.#alive].map((life) => life.over))
    const last = await this.#library.createSupervisor({ stateDir, lockTimeoutMs: 10_000 })
    this.report.recoveries += 1
    const told = this.#listenTo(last)
    try {
      await this.#settle({ list: async () => ({ records: last.list(), problems: last.problems }), news: () => told.splice(0), pid: process.pid })
      this.#ledger.killAll(idsOf(this.#settings.slots))
      await last.shutdown({ timeoutMs: 0 })
      this.#hearProblems(last.problems)
    } catch (error) {
      this.#violate('hang', { why: 'the last shutdown failed', message: error.message })
      await last.close()
    }
    this.#readTrace()
    this.#hearNews(told.splice(0))
    await this.#mustBeEmpty()
    await this.#dismissReader()
    this.#judgeRest()
    this.#countUp()
    this.report.endedAtMs = Date.now()
    if (this.report.violationCount === 0 && !this.#options.keep) rmSync(this.#settings.home, { recursive: true, force: true })
  }

  /** @returns what it tells of ends, as a journal of its own would: while everything is looked at, a service may have more runs than files are kept of */
  #listenTo(supervisor) {
    const told = []
    supervisor.actor.on('process.exited', ({ id, run, outcome, atMs }) => {
      const end = { id, incarnation: incarnationOf(supervisor.get(id)), run, outcome, atMs, source: 'event of the last manager' }
      told.push({ t: 'exited', end })
    })
    return told
  }

  async #mustBeEmpty() {
    const all = () => Object.values(this.#look()).flat()
    const giveUpAtMs = Date.now() + this.#options.patienceMs
    while (all().length > 0 && Date.now() < giveUpAtMs) await pause(10)
    for (const left of all()) {
      this.#violate('unknown-process', { why: 'it is left behind', key: left.pid, left })
      // It carries our token or lies in our directory: it was started by this storm.
      process.kill(left.pid, 'SIGKILL')
    }
    this.#readTrace()
    const reader = this.#library.createReader({ stateDir: this.#settings.stateDir })
    for (const record of reader.list()) {
      this.#hearRecord(record, 'reader at the end')
      if (record.status === 'running') this.#violate('alive-but-dead', { id: record.id, record, why: 'after the last shutdown' })
    }
    this.#ends.readRunFiles()
    this.#ends.mustBeHeard(reader.list())
    Object.assign(this.report, this.#ends.unheard)
    await this.#readLogsOf(reader.list())
  }

  async #dismissReader() {
    if (this.#beside.isOver) this.#violate('manager-crashed', { life: 'the reader beside', message: this.#beside.stderr() })
    this.#beside.kill()
    await this.#beside.over
    this.#hearReader(this.#beside.news())
  }

  /** What can only be told when everything is over. */
  #judgeRest() {
    for (const traced of this.#trace.runs.values()) {
      const { id, incarnation, run } = traced
      const { leftovers, stdin } = planOf(this.#settings, id, incarnation)
      const isLost = this.#disturber.hasLostKeeper(id, incarnation, run)
      const wasAsked = (fromMs, toMs) => this.#ledger.mayHaveSent(id, 'anything', fromMs, toMs)
      const wrong = [
        leftovers === 'leave' && !isLost ? judgeLeftover(traced, wasAsked) : undefined,
        stdin === 'pipe' ? judgeInput(traced, this.#ledger.linesWritten(id, incarnation, run)) : undefined,
      ]
      for (const { kind, ...detail } of wrong.filter((each) => each !== undefined)) this.#violate(kind, detail)
      if (traced.left?.endedUs != null) this.report.leftovers += 1
      if (stdin === 'pipe') this.report.linesWritten += traced.end?.out ?? 0
    }
  }

  // ------------------------------------------------------------ lives

  #spawn(options) {
    const life = ++this.#lives
    const settings = {
      ...this.#settings,
      life,
      gate: false,
      death: null,
      how: 'close',
      endAfterMs: NEVER_MS,
      drain: false,
      shutdownMs: 0,
      lockTimeoutMs: 5_000,
    }
    const calm = this.#random.pick([0, 2, 10])
    const path = join(this.#settings.journals, `${String(life).padStart(5, '0')}.jsonl`)
    const made = new Life({ ...settings, calm, patienceMs: CALL_PATIENCE_MS, ...options }, path)
    this.#alive.add(made)
    made.over.then(() => this.#alive.delete(made))
    const isGated = options.gate === true
    return Object.assign(made, { number: life, spawnedAtMs: Date.now(), isGated, wasKilled: false, hearing: this.#ledger.begin() })
  }

  async #life(phase) {
    const random = this.#random
    const isWhole = phase !== 'start-up' && phase !== 'adoption'
    const endsItself = phase === 'closing' || phase === 'ending'
    const death = phase === 'writing' ? deathOf(random) : null
    // As after an upgrade: there is no copy of this build of the keeper yet.
    if (death?.over === 'keeper') rmSync(join(this.#settings.stateDir, 'bin'), { recursive: true, force: true })
    const life = this.#spawn({
      gate: isWhole && (endsItself || random.chance(0.6)),
      death,
      ...(endsItself ? endingOf(random) : {}),
    })
    if (phase === 'start-up') await this.#killIn(life, random.next() * 1.2 * this.#upMs, phase)
    else if (phase === 'adoption') await this.#killAfter(life, 'opening', random.next() * 25, phase)
    else await this.#wholeLife(life, phase)
    await this.#bury([life])
  }

  async #wholeLife(life, phase) {
    if (await this.#comesUp(life)) {
      await this.#check(life)
      const ms = this.#random.int(10, 300)
      if (this.#random.chance(0.3)) setTimeout(() => this.#disturber.killSpawner(life), this.#random.next() * ms)
      if (phase === 'churn') await this.#killIn(life, ms, phase)
      if (phase === 'writing') await this.#killIn(life, 500, 'churn')
      if (phase === 'closing') await this.#killAfter(life, 'closing', this.#random.next() * 30, phase)
      if (phase === 'ending') await this.#mustEnd(life)
    }
    const { signal } = await life.over
    if (phase === 'writing' && signal === 'SIGKILL' && !life.wasKilled) this.report.killed(phase)
  }

  /**
   * Everything is looked at after each recovery: before the manager does anything, or when all that it does at once has been answered. Only one that is killed
   * on purpose before it can be asked (in start-up or adoption, in a race for the lock, by its own death) is not: what it leaves is what the next one recovers from.
   */
  async #check(life) {
    if (!life.isGated) {
      await Promise.race([pause(this.#random.int(5, 150)), life.over])
      if ((await life.hold()) === null) return
    }
    await this.#settle(life)
    life.go()
  }

  /** Several managers at once, right after the death of the one before; they are killed, some while they are at the lock. One may be spared, to be looked at. */
  async #race() {
    const random = this.#random
    const racers = Array.from({ length: random.int(2, 3) }, () =>
      this.#spawn({ lockTimeoutMs: random.pick([0, 0, 3_000]), death: random.chance(0.2) ? lockDeath(random) : null }),
    )
    const spared = random.chance(0.6) ? racers.slice(-1) : []
    const others = racers.slice(0, racers.length - spared.length)
    await Promise.all(others.map((life) => this.#killIn(life, (0.3 + random.next()) * this.#upMs * racers.length + random.int(0, 150), 'takeover')))
    // Whoever of them had the directory had it before the one that is spared, which does not let go.
    await this.#bury(others)
    await Promise.all(spared.map((life) => this.#outliveRace(life)))
  }

  async #outliveRace(life) {
    if (await this.#comesUp(life)) {
      await this.#check(life)
      await this.#killIn(life, this.#random.int(10, 100), 'takeover')
    }
    await this.#bury([life])
  }

  async #comesUp(life) {
    const timer = setTimeout(() => {
      this.#violate('hang', { why: 'a manager does not come up', life: life.number })
      life.kill()
    }, UP_PATIENCE_MS)
    const up = await life.mark('up')
    clearTimeout(timer)
    if (up !== null) this.#upMs += (Date.now() - life.spawnedAtMs - this.#upMs) / 8
    return up !== null
  }

  async #killIn(life, ms, phase) {
    if (this.#options.killKeepers && this.#random.chance(0.4)) setTimeout(() => this.#disturber.killKeeper(), this.#random.next() * ms)
    await Promise.race([pause(ms), life.over])
    if (life.isOver) return
    life.kill()
    life.wasKilled = true
    const { signal } = await life.over
    if (signal === 'SIGKILL') this.report.killed(phase)
  }

  async #killAfter(life, mark, ms, phase) {
    await life.mark(mark)
    await this.#killIn(life, ms, phase)
  }

  async #mustEnd(life) {
    const timer = setTimeout(() => {
      this.#violate('hang', { why: 'a manager that was closed does not end', life: life.number })
      life.kill()
    }, 3 * CALL_PATIENCE_MS)
    await life.over
    clearTimeout(timer)
  }

  /** What managers that are over have told is taken in, in the order in which they had the directory. */
  async #bury(lives) {
    const journals = await Promise.all(
      lives.map(async (life) => {
        const { code, signal } = await life.over
        if (signal !== 'SIGKILL' && code !== 0) this.#violate('manager-crashed', { life: life.number, code, signal, message: life.stderr() })
        return { life, journal: life.journal() }
      }),
    )
    const held = journals.flatMap(({ life, journal }) => holdingOf(life.number, journal) ?? [])
    for (const pair of heldTwice([...this.#holdings.slice(-3), ...held])) this.#violate('two-managers', { key: pair.map(({ life }) => life), pair })
    this.#holdings.push(...held)
    // What one that lives has a hand in is judged when it has been heard.
    const isQuiet = this.#alive.size === 0
    const read = isQuiet ? this.#beside.news() : []
    this.#readTrace()
    for (const { life } of journals.sort((a, b) => upNs(a.journal) - upNs(b.journal))) {
      const news = life.news()
      this.#takeNews(life, news)
      this.#ledger.end(life.hearing)
      this.#hearNews(news)
    }
    if (!isQuiet) return
    this.#hearReader(read)
    this.#ends.readRunFiles()
    if (this.#random.chance(0.3)) this.#askReader()
  }

  // ------------------------------------------------------------ hearing

  #takeNews(life, news) {
    this.#ledger.hear(life.hearing, news, (kind, detail) => this.#violate(kind, detail))
  }

  /** @param news what a manager has told since the last time, which the ledger has taken in; the trace has been read since */
  #hearNews(news) {
    for (const entry of news) {
      if (entry.t === 'up') {
        this.report.recoveries += 1
        this.report.adopted += entry.adopted
      }
      if (entry.t === 'problem') this.#hearProblems([entry.problem])
      if (entry.t === 'hang') this.#violate('hang', { why: `calls do not settle at ${entry.when}`, entry, key: entry.ns })
      // Events, what was known when it was up, and what a removal takes away.
      for (const end of entry.ends ?? (entry.end === undefined ? [] : [entry.end])) this.#ends.hear(end)
    }
  }

  /** @param news what the reader beside has told; all managers that may have had a hand in it have been heard */
  #hearReader(news) {
    for (const entry of news) {
      if (entry.t === 'threw') this.#violate('reader-lies', { why: 'it throws', key: entry.ms, message: entry.message })
      if (entry.t === 'problem') this.#hearProblems([entry.problem])
      if (entry.t === 'blink' && !this.#disturber.hasLostKeeper(entry.id, entry.incarnation, entry.run))
        this.#violate('reader-lies', { why: 'that an end is not known, for a moment', key: `${entry.id}/${entry.run}`, record: entry.record })
      if (entry.t !== 'end') continue
      this.report.readerEnds += 1
      this.#ends.hear(entry)
    }
  }

  /** While nobody manages, the reader must tell the truth of the run files. */
  #askReader() {
    const { records, problems } = this.#library.createReader({ stateDir: this.#settings.stateDir }).survey()
    this.#readTrace()
    this.#hearProblems(problems)
    for (const record of records) this.#hearRecord(record, 'reader')
  }

  #hearRecord(record, source) {
    const incarnation = incarnationOf(record)
    if (record.state === 'orphaned' && !this.#disturber.hasLostKeeper(record.id, incarnation, record.run))
      this.#violate('orphaned', { id: record.id, incarnation, run: record.run, record })
    const end = endOf(record, source)
    if (end !== undefined) this.#ends.hear(end)
  }

  #hearProblems(problems) {
    for (const problem of problems) {
      const key = JSON.stringify(problem)
      if (this.#problems.has(key)) continue
      this.#problems.add(key)
      this.#violate('problem', { key, ...problem })
    }
  }

  #readTrace() {
    for (const traced of this.#trace.read()) {
      const before = this.#trace.get(traced.id, traced.incarnation, traced.run - 1)
      for (const { kind, ...detail } of judgeRun(traced, before)) this.#violate(kind, detail)
      this.#ends.executed(traced)
    }
  }

  // ------------------------------------------------------------ looking at everything

  /** What belongs to the storm now, without what was to be left behind. */
  #look() {
    const { subject, stateDir } = this.#settings
    return look(stateDir, { subject, children: this.#trace.children })
  }

  #lookAtWanted() {
    // Its pid alone may be another's by now.
    const isLeft = ({ pid, id, run }) => {
      const child = this.#trace.children.get(pid)
      return child?.id === id && child.run === run && planOf(this.#settings, id, child.incarnation).leftovers === 'leave'
    }
    const seen = this.#look()
    return { ...seen, commands: seen.commands.filter((command) => !isLeft(command)) }
  }

  /** Asks a manager that is up, a reader beside it, and the OS, until all of them have been seen to agree about every process. */
  async #settle(life) {
    let doubts = null
    for (const giveUpAtMs = Date.now() + this.#options.patienceMs; ; await pause(8)) {
      const seen = await this.#observe(life, doubts === null)
      if (seen === null) return
      const now = new Map(seen.map((doubt) => [doubt.key, doubt]))
      doubts = new Map([...(doubts ?? now)].flatMap(([key]) => (now.has(key) ? [[key, now.get(key)]] : [])))
      if (doubts.size > 0 && Date.now() < giveUpAtMs) continue
      this.report.checks += 1
      for (const { kind, ...detail } of doubts.values()) this.#violate(kind, { id: detail.record?.id, ...detail })
      return
    }
  }

  async #observe(life, isFirst) {
    // A record must know of all that was executed before it was asked for, not of what came after it.
    this.#readTrace()
    const list = await life.list()
    if (list === null) return null
    const { records, problems } = list
    const news = life.news()
    this.#takeNews(life, news)
    this.#hearProblems(problems)
    if (isFirst) this.#judgeStandings(records)
    this.#readTrace()
    this.#hearNews(news)
    const seen = this.#lookAtWanted()
    for (const { kind, ...detail } of overlapsOf(records, seen)) this.#violate(kind, detail)
    this.#readTrace()
    for (const record of records) this.#hearRecord(record, 'record')
    if (isFirst) {
      this.#ends.readRunFiles()
      this.#ends.mustBeHeard(records)
      await this.#readLogsOf(records)
    }
    const read = await this.#beside.list()
    const doubts = doubtsOf(records, seen, { ledger: this.#ledger, trace: this.#trace, managerPid: life.pid })
    return read === null ? doubts : [...doubts, ...differencesOf(records, read.records)]
  }

  #judgeStandings(records) {
    const byId = new Map(records.map((record) => [record.id, record]))
    for (const id of idsOf(this.#settings.slots)) {
      const record = byId.get(id)
      const slot = this.#ledger.slotOf(id)
      for (const { kind, ...detail } of judgeStanding(id, record, slot, this.#trace)) this.#violate(kind, detail)
      slot.possible = new Set([record === undefined ? null : incarnationOf(record)])
      if (record === undefined) slot.stopped = null
      else if (slot.stopped?.run === null) slot.stopped = { incarnation: incarnationOf(record), run: record.run }
    }
  }

  async #readLogsOf(records) {
    const reader = this.#library.createReader({ stateDir: this.#settings.stateDir })
    for (const record of records) {
      const incarnation = incarnationOf(record)
      const key = keyOf(record.id, incarnation, record.run)
      const isWriter = planOf(this.#settings, record.id, incarnation).kind.includes('writer')
      if (!isWriter || record.state !== 'exited' || this.#readLogs.has(key)) continue
      this.#readLogs.add(key)
      await this.#readLogOf(reader, record, incarnation)
    }
  }

  async #readLogOf(reader, record, incarnation) {
    const texts = { stdout: new Map(), stderr: new Map() }
    for await (const { stream, run, data } of reader.attach(record.id, { follow: false }))
      texts[stream].set(run, (texts[stream].get(run) ?? '') + data.toString('latin1'))
    for (const [stream, byRun] of Object.entries(texts)) {
      const whole = [...byRun.values()].join('')
      if (whole !== readText(join(this.#settings.stateDir, 'jobs', record.id, `${stream}.log`)))
        this.#violate('lost-lines', { id: record.id, incarnation, stream, why: 'what is read is not what is in the file' })
      for (let run = 1; run <= record.run; run++) {
        const end = this.#trace.get(record.id, incarnation, run)?.end ?? null
        const expected = end === null ? null : stream === 'stdout' ? end.out : end.err
        const { lines, violation } = judgeLines(byRun.get(run) ?? '', { incarnation, run, stream, expected })
        this.report.lines += lines
        if (violation !== undefined) this.#violate(violation.kind, { id: record.id, ...violation })
      }
    }
  }

  /** Counts it, and keeps what the directory of the process looks like now. */
  #violate(kind, detail) {
    if (!this.report.violate(kind, detail, this.report.rounds) || this.report.violations[kind] > 5 || detail.id === undefined || detail.id === null) return
    const from = join(this.#settings.stateDir, 'jobs', detail.id)
    const to = join(this.#settings.home, 'evidence', `${kind}-${this.report.violations[kind]}-${detail.id}`)
    try {
      cpSync(from, to, { recursive: true, filter: (path) => lstatSync(path).isDirectory() || lstatSync(path).isFile() })
    } catch {
      // It moves while it is copied, or is not there: what could be copied has been.
    }
  }

  #countUp() {
    const { report } = this
    report.executions = this.#trace.executions
    report.calls = this.#ledger.acknowledged
    report.processes = [...this.#ledger.slots.values()].reduce((sum, slot) => sum + slot.starts.size, 0)
  }
}

const PHASES = [
  [10, 'start-up'],
  [12, 'adoption'],
  [36, 'churn'],
  [24, 'writing'],
  [8, 'closing'],
  [4, 'ending'],
  [6, 'takeover'],
]

function deathOf(random) {
  const { over, call, path } = random.pick(DEATHS)
  return { over, call, path: path.source, nth: random.pick([1, 1, 2, 3, 5, 10]), when: random.pick(['before', 'middle', 'after']) }
}

function lockDeath(random) {
  const { call, path } = random.pick(DEATHS.filter(({ over }) => over === 'lock'))
  return { call, path: path.source, nth: random.int(1, 2), when: random.pick(['before', 'middle', 'after']) }
}

function endingOf(random) {
  return {
    how: random.pick(['close', 'close', 'shutdown']),
    endAfterMs: random.int(10, 250),
    drain: random.chance(0.4),
    shutdownMs: random.pick([0, 50, 2_000]),
  }
}

/** A new directory within the given one: it is deleted at the end. */
function homeOf(dir) {
  if (dir !== undefined) mkdirSync(dir, { recursive: true })
  return mkdtempSync(join(realpathSync(dir ?? tmpdir()), 'procman-storm-'))
}

function upNs(journal) {
  return journal.find((entry) => entry.t === 'up')?.ns ?? Number.POSITIVE_INFINITY
}

function readText(path) {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
