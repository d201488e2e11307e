// npm start: brings examples/procman.yaml up as a user would, shows the table live, kills the daemon with SIGKILL in the middle of it, and checks that no harm was done.
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createBrotliDecompress } from 'node:zlib'
import { createReader } from '../dist/index.js'

const KILL_AT_PERCENT = 20
const HOSTS = ['host-1', 'host-2', 'host-3', 'host-4']
const file = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'procman-demo-'))
const env = { ...process.env, DATA_DIR: dir, PROCMAN_HOME: join(dir, 'state') }
const reader = createReader({ stateDir: env.PROCMAN_HOME })
const [out, isTerminal] = [process.stdout, process.stdout.isTTY === true]
let failed = 0

const say = (line = '') => out.write(`${line}\n`)
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function check(holds, what) {
  if (!holds) failed++
  say(`   ${holds ? '✓' : '✗ NOT TRUE:'} ${what}`)
}

process.on('SIGINT', () => cleanUp().then(() => process.exit(130)))
process.on('SIGTERM', () => cleanUp().then(() => process.exit(143)))
try {
  await demo()
} catch (error) {
  failed++
  process.stderr.write(`${error.stack}\n`)
} finally {
  await cleanUp()
}
check(!existsSync(dir), 'nothing is left behind')
say(failed === 0 ? '\nEverything held.' : `\n${failed} ${failed === 1 ? 'thing' : 'things'} did not hold.`)
process.exitCode = failed === 0 ? 0 : 1

async function demo() {
  say('1. The daemon brings up what examples/procman.yaml declares')
  await procman('up', '-d', '-c', file('examples/procman.yaml'))
  await showUntil(() => percent() >= KILL_AT_PERCENT)
  const before = pids()
  const daemon = await daemonPid()
  check(
    HOSTS.every((id) => reader.get(id).ready),
    `four service hosts are ready, and "compress" works (${percent()}%)`,
  )
  check(reader.get('report').state === 'pending', `"report" has not been started: ${reader.get('report').waiting_for}`)

  say(`\n2. kill -9 ${daemon}: the daemon is dead, nobody manages anything`)
  process.kill(daemon, 'SIGKILL')
  while (isThere(daemon)) await sleep(10)
  const atDeath = percent()
  process.kill(before['host-4'], 'SIGKILL')
  await showUntil(() => percent() >= Math.min(atDeath + KILL_AT_PERCENT, 99))
  check(
    Object.entries(before).every(([id, pid]) => id === 'host-4' || isThere(pid)),
    `all others are the same processes as before, and "compress" goes on (${percent()}%)`,
  )
  check((await Promise.all(HOSTS.slice(0, 3).map(answers))).every(Boolean), 'the hosts answer their requests')
  const { outcome, pid } = reader.get('host-4')
  check(pid === null && outcome?.signal === 'SIGKILL', '"host-4" was killed meanwhile: how it ended is known, though nobody was watching')

  say('\n3. procman up -d: the next daemon takes over')
  await procman('up', '-d', '-c', file('examples/procman.yaml'))
  await showUntil(() => reader.get('host-4').ready)
  check(
    [...HOSTS.slice(0, 3), 'count'].every((id) => reader.get(id).pid === before[id] && reader.get(id).run === 1),
    'what ran was adopted: same pids, first runs',
  )
  check(reader.get('host-4').run === 2, '"host-4" was started again')

  say('\n4. The job ends, and what waited for it follows')
  await showUntil(() => reader.get('report').status === 'completed' || reader.get('compress').status === 'failed')
  const { run, restarts, exit_code: code, status } = reader.get('compress')
  check(status === 'completed' && code === 0 && run === 1 && restarts === 0, `"compress" is ${status} with exit code ${code}: run once, from beginning to end`)
  check(
    (await sumOf(createReadStream(process.execPath))) === (await sumOf(createReadStream(join(dir, 'node.br')), createBrotliDecompress())),
    'its result, decompressed here, is the original byte for byte',
  )

  say('\n5. "count" has talked all the time, in logs of 64 KB')
  await procman('stop', 'count')
  const lines = await printed('count')
  const { stdout: files } = await reader.logPaths('count')
  check(
    lines.every((line, n) => line === (n < lines.length - 1 ? `line ${n}` : `line ${n} is the last`)),
    `${lines.length} lines in ${files.length} files: each is there once, and in order`,
  )
  const delivered = await collected('count', (texts) => lines.every((line) => texts.has(line)))
  check(
    lines.every((line) => delivered.has(line)),
    'each was delivered to the file that the configuration names, though a daemon was killed',
  )

  say('\n6. procman down: everything is stopped, in reverse order')
  await procman('down')
  check(reader.list().length === 0 && Object.values(before).every((each) => !isThere(each)), 'nothing of it is left')
}

