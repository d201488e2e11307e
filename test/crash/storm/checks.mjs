// The judgements of the storm. Pure: facts in, what is wrong with them out. Each returns kind and details, or nothing.
import { isDeepStrictEqual } from 'node:util'
import { incarnationOf } from './plan.mjs'

/** Clocks are read by several programs, in whole ms. */
const SLACK_MS = 2
/** A command that has told its end still has to reach it, and its keeper to be woken: on a crowded machine that takes its time, but not this long. */
const LATEST_MS = 10_000

const isAlive = ({ state }) => state === 'starting' || state === 'running' || state === 'unhealthy' || state === 'stopping'
const isSettled = ({ state }) => state === 'exited' || state === 'orphaned'
const sameOutcome = (a, b) => a.kind === b.kind && a.code === b.code && a.signal === b.signal

/** What the trace says by itself, whatever the records say. */
export function judgeRun(traced, before) {
  const found = []
  const where = { id: traced.id, incarnation: traced.incarnation, run: traced.run }
  if (traced.begins.length > 1) found.push({ kind: 'run-twice', ...where, begins: traced.begins })
  if (traced.overlaps.length > 0) found.push({ kind: 'overlap', ...where, at: traced.overlaps })
  const [begin] = traced.begins
  if (begin !== undefined && before?.end != null && begin.us < before.end.us) found.push({ kind: 'overlap', ...where, begin, before })
  return found
}

/**
 * One run's end, as procman tells it, against what the command told of itself.
 * @param told { outcome, atMs, source }
 * @param facts { traced: of this run, endedBeforeMs: when the run before it ended (or the process was made), act: what it was told to do, nowMs,
 *   wasAsked(what, fromMs, toMs): whether a call made since `fromMs` may have sent it SIGTERM or SIGKILL, or closed its stdin (EOF), by `toMs` }
 */
export function judgeEnd({ outcome, atMs, source }, { traced, endedBeforeMs, act, wasAsked, nowMs }) {
  const wrong = (why) => ({ kind: outcome.kind === 'unknown' ? 'orphaned' : 'wrong-end', why, source, outcome, atMs, act, traced, endedBeforeMs })
  const [begin] = traced?.begins ?? []
  const end = traced?.end ?? null
  if (outcome.kind === 'unknown') return wrong('it is not known')
  if (outcome.kind === 'launch-failed') return wrong('there is nothing wrong with the command')
  const asked = (what) => wasAsked(what, endedBeforeMs - SLACK_MS, atMs + SLACK_MS)
  if (outcome.kind === 'not-started') {
    if (begin !== undefined) return wrong('it was executed')
    // Before it is executed nobody has to be patient with it.
    return asked('anything') ? undefined : wrong('nobody asked for it to stop')
  }
  if (!Number.isFinite(atMs)) return wrong('the time is not known')
  if (atMs > nowMs + SLACK_MS) return wrong('it ended in the future')
  if (begin !== undefined && atMs < Math.floor(begin.us / 1000) - SLACK_MS) return wrong('it ended before it began')
  if (atMs < endedBeforeMs - SLACK_MS) return wrong('it ended before the run before it')
  if (end === null || !sameOutcome(outcome, end.outcome)) {
    if (outcome.kind !== 'signal') return wrong(end === null ? 'the command told of none' : 'the command told of another end')
    if (outcome.signal !== 'SIGKILL' && (outcome.signal !== 'SIGTERM' || end !== null)) return wrong('nobody sends that signal')
    if (!asked(outcome.signal)) return wrong('nobody asked for that signal, or its grace was not over')
    if (outcome.signal === 'SIGTERM' && begin !== undefined && 'dhW'.includes(act.letter)) return wrong('that signal does not end it')
    return undefined
  }
  if ('hW'.includes(act.letter) && !asked('SIGTERM')) return wrong('nobody asked for the signal that it waited for')
  if (act.letter === 'r' && !asked('EOF')) return wrong('nobody closed its stdin')
  const toldMs = Math.floor(end.us / 1000)
  if (atMs < toldMs) return wrong('it ended before the command told so')
  if (atMs > toldMs + LATEST_MS) return wrong('it ended long after the command told so')
  return undefined
}

