// A manager of the storm, a program of its own: does whatever the library can do as fast as it can, until it is killed or its time is up.
// stdout is its journal: a line before each call and one after it. fd 3 tells the driver how far it is; stdin is the driver's word.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { arm } from './death.mjs'
import { endOf } from './ends.mjs'
import { actOf, idsOf, incarnationOf, inputOf, planOf, SHORTEST_GRACE_MS } from './plan.mjs'
import { randomOf } from './random.mjs'
import { endsIn } from './run-files.mjs'

const settings = JSON.parse(process.argv[2])
const random = randomOf(settings.seed, 'manager', settings.life)
const ids = idsOf(settings.slots)
const busy = new Map()
const pending = new Set()
/** They end with their process or with the supervisor, so nobody else waits for them. */
const watching = new Set()
let calls = 0
let made = 0
let isEnding = false
let toldProblems = 0
/** Whom an event speaks of may have been removed by the time that it comes. */
const incarnations = new Map()
/** Resolved unless the driver wants to have a look while nothing is under way. */
let mayGoOn = Promise.resolve()
let goOn = () => {}

const write = (entry) => writeSync(1, `${JSON.stringify({ ns: Number(process.hrtime.bigint()), ms: Date.now(), ...entry })}\n`)
const mark = (entry) => writeSync(3, `${JSON.stringify(entry)}\n`)

if (settings.death !== null) arm(settings.death)
const { createSupervisor } = await import(settings.dist)
mark({ mark: 'opening' })
const supervisor = await open()

async function open() {
  try {
    return await createSupervisor({ stateDir: settings.stateDir, lockTimeoutMs: settings.lockTimeoutMs })
  } catch (error) {
    write({ t: 'refused', code: error.code, message: error.message })
    process.exit(error.code === 'PROCMAN_STATE_DIR_LOCKED' ? 0 : 1)
  }
}

write({ t: 'up', adopted: supervisor.list().filter((record) => record.state === 'running').length })
supervisor.actor.on('process.exited', ({ id, run, outcome, atMs }) => {
  write({ t: 'exited', end: { id, incarnation: incarnationNow(id), run, outcome, atMs, source: 'event' } })
})
mark({ mark: 'up' })
write({ t: 'ends', ends: endsSoFar() })
if (settings.gate) hold()
createInterface({ input: process.stdin })
  .on('line', hear)
  // The driver has gone: what it started must not go on.
  .on('close', () => isEnding || process.exit(2))
await mayGoOn
const workers = Array.from({ length: settings.workers }, work)
setTimeout(end, settings.endAfterMs)

function hear(line) {
  if (line === 'list') mark({ mark: 'list', records: supervisor.list(), problems: supervisor.problems })
  if (line === 'go') goOn()
  if (line !== 'hold') return
  hold()
  settled('hold', pending).then(() => mark({ mark: 'held' }))
}

function hold() {
  mayGoOn = new Promise((resolve) => {
    goOn = resolve
  })
}

/** Of runs that ended while nobody managed, no event tells; and what is restarted or removed next says nothing of them any more. */
function endsSoFar() {
  const records = supervisor.list()
  for (const record of records) incarnations.set(record.id, incarnationOf(record))
  const ofRecords = records.flatMap((record) => endOf(record, 'record when the manager was up') ?? [])
  return [...ofRecords, ...endsIn(settings.stateDir, settings.nonce)]
}

async function work() {
  while (!isEnding) {
    await mayGoOn
    step(random.pick(ids))
    await new Promise((resolve) => setImmediate(resolve))
    while (pending.size >= settings.workers && !isEnding) await Promise.race(pending)
  }
}

/** Issues one call for one process; more than one may be under way for it, except beside a start or a removal. */
function step(id) {
  const others = busy.get(id) ?? 0
  const record = recordOf(id)
  if (record === undefined) return others === 0 ? start(id) : undefined
  const isBusy = others > 0
  const name = random.weighted(choicesOf(record, isBusy))
  if (name === 'remove')
    return call('remove', id, record, () => supervisor.remove(id), { isExclusive: true, more: { end: endOf(record, 'record when it was removed') } })
  if (name === 'stop') return stop(id, record)
  if (name === 'kill') return call('signal', id, record, () => supervisor.signal(id, 'SIGKILL', { target: random.pick(['group', 'command']) }))
  if (name === 'refresh') return call('refresh', null, record, () => supervisor.refresh())
  if (name === 'watch') return watch(id, record)
  if (name === 'write') return send(id, record)
  if (name === 'closeStdin') return call('closeStdin', id, record, () => supervisor.closeStdin(id))
  if (name === 'restart') return call('restart', id, record, () => supervisor.restart(id), { more: { graceMs: record.stop.timeoutMs } })
  if (name === 'launch') return call('launch', id, record, () => supervisor.launch(id))
}

/** Lines for a command that answers each of them. */
function send(id, record) {
  const lines = random.int(1, 200)
  return call('write', id, record, () => supervisor.write(id, 'a line\n'.repeat(lines)), { more: { lines } })
}

