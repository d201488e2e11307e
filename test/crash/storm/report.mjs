// What a storm has seen, and how it is told.
export const KINDS = [
  'unknown-process',
  'alive-but-dead',
  'dead-but-alive',
  'run-twice',
  'overlap',
  'wrong-end',
  'orphaned',
  'lost-command',
  'lost-restart',
  'lost-lines',
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
  /** Ends that are not known because their keeper was killed. */
  orphans = 0
  adopted = 0
  checks = 0
  calls = 0
  executions = 0
  processes = 0
  ends = 0
  lines = 0
  /** Longest time from a command's word that it ends to the end on record. */
  worstLagMs = 0
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
    const {
      seed,
      dir,
      rounds,
      kills,
      killCount,
      killedKeepers,
      orphans,
      adopted,
      checks,
      calls,
      executions,
      processes,
      ends,
      lines,
      worstLagMs,
      violations,
      details,
    } = this
    const wallMs = (this.endedAtMs ?? Date.now()) - this.startedAtMs
    return {
      seed,
      dir,
      rounds,
      killCount,
      kills,
      killedKeepers,
      orphans,
      adopted,
      checks,
      calls,
      executions,
      processes,
      ends,
      lines,
      worstLagMs,
      wallMs,
      violations,
      details,
    }
  }

  progress() {
    const { rounds, killCount, executions, ends, violationCount } = this
    return `${rounds} rounds, ${killCount} kills, ${executions} executions, ${ends} ends checked, ${violationCount} violations`
  }

  text() {
    const wallS = ((this.endedAtMs ?? Date.now()) - this.startedAtMs) / 1000
    const list = (counts) => Object.entries(counts).map(([name, count]) => `${name} ${count}`)
    const rows = [
      ['seed', this.seed],
      ['rounds', this.rounds],
      ['kills', `${this.killCount} (${list(this.kills).join(', ')})`],
      ...(this.killedKeepers === 0 ? [] : [['keepers killed', `${this.killedKeepers} (ends not known: ${this.orphans})`]]),
      ['calls acknowledged', this.calls],
      ['processes', this.processes],
      ['executions', this.executions],
      ['taken over alive', this.adopted],
      ['checks of everything', this.checks],
      ['ends checked', this.ends],
      ['lines checked', this.lines],
      ['latest end on record', `${this.worstLagMs} ms after the command told of it`],
      ['wall time', `${wallS.toFixed(1)} s`],
      ['violations', `${this.violationCount} (${list(this.violations).join(', ')})`],
    ]
    return rows.map(([name, value]) => `${name.padEnd(22)}${value}`).join('\n')
  }
}