/**
 * A run that was executed, and of whose end nobody has told: neither a manager, nor a record, nor its run files.
 * @param record of its id; undefined when there is none
 */
export function judgeUnheard(traced, record) {
  const isSame = record !== undefined && incarnationOf(record) === traced.incarnation
  // It may be up; or it has just been begun, after the record was asked for.
  if (isSame && (traced.run > record.run || (traced.run === record.run && isAlive(record)))) return undefined
  return { kind: 'unheard-end', why: isSame ? 'it is over' : 'its process was removed', traced, record }
}

/**
 * What a command left behind for good lives on to its own end.
 * @param traced of a run with leftovers that are to be left, which is over for long
 * @param wasAsked(fromMs, toMs): whether somebody may have stopped the run between two times, and with it its whole tree
 */
export function judgeLeftover(traced, wasAsked) {
  const [begin] = traced.begins
  if (traced.left === null || traced.end === null || traced.left.endedUs !== null) return undefined
  // A stop that comes when the command has just ended may still reach the tree.
  if (wasAsked(Math.floor(begin.us / 1000) - SLACK_MS, Math.floor(traced.end.us / 1000) + LATEST_MS)) return undefined
  return { kind: 'leftover-killed', why: 'it was to be left', id: traced.id, incarnation: traced.incarnation, run: traced.run, traced }
}

/** A command reads all that was acknowledged to be written to it before its stdin was closed. */
export function judgeInput(traced, acknowledged) {
  if (traced.end === null || traced.end.out >= acknowledged) return undefined
  return { kind: 'lost-lines', why: `${acknowledged} lines were written to it`, id: traced.id, incarnation: traced.incarnation, run: traced.run, traced }
}

/** What stands for good, whatever moves at the moment: who is there at all, and how far it had come. */
export function judgeStanding(id, record, slot, trace) {
  const incarnation = record === undefined ? null : incarnationOf(record)
  const where = { id, incarnation, record, possible: [...slot.possible] }
  if (!slot.possible.has(incarnation)) {
    const why = record === undefined ? 'a start that was acknowledged is not known' : 'it was removed, or never started'
    return [{ kind: 'lost-command', why, ...where }]
  }
  if (record === undefined) return []
  const found = []
  const acknowledged = slot.runs.get(incarnation) ?? 0
  if (record.run < acknowledged) found.push({ kind: 'lost-command', why: `run ${acknowledged} was acknowledged`, ...where })
  if (record.run < trace.lastRun(id, incarnation))
    found.push({ kind: 'lost-command', why: `run ${trace.lastRun(id, incarnation)} was executed, the record does not know it`, ...where })
  const policy = policyBroken(record)
  if (policy !== undefined) found.push({ kind: 'lost-restart', why: policy, run: record.run, ...where })
  return [...found, ...judgeStop(record, slot, trace, where)]
}

function judgeStop(record, { stopped }, trace, where) {
  if (stopped === null || stopped.run === null) return []
  const last = Math.max(record.run, trace.lastRun(where.id, where.incarnation))
  return last > stopped.run ? [{ kind: 'lost-command', why: `the stop of run ${stopped.run} is undone: there is run ${last}`, ...where }] : []
}

/**
 * What may be wrong for a moment, since records follow the world: only what stays so is a lie.
 * @param records were listed before `seen` was looked at
 * @returns doubts with a key, each of which must go away by itself
 */
export function doubtsOf(records, seen, { ledger, trace, managerPid }) {
  const byId = new Map(records.map((record) => [record.id, record]))
  const doubts = [...doubtsAboutOthers(byId, seen, managerPid)]
  for (const record of records) {
    const commands = seen.commands.filter(({ id }) => id === record.id)
    for (const doubt of doubtsAbout(record, commands, ledger.slotOf(record.id), trace))
      doubts.push({ key: `${doubt.kind}/${record.id}`, record, commands, ...doubt })
  }
  return doubts
}

function* doubtsAboutOthers(byId, { commands, keepers, spawners }, managerPid) {
  for (const command of commands) {
    if (!byId.has(command.id)) yield { key: `unknown-process/${command.pid}`, kind: 'unknown-process', why: 'no record has its id', command }
  }
  for (const keeper of keepers) {
    const record = byId.get(keeper.id)
    if (record === undefined || isSettled(record))
      yield { key: `unknown-process/${keeper.pid}`, kind: 'unknown-process', why: 'a keeper of nothing', keeper, record }
  }
  for (const spawner of spawners) {
    if (spawner.parent !== managerPid) yield { key: `unknown-process/${spawner.pid}`, kind: 'unknown-process', why: 'a spawner without a manager', spawner }
  }
}

