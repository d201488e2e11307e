// What the managers have been asked to do and what they have acknowledged: so, what must hold, and what may have gone either way.

/** Errors that a call may be refused with, because of what other calls do at the same time. */
const REFUSALS = {
  start: ['PROCMAN_WRONG_STATE', 'PROCMAN_CLOSED'],
  launch: ['PROCMAN_WRONG_STATE', 'PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN'],
  restart: ['PROCMAN_WRONG_STATE', 'PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN'],
  stop: ['PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN'],
  signal: ['PROCMAN_WRONG_STATE', 'PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN', 'PROCMAN_SIGNAL_FAILED'],
  remove: ['PROCMAN_WRONG_STATE', 'PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN'],
  refresh: ['PROCMAN_CLOSED'],
  watch: ['PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN'],
  close: [],
  shutdown: [],
}
const BEGINS_RUN = ['start', 'launch', 'restart']
const MAY_KILL = ['stop', 'restart', 'signal', 'shutdown']

export class Ledger {
  /** id -> slot */
  slots = new Map()
  acknowledged = 0
  #order = 0

  slotOf(id) {
    const known = this.slots.get(id)
    if (known !== undefined) return known
    const slot = {
      /** The incarnations that may be there; null: none. */
      possible: new Set([null]),
      /** incarnation -> ms at which its start was issued */
      starts: new Map(),
      /** incarnation -> a run of it that was acknowledged */
      runs: new Map(),
      /** Ms at which something was issued that may end its run. */
      kills: [],
      /** An acknowledged stop that nothing issued since may undo: { incarnation, run }, null where that is not known. */
      stopped: null,
      lastBegin: 0,
    }
    this.slots.set(id, slot)
    return slot
  }

  /**
   * Takes in the journal of one manager, which is over.
   * @param violate called with a kind and details of what is wrong already
   */
  take(journal, violate) {
    const open = new Map()
    let isClosing = false
    for (const entry of journal) {
      if (entry.op === 'close' || entry.op === 'shutdown') isClosing = true
      if (entry.t === 'intent') open.set(entry.n, this.#issue(entry))
      else if (entry.t === 'ack' || entry.t === 'fail') {
        const intent = open.get(entry.n)
        open.delete(entry.n)
        if (entry.t === 'ack') this.#acknowledge(intent, entry)
        else this.#refuse(intent, entry, isClosing, violate)
      }
    }
    for (const intent of open.values()) this.#leaveOpen(intent)
  }

  /** Ms of all that may have ended a run of the process between two times. */
  mayHaveKilled(id, fromMs, toMs) {
    return this.slotOf(id).kills.some((ms) => ms >= fromMs && ms <= toMs)
  }

  #issue(entry) {
    const intent = { ...entry, order: ++this.#order }
    const slots = entry.id === null ? [...this.slots.values()] : [this.slotOf(entry.id)]
    for (const slot of slots) {
      if (MAY_KILL.includes(entry.op)) slot.kills.push(entry.ms)
      if (!BEGINS_RUN.includes(entry.op)) continue
      slot.lastBegin = intent.order
      slot.stopped = null
      if (entry.op === 'start') slot.starts.set(entry.incarnation, entry.ms)
    }
    return intent
  }

  #acknowledge(intent, { id, run, state }) {
    this.acknowledged += 1
    if (intent.op === 'shutdown') {
      for (const slot of this.slots.values()) if (slot.lastBegin < intent.order) slot.stopped = { incarnation: null, run: null }
      return
    }
    if (id === null) return
    const slot = this.slotOf(id)
    if (intent.op === 'start') {
      slot.possible = new Set([intent.incarnation])
      // What it speaks of is the first run: a later one may be another call's, which nobody has acknowledged yet.
      slot.runs.set(intent.incarnation, Math.min(run ?? 0, 1))
    } else if (intent.op === 'remove') {
      slot.possible = new Set([null])
      slot.stopped = null
    } else if (intent.op === 'launch' || intent.op === 'restart') {
      slot.runs.set(intent.incarnation, Math.max(intent.run + 1, slot.runs.get(intent.incarnation) ?? 0))
    } else if (intent.op === 'stop' && slot.lastBegin < intent.order) {
      slot.stopped = { incarnation: intent.incarnation, run: state === 'exited' ? (run ?? null) : null }
    }
  }

  #refuse(intent, { id, code, message }, isClosing, violate) {
    const isExpected = REFUSALS[intent.op].includes(code)
    if (!isExpected) violate('refused', { call: intent.op, id, code, message, issued: intent })
    if (intent.op !== 'start') return
    const slot = this.slotOf(id)
    // Closed in the middle of it: it may have begun all the same. A start that failed otherwise leaves nothing behind.
    if (isClosing) slot.possible.add(intent.incarnation)
  }

  #leaveOpen({ op, id, incarnation }) {
    if (id === null) return
    const slot = this.slotOf(id)
    if (op === 'start') slot.possible.add(incarnation)
    if (op === 'remove') slot.possible.add(null)
  }
}

/**
 * @param intervals { life, fromNs, toNs } of each manager: from having the directory to its last word while it had it
 * @returns pairs that held it at the same time
 */
export function heldTwice(intervals) {
  const sorted = [...intervals].sort((a, b) => a.fromNs - b.fromNs)
  return sorted.flatMap((later, index) => {
    const earlier = sorted[index - 1]
    return earlier !== undefined && earlier.toNs > later.fromNs ? [[earlier, later]] : []
  })
}

/** From `up` to the last thing that a manager said before it began to let go. @returns null for one that never had the directory */
export function holdingOf(life, journal) {
  const up = journal.find((entry) => entry.t === 'up')
  if (up === undefined) return null
  const closing = journal.findIndex((entry) => entry.t === 'intent' && (entry.op === 'close' || entry.op === 'shutdown'))
  const last = closing === -1 ? journal.at(-1) : journal[closing]
  return { life, fromNs: up.ns, toNs: last.ns }
}
