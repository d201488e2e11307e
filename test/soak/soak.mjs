// npm run soak -- --minutes N [--json]: a manager lives long, thousands of processes and clients come and go, and it comes back to the line it started from.
// Exit code 0: it does. 1: something grows, or it finds no rest. Nothing here asserts a time, except that of the processor at rest.
import { mkdirSync, mkdtempSync, openSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { createReader, createSupervisor } from '../../dist/index.js'
import { minutes, names, whole } from '../options.mjs'
import { churn, knownLives } from './churn.mjs'
import { stallAt, waitAt } from './clients.mjs'
import { busyDuring, collect, held, instances, memory, ours, watchers } from './measure.mjs'
import { Series } from './series.mjs'
import { BUSY, isAtLine, judge, QUIET_PERCENT, tableOf } from './verdict.mjs'

/** Walks over the heap are dear: no more often is looked at it, the rest is looked at as often as the options say. */
const DEEP_LOOKS = 3
const LOOK_MS = 100
const BUSY_LOOK_MS = 500
const BUSY_LOOKS = 10
const SILENT_IDS = ['silent', 'bare']

const options = new Command('npm run soak --')
  .description('Thousands of processes and clients come and go; exits with 1 when the manager does not come back to the line it started from.')
  .option('--minutes <minutes>', 'how long', minutes, 10)
  .option('--cycles <n>', 'end after so many cycles instead', whole(1))
  .option('--size <n>', 'runs in each cycle, at least', whole(1), 300)
  .option('--at-once <n>', 'lives at a time', whole(1), 12)
  .option('--clients <n>', 'clients that never read, as many that read once, and as many that wait', whole(0), 100)
  .option('--only <names>', `these lives alone: ${knownLives().join(', ')}`, names(knownLives()), [])
  .option('--skip <names>', 'all lives but these', names(knownLives()), [])
  .option('--leak <names>', 'lose something with each process, to see that it is seen', names(['memory', 'file', 'timer', 'turns']), [])
  .option('--seed <n>', 'of what is done when', whole(0), Date.now() % 1_000_000)
  .option('--looks <n>', 'so often is looked whether everything is back, before it is said that it is not', whole(1), 100)
  .option('--json', 'print the figures as JSON')
  .showHelpAfterError('(--help tells more)')
  .parse()
  .opts()
const { only, skip } = options

if (globalThis.gc === undefined) {
  process.stderr.write('run it with node --expose-gc: without that, memory cannot be told from garbage\n')
  process.exit(2)
}

let isInterrupted = false
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => (isInterrupted = true))
const warnings = warningsOf(process)

const soak = await begin()
let rows
try {
  rows = await run()
} finally {
  await end()
}
const isWell = rows.every((row) => row.isWell)
if (options.json) process.stdout.write(`${JSON.stringify({ isWell, runs: soak.runs, seed: options.seed, rows })}\n`)
else
  process.stdout.write(
    `\n${soak.runs} runs, seed ${options.seed}; after each cycle, garbage collected\n\n${tableOf(rows)}\n\n${isWell ? 'It comes back to its line.' : 'It grows, or finds no rest.'}\n`,
  )
process.exitCode = isWell ? 0 : 1

async function begin() {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'procman-soak-')))
  const [stateDir, workDir] = [join(root, 'state'), join(root, 'work')]
  mkdirSync(workDir)
  const supervisor = await createSupervisor({ stateDir })
  const chatty = await supervisor.start({
    id: 'chatty',
    command: process.execPath,
    args: [fileURLToPath(new URL('chatty.mjs', import.meta.url))],
    cwd: workDir,
    inheritEnv: false,
  })
  const host = new AbortController()
  const stalled = await stallAt(supervisor, chatty.id, options.clients)
  const reader = createReader({ stateDir })
  const waiting = await beginToWait({ supervisor, reader, stateDir, workDir })
  return {
    root,
    stateDir,
    workDir,
    supervisor,
    createSupervisor,
    reader,
    chattyId: chatty.id,
    lastingIds: [chatty.id, ...SILENT_IDS],
    host,
    stalled,
    waiting,
    random: randomOf(options.seed),
    isAsked: (name) => (only.length === 0 || only.includes(name)) && !skip.includes(name),
    leak: leakOf(options.leak),
    runs: 0,
  }
}

/**
 * Two processes write a word to each stream and never another one, and clients wait for it. The logs of the second are taken away under its clients: the one
 * removed, the other moved. Busy logs are polled, so this waits until all are watched: those that were taken away in their place and where they are.
 */
async function beginToWait({ supervisor, reader, stateDir, workDir }) {
  const count = options.clients
  const counts = [Math.ceil(count / 2), Math.floor(count / 2)]
  const waiting = []
  for (const [nth, id] of SILENT_IDS.entries()) {
    await supervisor.start({ id, command: 'sh', args: ['-c', 'echo up; echo up >&2; exec sleep infinity'], cwd: workDir })
    waiting.push(await waitAt([supervisor, reader], id, counts[nth]))
  }
  const [stdout, stderr] = ['stdout', 'stderr'].map((stream) => join(stateDir, 'jobs', SILENT_IDS[1], `${stream}.log`))
  rmSync(stdout)
  renameSync(stderr, `${stderr}.1`)
  for (let looks = 0; watchers() < 2 * counts[0] + 4 * counts[1] && looks < 100; looks++) await pause(LOOK_MS)
  return waiting
}

