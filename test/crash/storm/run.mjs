// The storm itself: lives of managers, one after the other or against each other, with a look at everything in between.
import { randomBytes } from 'node:crypto'
import { cpSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { doubtsOf, judgeAgreement, judgeEnd, judgeLines, judgeRun, judgeStanding, overlapsOf } from './checks.mjs'
import { DEATHS } from './death.mjs'
import { heldTwice, holdingOf, Ledger } from './ledger.mjs'
import { Life } from './life.mjs'
import { look } from './os.mjs'
import { actOf, idsOf, incarnationOf, planOf } from './plan.mjs'
import { randomOf } from './random.mjs'
import { Report } from './report.mjs'
import { signalName } from './signals.mjs'
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
  /** key of a run -> { outcome, atMs, source } */
  #ends = new Map()
  #orphans = new Set()
  #readLogs = new Set()
  #problems = new Set()
  #lives = 0
  #alive = new Set()
  /** { id, run, ms }: the ends of these may be unknown. */
  #killedKeepers = []
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
    }
    for (const each of [at('journals'), at('locks')]) mkdirSync(each, { recursive: true })
    writeFileSync(at('trace'), '')
    compileSubject(at('subject'))
    this.#trace = new Trace(at('trace'), nonce)
    this.#random = randomOf(seed, 'driver')
    this.report = new Report({ seed, dir: home })
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
    const last = await this.#library.createSupervisor({ stateDir, lockTimeoutMs: 10_000 })
    try {
      await this.#settle({ list: async () => ({ records: last.list(), problems: last.problems }), pid: process.pid })
      for (const id of idsOf(this.#settings.slots)) this.#ledger.slotOf(id).kills.push(Date.now())
      await last.shutdown({ timeoutMs: 0 })
      this.#hearProblems(last.problems)
    } catch (error) {
      this.#violate('hang', { why: 'the last shutdown failed', message: error.message })
      await last.close()
    }
    await this.#mustBeEmpty()
    this.#countUp()
    this.report.endedAtMs = Date.now()
    if (this.report.violationCount === 0 && !this.#options.keep) rmSync(this.#settings.home, { recursive: true, force: true })
  }

  async #mustBeEmpty() {
    const all = () => Object.values(look(this.#settings.stateDir)).flat()
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
    await this.#readLogsOf(reader.list())
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
    return Object.assign(made, { number: life, spawnedAtMs: Date.now(), isGated: options.gate === true, wasKilled: false })
  }

  async #life(phase) {
    const random = this.#random
    const isWhole = phase !== 'start-up' && phase !== 'adoption'
    const endsItself = phase === 'closing' || phase === 'ending'
    const life = this.#spawn({
      gate: isWhole && random.chance(0.6),
      death: phase === 'writing' ? deathOf(random) : null,
      ...(endsItself ? endOf(random) : {}),
    })
    if (phase === 'start-up') await this.#killIn(life, random.next() * 1.2 * this.#upMs, phase)
    else if (phase === 'adoption') await this.#killAfter(life, 'opening', random.next() * 25, phase)
    else await this.#wholeLife(life, phase)
    await this.#bury([life])
  }

  async #wholeLife(life, phase) {
    if (await this.#comesUp(life)) {
      if (life.isGated) {
        await this.#settle(life)
        life.go()
      }
      const ms = this.#random.int(10, 300)
      if (phase === 'churn') await this.#killIn(life, ms, phase)
      if (phase === 'writing') await this.#killIn(life, 500, 'churn')
      if (phase === 'closing') await this.#killAfter(life, 'closing', this.#random.next() * 30, phase)
      if (phase === 'ending') await this.#mustEnd(life)
    }
    const { signal } = await life.over
    if (phase === 'writing' && signal === 'SIGKILL' && !life.wasKilled) this.report.killed(phase)
  }

  /** Several managers at once, right after the death of the one before; all are killed, some while they are at the lock. */
  async #race() {
    const random = this.#random
    const racers = Array.from({ length: random.int(2, 3) }, () =>
      this.#spawn({ lockTimeoutMs: random.pick([0, 0, 3_000]), death: random.chance(0.2) ? lockDeath(random) : null }),
    )
    await Promise.all(racers.map((life) => this.#killIn(life, (0.3 + random.next()) * this.#upMs * racers.length + random.int(0, 150), 'takeover')))
    await this.#bury(racers)
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
    if (this.#options.killKeepers && this.#random.chance(0.4)) setTimeout(() => this.#killKeeper(), this.#random.next() * ms)
    await Promise.race([pause(ms), life.over])
    if (life.isOver) return
    life.kill()
    life.wasKilled = true
    const { signal } = await life.over
    if (signal === 'SIGKILL') this.report.killed(phase)
  }

  /** Who is killed is written down first: by the time that it is looked for, the manager may have told of it. */
  #killKeeper() {
    const { stateDir } = this.#settings
    const { pid, id, run } = this.#random.pick(look(stateDir).keepers.filter((keeper) => keeper.run > 0)) ?? { run: 0 }
    if (run === 0) return
    this.#killedKeepers.push({ id, run, ms: Date.now() })
    try {
      process.kill(pid, 'SIGKILL')
      this.report.killedKeepers += 1
    } catch {
      // It has left meanwhile.
    }
  }

  #hasLostKeeper(id, incarnation, run) {
    const startedAtMs = this.#ledger.slotOf(id).starts.get(incarnation) ?? 0
    return this.#killedKeepers.some((killed) => killed.id === id && killed.run === run && killed.ms >= startedAtMs)
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
    this.#readTrace()
    for (const { journal } of journals.sort((a, b) => upNs(a.journal) - upNs(b.journal))) this.#hearJournal(journal)
    if (this.#random.chance(0.3)) this.#askReader()
  }

  // ------------------------------------------------------------ hearing

  #hearJournal(journal) {
    this.#ledger.take(journal, (kind, detail) => this.#violate(kind, detail))
    for (const entry of journal) {
      if (entry.t === 'up') this.report.adopted += entry.adopted
      if (entry.t === 'problem') this.#hearProblems([entry.problem])
      if (entry.t === 'hang') this.#violate('hang', { why: `calls do not settle at ${entry.when}`, entry, key: entry.ns })
      if (entry.t === 'exited') this.#hearEnd(entry.id, entry.incarnation, entry.run, { outcome: entry.outcome, atMs: entry.atMs, source: 'event' })
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
    const isEnd = record.outcome !== null && ['exited', 'orphaned', 'backoff'].includes(record.state)
    if (record.state === 'orphaned' && !this.#hasLostKeeper(record.id, incarnationOf(record), record.run))
      this.#violate('orphaned', { id: record.id, incarnation: incarnationOf(record), run: record.run, record })
    if (isEnd) this.#hearEnd(record.id, incarnationOf(record), record.run, { outcome: record.outcome, atMs: Date.parse(record.completed_at ?? ''), source })
  }

  #hearEnd(id, incarnation, run, told) {
    const key = keyOf(id, incarnation, run)
    const known = this.#ends.get(key)
    const facts = {
      traced: this.#trace.get(id, incarnation, run),
      endedBeforeMs: this.#endedBefore(id, incarnation, run),
      act: actOf(planOf(this.#settings.seed, id, incarnation), run),
      wasAsked: (fromMs, toMs) => this.#ledger.mayHaveKilled(id, fromMs, toMs),
      nowMs: Date.now(),
    }
    if (told.outcome.kind === 'unknown' && this.#hasLostKeeper(id, incarnation, run)) return this.#hearOrphan(key)
    const wrong = known === undefined ? judgeEnd(told, facts) : judgeAgreement(known, told)
    if (wrong !== undefined) this.#violate(wrong.kind, { id, incarnation, run, ...wrong })
    if (known !== undefined) return
    this.#ends.set(key, told)
    this.report.ends += 1
    if (facts.traced?.end != null) this.report.worstLagMs = Math.max(this.report.worstLagMs, told.atMs - Math.floor(facts.traced.end.us / 1000))
  }

  #hearOrphan(key) {
    if (this.#orphans.has(key)) return
    this.#orphans.add(key)
    this.report.orphans += 1
  }

  #endedBefore(id, incarnation, run) {
    for (let before = run - 1; before > 0; before--) {
      const known = this.#ends.get(keyOf(id, incarnation, before))
      if (known !== undefined) return known.atMs
    }
    return this.#ledger.slotOf(id).starts.get(incarnation) ?? 0
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
    }
  }

  // ------------------------------------------------------------ looking at everything

  /** Asks a manager that is up, and the OS, until each of them has been seen to agree about every process. */
  async #settle(life) {
    if (life.isOver) return
    this.report.checks += 1
    let doubts = null
    for (const giveUpAtMs = Date.now() + this.#options.patienceMs; ; await pause(8)) {
      const seen = await this.#observe(life, doubts === null)
      if (seen === null) return
      const now = new Map(seen.map((doubt) => [doubt.key, doubt]))
      doubts = new Map([...(doubts ?? now)].flatMap(([key]) => (now.has(key) ? [[key, now.get(key)]] : [])))
      if (doubts.size === 0) return
      if (Date.now() < giveUpAtMs) continue
      for (const { kind, ...detail } of doubts.values()) this.#violate(kind, { id: detail.record?.id, ...detail })
      return
    }
  }

  async #observe(life, isFirst) {
    this.#readTrace()
    const list = await life.list()
    if (list === null) return null
    const { records, problems } = list
    this.#hearProblems(problems)
    if (isFirst) this.#judgeStandings(records)
    const seen = look(this.#settings.stateDir)
    for (const { kind, ...detail } of overlapsOf(records, seen)) this.#violate(kind, detail)
    this.#readTrace()
    for (const record of records) this.#hearRecord(record, 'record')
    if (isFirst) {
      for (const record of records) this.#readExits(record)
      await this.#readLogsOf(records)
    }
    return doubtsOf(records, seen, { ledger: this.#ledger, trace: this.#trace, managerPid: life.pid })
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

  /** The ends of earlier runs that no manager lived to tell of are in the run files. */
  #readExits(record) {
    for (let run = Math.max(1, record.run - 18); run < record.run; run++) {
      const incarnation = incarnationOf(record)
      if (this.#ends.has(keyOf(record.id, incarnation, run))) continue
      const exit = readJson(join(this.#settings.stateDir, 'jobs', record.id, `run-${run}.exit`))
      if (exit === null) continue
      const outcome =
        exit.kind === 'code' ? { kind: 'code', code: exit.code } : { kind: exit.kind, signal: exit.kind === 'signal' ? signalName(exit.signal) : undefined }
      this.#hearEnd(record.id, incarnation, run, { outcome, atMs: exit.at, source: 'run file' })
    }
  }

  async #readLogsOf(records) {
    const reader = this.#library.createReader({ stateDir: this.#settings.stateDir })
    for (const record of records) {
      const incarnation = incarnationOf(record)
      const key = keyOf(record.id, incarnation, record.run)
      const isWriter = planOf(this.#settings.seed, record.id, incarnation).kind.includes('writer')
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
  const { call, path } = random.pick(DEATHS)
  return { call, path: path.source, nth: random.pick([1, 1, 2, 3, 5, 10]), when: random.pick(['before', 'middle', 'after']) }
}

function lockDeath(random) {
  const { call, path } = random.pick(DEATHS.filter(({ over }) => over === 'lock'))
  return { call, path: path.source, nth: random.int(1, 2), when: random.pick(['before', 'middle', 'after']) }
}

function endOf(random) {
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

function readJson(path) {
  try {
    return JSON.parse(readText(path))
  } catch {
    return null
  }
}
