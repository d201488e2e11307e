// What a storm has seen, and how it is told.
export const KINDS = [
  'unknown-process',
  'alive-but-dead',
  'dead-but-alive',
  'run-twice',
  'overlap',
  'wrong-end',
  'unheard-end',
  'orphaned',
  'lost-command',
  'lost-restart',
  'lost-lines',
  'leftover-killed',
  'reader-lies',
  'two-managers',
  'refused',
  'hang',
  'manager-crashed',
  'problem',
]
const KEPT = 20

export class Report {
  startedAtMs = Date.now()
  endedAtMs = null
  rounds = 0
  kills = {}
  killedKeepers = 0
  killedSpawners = 0
  /** Ends that are not known because their keeper was killed. */
  orphans = 0
  adopted = 0
  /** Managers that came up, and how many of them lived until everything had been looked at. */
  recoveries = 0
  checks = 0
  calls = 0
  executions = 0
  processes = 0
  ends = 0
  /** Runs that were executed, and of whose end nobody has told. */
  unheard = 0
  /** Not counted there: their keeper was killed, and the next run had begun before anybody was there to be told. */
  unheardOrphans = 0
  lines = 0
  linesWritten = 0
  /** Children that were to be left, and lived on to their own end. */
  leftovers = 0
  /** Looks of the reader beside that were wrong for a moment, as it looked at what was being removed. */
  readerEnds = 0
  /** From each command's word that it ends to the end on record. */
  lagsMs = []
  violations = Object.fromEntries(KINDS.map((kind) => [kind, 0]))
  details = []
  #seen = new Set()

  constructor({ seed, dir }) {
    this.seed = seed
    this.dir = dir
  }

  killed(phase) {
    this.kills[phase] = (this.kills[phase] ?? 0) + 1
  }

  /** @returns false for one that is known already */
  violate(kind, detail, round) {
    const key = `${kind}/${JSON.stringify([detail.id, detail.incarnation, detail.run, detail.why, detail.key, detail.message])}`
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    this.violations[kind] += 1
    if (this.violations[kind] <= KEPT) this.details.push({ kind, round, ...detail })
    return true
  }

  get killCount() {
    return Object.values(this.kills).reduce((sum, count) => sum + count, 0)
  }

  get violationCount() {
    return Object.values(this.violations).reduce((sum, count) => sum + count, 0)
  }

  toJSON() {
    const { lagsMs, endedAtMs, startedAtMs, ...rest } = this
    return { ...rest, killCount: this.killCount, lateMs: lateOf(lagsMs), wallMs: (endedAtMs ?? Date.now()) - startedAtMs }
  }

  progress() {
    const { rounds, killCount, executions, ends, violationCount } = this
    return `${rounds} rounds, ${killCount} kills, ${executions} executions, ${ends} ends checked, ${violationCount} violations`
  }

  text() {
    const wallS = ((this.endedAtMs ?? Date.now()) - this.startedAtMs) / 1000
    const list = (counts) => Object.entries(counts).map(([name, count]) => `${name} ${count}`)
    const { p50, p99, max } = lateOf(this.lagsMs)
    const rows = [
      ['seed', this.seed],
      ['rounds', this.rounds],
      ['kills', `${this.killCount} (${list(this.kills).join(', ')})`],
      ['spawners killed', this.killedSpawners],
      ...(this.killedKeepers === 0 ? [] : [['keepers killed', `${this.killedKeepers} (ends not known: ${this.orphans + this.unheardOrphans})`]]),
      ['calls acknowledged', this.calls],
      ['processes', this.processes],
      ['executions', this.executions],
      ['taken over alive', this.adopted],
      ['recoveries', `${this.recoveries}, checked ${this.checks} (the others were killed before everything had been looked at)`],
      ['ends checked', this.ends],
      ['ends unheard', this.unheard],
      ['ends on record', `${p50} ms (p50), ${p99} ms (p99), ${max} ms (latest) after the command told of it`],
      ['lines checked', this.lines],
      ['lines written', `${this.linesWritten} to stdin, answered`],
      ['leftovers left', this.leftovers],
      ['reader beside', `${this.readerEnds} ends told`],
      ['wall time', `${wallS.toFixed(1)} s`],
      ['violations', `${this.violationCount} (${list(this.violations).join(', ')})`],
    ]
    return rows.map(([name, value]) => `${name.padEnd(22)}${value}`).join('\n')
  }
}

function lateOf(lagsMs) {
  const sorted = [...lagsMs].sort((a, b) => a - b)
  const at = (part) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}