async function run() {
  await cycle()
  const line = await atRest(null)
  const offLine = {}
  const series = new Series(['runs', 'heapUsed', 'external', 'arrayBuffers', 'rss', BUSY, ...Object.keys(line)])
  const endsAt = performance.now() + options.minutes * 60_000
  const isOver = () => isInterrupted || series.isFull || (options.cycles === undefined ? performance.now() >= endsAt : series.length >= options.cycles)
  do {
    await cycle()
    const now = await atRest(line)
    series.add({ runs: soak.runs, ...memory(), [BUSY]: await busyAtRest(), ...now })
    for (const name of Object.keys(line)) if (!isAtLine(name, now[name], line[name])) offLine[name] = (offLine[name] ?? 0) + 1
    tell(series, line, now)
  } while (!isOver())
  return judge(series, line, offLine)
}

function cycle() {
  return churn(soak, options.size, options.atOnce)
}

/**
 * Looks until all counts are what they were, and gives up after a while. Without a line to come back to: until they change no more.
 * @returns the counts of the last look, garbage collected
 */
async function atRest(line) {
  const now = {
    ...(await lookUntilAt(line, options.looks, 3, heldNow)),
    ...(await lookUntilAt(line, Math.min(DEEP_LOOKS, options.looks), 1, instances)),
  }
  await collect()
  return { ...now, 'waiting clients': soak.waiting.reduce((sum, { count }) => sum + count(), 0), 'closed by the garbage collector': warnings.closed }
}

/** Looks until it is quiet, and gives up after a while. @returns what it took in the last look */
async function busyAtRest() {
  for (let look = 1; ; look++) {
    const percent = await busyDuring(BUSY_LOOK_MS)
    if (percent <= QUIET_PERCENT || look >= Math.min(BUSY_LOOKS, options.looks)) return percent
  }
}

function heldNow() {
  return held({ root: soak.root, signals: [soak.host.signal] })
}

/** @param quiet without a line: so often in a row nothing may have changed */
async function lookUntilAt(line, looks, quiet, count) {
  let before = line
  let same = 0
  for (let look = 0; ; look++) {
    await collect()
    const now = count()
    same = before !== null && Object.keys(now).every((name) => now[name] === before[name]) ? same + 1 : 0
    if (same >= (line === null ? quiet : 1) || look >= looks) return now
    before = line ?? now
    await pause(LOOK_MS)
  }
}

function tell(series, line, now) {
  const off = Object.keys(line).filter((name) => !isAtLine(name, now[name], line[name]))
  const figures = ['heapUsed', 'external', 'arrayBuffers', 'rss'].map((name) => `${name} ${(series.last(name) / 1024).toFixed(0)} KB`)
  figures.push(`${series.last(BUSY).toFixed(1)} % busy at rest`)
  const said = off.length === 0 ? 'all counts at the line' : off.map((name) => `${name} ${line[name]} → ${now[name]}`).join(', ')
  process.stderr.write(`cycle ${series.length}: ${soak.runs} runs; ${figures.join(', ')}; ${said}\n`)
}

/** A file that was left to the garbage collector to close is told by Node as a warning; those are counted, not shown. */
function warningsOf(emitter) {
  const seen = { closed: 0 }
  emitter.removeAllListeners('warning')
  emitter.on('warning', (warning) => {
    if (/^Closing file descriptor/.test(warning.message)) seen.closed += 1
    else if (warning.name !== 'ExperimentalWarning' && warning.code !== 'DEP0137') process.stderr.write(`${warning}\n`)
  })
  return seen
}

async function end() {
  soak.leak.end()
  await Promise.all(soak.waiting.map(({ leave }) => leave()))
  await soak.supervisor.shutdown({ timeoutMs: 0 })
  const deadline = performance.now() + 10_000
  while (ours(soak.root).length > 0 && performance.now() < deadline) await pause(20)
  for (const pid of ours(soak.root)) process.kill(pid, 'SIGKILL')
  rmSync(soak.root, { recursive: true, force: true, maxRetries: 5 })
}

function leakOf(kinds) {
  const lost = []
  let turning
  const spin = () => {
    turning = setImmediate(spin)
  }
  const losses = {
    memory: () => lost.push(new Array(100).fill(lost.length)),
    file: () => openSync('/dev/null', 'r'),
    timer: () => setTimeout(() => {}, 2 ** 30).unref(),
    turns: () => turning ?? spin(),
  }
  const chosen = kinds.map((kind) => losses[kind])
  const leak = () => {
    for (const lose of chosen) lose()
  }
  return Object.assign(leak, { end: () => clearImmediate(turning) })
}

/** Mulberry32: the same seed, the same choices. */
function randomOf(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