function* doubtsAbout(record, commands, slot, trace) {
  const { state } = record
  const incarnation = incarnationOf(record)
  if (state === 'starting' || state === 'stopping') yield { kind: 'hang', why: `it stays ${state}` }
  if (state === 'running') {
    if (!commands.some(({ pid, run }) => pid === record.pid && run === record.run)) yield { kind: 'alive-but-dead' }
    const begin = trace.get(record.id, incarnation, record.run)?.begins[0]
    if (begin?.pid !== record.pid) yield { kind: 'lost-command', why: 'it is not what was executed', begin }
  }
  if (!isAlive(record) && commands.length > 0) yield { kind: 'dead-but-alive' }
  if (slot.stopped !== null && !isSettled(record) && state !== 'pending') yield { kind: 'lost-command', why: 'it was stopped, and that was acknowledged' }
}

/** A reader beside the manager follows it: what differs is a lie only if it stays so. */
export function differencesOf(records, read) {
  const shown = new Map(read.map((record) => [record.id, record]))
  const known = new Map(records.map((record) => [record.id, record]))
  return [...new Set([...shown.keys(), ...known.keys()])].flatMap((id) => {
    const [record, other] = [known.get(id), shown.get(id)]
    const isSame = record !== undefined && other !== undefined && TOLD.every((field) => isDeepStrictEqual(record[field], other[field]))
    return isSame ? [] : [{ key: `reader-lies/${id}`, kind: 'reader-lies', id, record, other }]
  })
}

const TOLD = ['args', 'run', 'state', 'status', 'pid', 'outcome', 'started_at', 'completed_at']

/** A process of an earlier run beside a record of a later one: not even for a moment, since the record was listed first. */
export function overlapsOf(records, { commands }) {
  return records.flatMap((record) =>
    commands
      .filter(({ id, run }) => id === record.id && run < record.run)
      .map((command) => ({ kind: 'overlap', why: 'the tree of an earlier run is still there', id: record.id, record, command })),
  )
}

function policyBroken({ state, status, restart, outcome, error }) {
  if (state !== 'exited' || status === 'cancelled' || restart.strategy === 'never') return undefined
  if (restart.strategy === 'always') return 'its policy is always'
  if (outcome.kind === 'code' && outcome.code === 0) return undefined
  return restart.maxAttempts > 0 && error?.includes('gave up') ? undefined : 'its policy is on-failure'
}

/** Two that speak of the same end must say the same. */
export function judgeAgreement(one, other) {
  if (sameOutcome(one.outcome, other.outcome) && one.atMs === other.atMs) return undefined
  // When a run that nobody started ended is when that was found out.
  if (one.outcome.kind === 'not-started' && other.outcome.kind === 'not-started') return undefined
  return { kind: 'wrong-end', why: 'it is told in two ways', one, other }
}

/**
 * The output of one run to one stream: lines that number themselves.
 * @param expected how many the command said it had written; null when it was killed: then the last line may be cut off
 */
export function judgeLines(text, { incarnation, run, stream, expected }) {
  const wrong = (why) => ({ lines: 0, violation: { kind: 'lost-lines', why, incarnation, run, stream, expected } })
  const lines = text.split('\n')
  const rest = lines.pop() ?? ''
  const lineOf = (number) => `${incarnation} ${run} ${stream === 'stdout' ? 'o' : 'e'} ${number}`
  for (const [index, line] of lines.entries()) if (line !== lineOf(index + 1)) return wrong(`line ${index + 1} is ${JSON.stringify(line.slice(0, 100))}`)
  if (expected !== null && lines.length !== expected) return wrong(`there are ${lines.length} lines`)
  if (rest !== '' && (expected !== null || !lineOf(lines.length + 1).startsWith(rest))) return wrong(`it ends with ${JSON.stringify(rest.slice(0, 100))}`)
  return { lines: lines.length, violation: undefined }
}
