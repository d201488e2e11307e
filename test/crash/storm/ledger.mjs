// What the managers have been asked to do and what they have acknowledged: so, what must hold, and what may have gone either way.

/** Errors that a call may be refused with, because of what other calls do at the same time. */
const REFUSALS = {
  start: ['PROCMAN_WRONG_STATE', 'PROCMAN_CLOSED'],
  launch: ['PROCMAN_WRONG_STATE', 'PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN'],
  restart: ['PROCMAN_WRONG_STATE', 'PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN'],
  stop: ['PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN'],
  signal: ['PROCMAN_WRONG_STATE', 'PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN', 'PROCMAN_SIGNAL_FAILED'],
  remove: ['PROCMAN_WRONG_STATE', 'PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN'],
  write: ['PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN', 'PROCMAN_STDIN_CLOSED'],
  closeStdin: ['PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN', 'PROCMAN_STDIN_CLOSED'],
  refresh: ['PROCMAN_CLOSED'],
  watch: ['PROCMAN_CLOSED', 'PROCMAN_PROCESS_UNKNOWN'],
  close: [],
  shutdown: [],
}
const BEGINS_RUN = ['start', 'launch', 'restart']
/** What a call may send to a process, and how many ms after it was made at the earliest. */
const SENDS = {
  stop: ({ graceMs }) => (graceMs > 0 ? { SIGTERM: 0, SIGKILL: graceMs } : { SIGKILL: 0 }),
  restart: ({ graceMs }) => ({ SIGTERM: 0, SIGKILL: graceMs }),
  shutdown: ({ graceMs }) => ({ SIGTERM: 0, SIGKILL: graceMs }),
  signal: () => ({ SIGKILL: 0 }),
  closeStdin: () => ({ EOF: 0 }),
}
const STOPS = ['stop', 'restart', 'shutdown']

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
      /** What was issued that may end its run: { ms, op, sends: { SIGTERM, SIGKILL, EOF: after how many ms at the earliest } }. */
      kills: [],
      /** run -> how many lines were written to its stdin, and that was acknowledged. By incarnation. */
      written: new Map(),
      /** An acknowledged stop that nothing issued since may undo: { incarnation, run }, null where that is not known. */
      stopped: null,
      lastBegin: 0,
    }
    this.slots.set(id, slot)
    return slot
  }

  /**
   * Takes in the whole journal of one manager, which is over.
   * @param violate called with a kind and details of what is wrong already
   */
  take(journal, violate) {
    const hearing = this.begin()
    this.hear(hearing, journal, violate)
    this.end(hearing)
  }

  /** @returns what is known of one manager so far: the calls that are open */
  begin() {
    return { open: new Map(), isClosing: false }
  }

  /** Takes in the next part of its journal. */
  hear(hearing, entries, violate) {
    for (const entry of entries) {
      if (entry.op === 'close' || entry.op === 'shutdown') hearing.isClosing = true
      if (entry.t === 'intent') hearing.open.set(entry.n, this.#issue(entry))
      else if (entry.t === 'ack' || entry.t === 'fail') {
        const intent = hearing.open.get(entry.n)
        hearing.open.delete(entry.n)
        if (entry.t === 'ack') this.#acknowledge(intent, entry)
        else this.#refuse(intent, entry, hearing.isClosing, violate)
      }
    }
  }

  /** It is over: what it has not answered may have happened or not. */
  end({ open }) {
    for (const intent of open.values()) this.#leaveOpen(intent)
    open.clear()
  }

  /**
   * Whether something that was asked for since `fromMs` may have reached the process by `toMs`.
   * @param what a signal, `EOF`, or `anything` that stops it
   */
  mayHaveSent(id, what, fromMs, toMs) {
    return this.slotOf(id).kills.some(({ ms, op, sends }) => {
      const afterMs = what === 'anything' ? (STOPS.includes(op) ? 0 : undefined) : sends[what]
      return afterMs !== undefined && ms >= fromMs && ms + afterMs <= toMs
    })
  }

  /** Everything is killed, by whoever does not keep a journal. */
  killAll(ids) {
    for (const id of ids) this.slotOf(id).kills.push({ ms: Date.now(), op: 'shutdown', sends: { SIGTERM: 0, SIGKILL: 0 } })
  }

  linesWritten(id, incarnation, run) {
    return this.slotOf(id).written.get(`${incarnation}/${run}`) ?? 0
  }

  #issue(entry) {
    const intent = { ...entry, order: ++this.#order }
    const slots = entry.id === null ? [...this.slots.values()] : [this.slotOf(entry.id)]
    for (const slot of slots) {
      if (SENDS[entry.op] !== undefined) slot.kills.push({ ms: entry.ms, op: entry.op, sends: SENDS[entry.op](entry) })
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
    if (intent.op === 'write') {
      // Between the two the run may have been another one: then nobody knows which of them it went to.
      const key = `${intent.incarnation}/${run}`
      if (run === intent.run) slot.written.set(key, (slot.written.get(key) ?? 0) + intent.lines)
    } else if (intent.op === 'start') {
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
