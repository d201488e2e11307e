// npm start: a real piece of work is started, its manager is killed with SIGKILL, the next manager takes the work over and knows its exact end.
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createBrotliDecompress } from 'node:zlib'
import { createSupervisor } from '../dist/index.js'

const KILL_AT_PERCENT = 20
const dir = mkdtempSync(join(tmpdir(), 'procman-demo-'))
const stateDir = join(dir, 'state')
const source = process.execPath
const target = join(dir, 'node.br')

let managerA
let managerB
let failed = 0

const say = (line = '') => process.stdout.write(`${line}\n`)
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
  say('1. Manager A starts two processes')
  const { pids } = await startManagerA()
  say(`   A is pid ${managerA.pid}; "compress" (brotli of ${source}) is pid ${pids.compress}; "seven" (ends with code 7) is pid ${pids.seven}`)
  await progressOfA(KILL_AT_PERCENT)

  say(`2. kill -9 ${managerA.pid}: manager A is dead, nobody manages anything`)
  managerA.kill('SIGKILL')
  await new Promise((resolve) => managerA.once('exit', resolve))
  check(!isThere(managerA.pid) && isThere(pids.compress) && isThere(pids.seven), 'A is gone, both processes go on')
  const before = percentInLog()
  writeFileSync(join(dir, 'go'), '')
  const sevenEndedAt = await endOf(pids.seven)
  await sleep(1_000)
  const after = percentInLog()
  check(after > before, `"compress" goes on writing: ${before}% when A died, ${after}% now`)
  check(!isThere(pids.seven), '"seven" has ended meanwhile, and nobody was looking')

  say('3. Manager B opens the same state directory')
  const openedAt = performance.now()
  managerB = await createSupervisor({ stateDir })
  say(`   opened in ${(performance.now() - openedAt).toFixed(0)} ms`)
  const adopted = managerB.get('compress')
  check(
    adopted.status === 'running' && adopted.pid === pids.compress && adopted.run === 1,
    `"compress" is adopted: ${adopted.status}, same pid ${adopted.pid}, run ${adopted.run}`,
  )
  const seven = managerB.get('seven')
  check(seven.status === 'failed' && seven.exit_code === 7 && seven.run === 1, `"seven": ${seven.status}, exit code ${seven.exit_code}`)
  const lateMs = Math.abs(Date.parse(seven.completed_at) - sevenEndedAt)
  check(
    lateMs < 900,
    `its completed_at is when it ended (${lateMs} ms from what this demo saw), ${((Date.now() - sevenEndedAt) / 1000).toFixed(1)} s before B looked`,
  )

  say(`4. B reads the log from its beginning and shows "compress" from ${after}% to its end`)
  const lines = await progressOfB(after)
  const end = await managerB.wait('compress')
  check(end.status === 'completed' && end.exit_code === 0, `${end.status}, exit code ${end.exit_code}, ended at ${end.completed_at}`)
  check(
    end.run === 1 && end.restarts === 0 && runsOnDisk('compress') === 1,
    `it was run ${end.run} from ${end.started_at} on, with the same pid: nothing was started twice`,
  )
  check(isWhole(lines), `its output has every percent from 0 to 100 once: no gap and no duplicate over two managers (${lines.length} lines)`)
  const sum = await sumOf(createReadStream(source))
  check(
    lines.some((line) => line.includes(sum)) && sum === (await sumOf(createReadStream(target), createBrotliDecompress())),
    'the result, decompressed here, is the original byte for byte',
  )
}

/** @returns the pids, once A has told them */
async function startManagerA() {
  managerA = fork(fileURLToPath(new URL('demo/manager.mjs', import.meta.url)), [stateDir, source, target])
  const pids = {}
  await messages((message) => {
    if (message.id !== undefined) pids[message.id] = message.pid
    return pids.compress !== undefined && pids.seven !== undefined
  })
  return { pids }
}

async function progressOfA(upTo) {
  await messages(({ progress = '' }) => {
    showProgress('A', progress)
    return Number.parseInt(progress, 10) >= upTo
  })
  endProgress()
}

function messages(isEnough) {
  return new Promise((resolve, reject) => {
    const lost = (code) => reject(new Error(`manager A ended with ${code}`))
    const take = (message) => {
      if (!isEnough(message)) return
      managerA.off('exit', lost)
      managerA.off('message', take)
      resolve()
    }
    managerA.once('exit', lost)
    managerA.on('message', take)
  })
}

/** History and live: B begins at the first line, although A had it too. */
async function progressOfB(from) {
  const lines = []
  for await (const { text } of managerB.watch('compress')) {
    lines.push(text)
    if (Number.parseInt(text, 10) > from) showProgress('B', text)
    if (text === '100%') endProgress()
    if (!text.endsWith('%')) say(`   B: ${text}`)
  }
  return lines
}

/** One line that is written over on a terminal; elsewhere every tenth percent. */
function showProgress(who, text) {
  const percent = Number.parseInt(text, 10)
  if (!text.endsWith('%')) return
  const bar = `   ${who}: ${'█'.repeat(Math.round(percent / 2.5)).padEnd(40, '░')} ${percent}%`
  if (process.stdout.isTTY) process.stdout.write(`\r${bar}`)
  else if (percent % 10 === 0) say(bar)
}

function endProgress() {
  if (process.stdout.isTTY) say()
}

function isWhole(lines) {
  const percents = lines.filter((line) => line.endsWith('%')).map((line) => Number.parseInt(line, 10))
  return percents.length === 101 && percents.every((percent, index) => percent === index)
}

function percentInLog() {
  return Number.parseInt(
    readFileSync(join(stateDir, 'jobs', 'compress', 'stdout.log'), 'utf8')
      .split('\r')
      .at(-1),
    10,
  )
}

function runsOnDisk(id) {
  return new Set(readdirSync(join(stateDir, 'jobs', id)).flatMap((name) => /^run-\d+/.exec(name) ?? [])).size
}

/** @returns when the process ended, as seen from outside, ms since 1970 */
async function endOf(pid) {
  while (isThere(pid)) await sleep(10)
  return Date.now()
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

/** Also after an interruption: whoever holds the directory, everything in it is stopped, then deleted. */
async function cleanUp() {
  managerA?.kill('SIGKILL')
  if (existsSync(stateDir)) {
    managerB ??= await createSupervisor({ stateDir, lockTimeoutMs: 5_000 })
    await managerB.shutdown({ timeoutMs: 0 })
  }
  rmSync(dir, { recursive: true, force: true })
}