/** As a user would call it; its output is shown. */
async function procman(...args) {
  say(`   $ procman ${args.map((arg) => arg.replace(file(''), '')).join(' ')}`)
  const child = spawn(process.execPath, [file('dist/cli/main.js'), ...args], { env, stdio: 'inherit' })
  const code = await new Promise((resolve) => child.once('exit', resolve))
  if (code !== 0) throw new Error(`procman ${args.join(' ')} has ended with ${code}`)
}

/** The table, written over on a terminal as it changes; elsewhere at the end only. */
async function showUntil(isEnough) {
  let lines = 0
  for (let isOver = false; !isOver; ) {
    isOver = isEnough()
    if (isTerminal || isOver) {
      const shown = (await output('list')).split('\n').slice(0, -1)
      out.write(`${lines > 0 ? `\x1b[${lines}A` : ''}${shown.map((line) => `   ${cut(line)}${isTerminal ? '\x1b[K' : ''}\n`).join('')}`)
      lines = shown.length
    }
    if (!isOver) await sleep(200)
  }
}

/** A line that is longer than the terminal would be two. */
function cut(line) {
  return isTerminal ? line.slice(0, Math.max(20, out.columns - 4)) : line.slice(0, 150)
}

async function output(...args) {
  return (await promisify(execFile)(process.execPath, [file('dist/cli/main.js'), ...args], { env })).stdout
}

async function daemonPid() {
  return JSON.parse(await output('daemon', 'status', '--json')).pid
}

function pids() {
  return Object.fromEntries(reader.list().flatMap(({ id, pid }) => (pid === null ? [] : [[id, pid]])))
}

/** How far the job is, as its output says. */
function percent() {
  return Math.floor(reader.list().find(({ id }) => id === 'compress')?.progress?.percent ?? 0)
}

/** What was printed, as its log has it: over all rotated files, and whoever managed it meanwhile. */
async function printed(id) {
  const lines = []
  for await (const { text } of reader.watch(id, { follow: false })) lines.push(text)
  return lines
}

/** What was delivered of it, as long as it is waited for. */
async function collected(id, isAll) {
  for (let tries = 0; ; tries++) {
    const records = readFileSync(join(dir, 'procman-example.json'), 'utf8').trimEnd().split('\n')
    const texts = new Set(records.map((line) => JSON.parse(line)).flatMap((record) => (record.id === id ? [record.msg] : [])))
    if (isAll(texts) || tries === 50) return texts
    await sleep(100)
  }
}

async function answers(id) {
  return (await fetch(`http://127.0.0.1:${reader.get(id).ports.http}/api/status`)).ok
}

function isThere(pid) {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function sumOf(...streams) {
  const sum = createHash('sha256')
  await pipeline(...streams, async (chunks) => {
    for await (const chunk of chunks) sum.update(chunk)
  })
  return sum.digest('hex')
}

/** Also after an interruption: everything is stopped, then deleted. */
async function cleanUp() {
  if (existsSync(dir)) await output('down', '--timeout', '0').catch((error) => process.stderr.write(`${error.message}\n`))
  rmSync(dir, { recursive: true, force: true })
}