/** Pairs of a weight and a call. Some are refused in the state: that is part of it. */
function choicesOf({ state, run, stdin }, isBusy) {
  if (state === 'exited' || state === 'orphaned')
    return [
      [isBusy ? 0 : 5, 'remove'],
      [run < 17 ? 2 : 0, 'launch'],
      [run < 17 ? 2 : 0, 'restart'],
      [1, 'stop'],
    ]
  if (state === 'pending')
    return [
      [3, 'launch'],
      [1, 'restart'],
      [1, 'stop'],
      [isBusy ? 0 : 1, 'remove'],
    ]
  if (run >= 17) return [[1, 'stop']]
  return [
    [4, 'stop'],
    [4, 'restart'],
    [1, 'kill'],
    [0.5, 'refresh'],
    [1, 'watch'],
    ...(stdin === 'pipe' ? TALK : []),
    [isBusy ? 0 : 0.3, 'remove'],
    [settings.calm, 'nothing'],
  ]
}

const TALK = [
  [20, 'write'],
  [4, 'closeStdin'],
]

function start(id) {
  const incarnation = settings.life * 1_000 + made++
  incarnations.set(id, incarnation)
  const input = inputOf(settings, id, incarnation)
  const record = { run: 0, args: input.args }
  return call('start', id, record, () => supervisor.start(input), { isExclusive: true })
}

function stop(id, record) {
  const options = random.weighted([
    [3, {}],
    [2, { timeoutMs: 0 }],
    [1, { timeoutMs: 60 }],
  ])
  return call('stop', id, record, () => supervisor.stop(id, options), { more: { graceMs: options.timeoutMs ?? record.stop.timeoutMs } })
}

/** A client that reads along: the lines of each run are 1, 2, 3 … */
function watch(id, record) {
  if (watching.size >= 3 || !'wWr'.includes(actOf(planOf(settings, id, incarnationOf(record)), 1).letter)) return
  const read = async () => {
    const next = {}
    for await (const { text, stream, run, partial } of supervisor.watch(id)) {
      const key = `${stream}/${run}`
      next[key] = (next[key] ?? 0) + 1
      const expected = `${incarnationOf(record)} ${run} ${stream === 'stdout' ? 'o' : 'e'} ${next[key]}`
      if (text !== expected && !(partial && expected.startsWith(text))) throw new Error(`line ${JSON.stringify(text)} came, ${expected} was next`)
    }
  }
  return call('watch', id, record, read, { among: watching })
}

function call(op, id, record, act, { isExclusive = false, among = pending, more = {} } = {}) {
  const n = ++calls
  const weight = among === watching ? 0 : isExclusive ? 1_000 : 1
  if (id !== null) busy.set(id, (busy.get(id) ?? 0) + weight)
  write({ t: 'intent', n, op, id, incarnation: incarnationOf(record), run: record.run, ...more })
  const done = settle(n, op, id, act).finally(() => {
    among.delete(done)
    if (id !== null) busy.set(id, busy.get(id) - weight)
  })
  among.add(done)
}

async function settle(n, op, id, act) {
  try {
    await act()
    const record = id === null ? undefined : recordOf(id)
    write({ t: 'ack', n, op, id, run: record?.run, state: record?.state })
  } catch (error) {
    write({ t: 'fail', n, op, id, code: error.code ?? null, message: error.message })
  }
  tellProblems()
}

async function end() {
  isEnding = true
  if (settings.drain) await settled('drain', pending)
  const n = ++calls
  write({ t: 'intent', n, op: settings.how, id: null, graceMs: Math.min(settings.shutdownMs, SHORTEST_GRACE_MS) })
  mark({ mark: 'closing' })
  try {
    await (settings.how === 'close' ? supervisor.close() : supervisor.shutdown({ timeoutMs: settings.shutdownMs }))
    write({ t: 'ack', n, op: settings.how, id: null })
  } catch (error) {
    write({ t: 'fail', n, op: settings.how, id: null, code: error.code ?? null, message: error.message })
  }
  goOn()
  await settled('close', [...pending, ...watching])
  await Promise.all(workers)
  tellProblems()
  // Nothing of procman may keep this program alive; what is left of ours is let go.
  process.stdin.destroy()
}

/** Every call must settle, before the end as well as because of it. */
async function settled(when, those) {
  let timer
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, settings.patienceMs, 'hang')
  })
  const result = await Promise.race([Promise.all(those), patience])
  clearTimeout(timer)
  if (result === 'hang') write({ t: 'hang', when, calls: pending.size + watching.size })
}

function tellProblems() {
  const { problems } = supervisor
  for (const problem of problems.slice(toldProblems)) write({ t: 'problem', problem })
  toldProblems = problems.length
}

function incarnationNow(id) {
  const record = recordOf(id)
  return record === undefined ? incarnations.get(id) : incarnationOf(record)
}

function recordOf(id) {
  return supervisor.table.getSnapshot().context.processes.get(id)?.get()
}
