// How runs ended: what anybody says of it, held against what the commands told, and what nobody ever says.
import { judgeAgreement, judgeEnd, judgeUnheard } from './checks.mjs'
import { actOf, incarnationOf, planOf } from './plan.mjs'
import { endsIn } from './run-files.mjs'
import { keyOf } from './trace.mjs'

const WITH_AN_END = ['exited', 'orphaned', 'backoff']

/** @returns what a record says of the end of its run; undefined while it says nothing */
export function endOf({ id, state, run, outcome, completed_at, args }, source) {
  if (outcome === null || !WITH_AN_END.includes(state)) return undefined
  return { id, incarnation: incarnationOf({ args }), run, outcome, atMs: Date.parse(completed_at ?? ''), source }
}

export class Ends {
  /** key of a run -> { outcome, atMs, source } */
  #known = new Map()
  /** key -> what the trace says of a run that was executed, and of whose end nobody has told yet */
  #unheard = new Map()
  #orphans = new Set()
  #settings
  #ledger
  #trace
  #report
  #hasLostKeeper
  #readTrace
  #violate

  /**
   * @param hasLostKeeper whether the keeper of a run was killed on purpose: its end may be unknown
   * @param readTrace takes in what has been traced since
   */
  constructor({ settings, ledger, trace, report, hasLostKeeper, readTrace, violate }) {
    this.#settings = settings
    this.#ledger = ledger
    this.#trace = trace
    this.#report = report
    this.#hasLostKeeper = hasLostKeeper
    this.#readTrace = readTrace
    this.#violate = violate
  }

  executed(traced) {
    const key = keyOf(traced.id, traced.incarnation, traced.run)
    if (traced.begins.length > 0 && !this.#known.has(key) && !this.#orphans.has(key)) this.#unheard.set(key, traced)
  }

  /** @param told { id, incarnation, run, outcome, atMs, source }. What the trace says of the run must have been read before. */
  hear({ id, incarnation, run, ...told }) {
    const key = keyOf(id, incarnation, run)
    if (told.outcome.kind === 'unknown' && this.#hasLostKeeper(id, incarnation, run)) return this.#hearOrphan(key)
    const known = this.#known.get(key)
    const traced = this.#trace.get(id, incarnation, run)
    const wrong = known === undefined ? judgeEnd(told, this.#factsOf(id, incarnation, run)) : judgeAgreement(known, told)
    if (wrong !== undefined) this.#violate(wrong.kind, { id, incarnation, run, ...wrong })
    if (known !== undefined) return
    this.#known.set(key, told)
    this.#unheard.delete(key)
    this.#report.ends += 1
    if (traced?.end != null) this.#report.lagsMs.push(told.atMs - Math.floor(traced.end.us / 1000))
  }

  #factsOf(id, incarnation, run) {
    return {
      traced: this.#trace.get(id, incarnation, run),
      endedBeforeMs: this.#endedBefore(id, incarnation, run),
      act: actOf(planOf(this.#settings, id, incarnation), run),
      wasAsked: (what, fromMs, toMs) => this.#ledger.mayHaveSent(id, what, fromMs, toMs),
      nowMs: Date.now(),
    }
  }

  #hearOrphan(key) {
    this.#unheard.delete(key)
    if (this.#orphans.has(key)) return
    this.#orphans.add(key)
    this.#report.orphans += 1
  }

  #endedBefore(id, incarnation, run) {
    for (let before = run - 1; before > 0; before--) {
      const known = this.#known.get(keyOf(id, incarnation, before))
      if (known !== undefined) return known.atMs
    }
    return this.#ledger.slotOf(id).starts.get(incarnation) ?? 0
  }

  /**
   * The ends that no manager lived to tell of. To be called whenever there is none, and when one is up, before it goes on: later runs push the files of earlier
   * ones out, and a removal takes all of them.
   */
  readRunFiles() {
    if (this.#unheard.size === 0) return
    const ends = endsIn(this.#settings.stateDir, this.#settings.nonce)
    // Whoever has ended meanwhile told of it before its keeper did.
    this.#readTrace()
    for (const told of ends) {
      const isNews = this.#unheard.has(keyOf(told.id, told.incarnation, told.run))
      if (isNews) this.hear(told)
    }
  }

  /** @param records all that there are */
  mustBeHeard(records) {
    const byId = new Map(records.map((record) => [record.id, record]))
    for (const traced of this.#unheard.values()) {
      if (this.#hasLostKeeper(traced.id, traced.incarnation, traced.run)) continue
      const wrong = judgeUnheard(traced, byId.get(traced.id))
      if (wrong !== undefined) this.#violate(wrong.kind, { id: traced.id, incarnation: traced.incarnation, run: traced.run, ...wrong })
    }
  }

  /** Executed runs of whose end nobody has told; and those among them that lost their keeper, of which nobody could. */
  get unheard() {
    const all = [...this.#unheard.values()]
    const lost = all.filter(({ id, incarnation, run }) => this.#hasLostKeeper(id, incarnation, run))
    return { unheard: all.length - lost.length, unheardOrphans: lost.length }
  }
}
