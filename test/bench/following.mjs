// Following logs: from a write to the watcher, what it costs at full speed and when nothing happens, and what a burst in one file does to the watcher of another.
// `tail -F` (inotify, in C) is the reference for latency and cost.
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { median, ms, NONCE, quantile, scratch, sleep, times, worker } from './harness.mjs'

const INTERVALS_MS = [5, 20, 100]
const WRITES = { 5: 400, 20: 150, 100: 60 }
const FULL_SPEED = 50_000
const MEASURED_MS = 5_000
const SILENT = 1_000
const BUSY = 1_000
const BURST_BYTES = 1024 ** 3

export async function run() {
  const rows = []
  for (const intervalMs of INTERVALS_MS) {
    const ours = await inWorker('latency', { intervalMs, kind: 'watch' })
    const theirs = await inWorker('latency', { intervalMs, kind: 'tail' })
    rows.push({
      name: `from a write each ${intervalMs} ms to the watcher`,
      ours: `${ms(median(ours))} (p99 ${ms(quantile(ours, 0.99))})`,
      reference: `${ms(median(theirs))} (tail -F)`,
      ratio: times(median(ours) / median(theirs)),
      aim: '< 5 ms',
    })
  }
  const { watching, alone, lines } = await inWorker('fullSpeed', {})
  rows.push({ name: `CPU of watching ${lines} lines/s`, ours: percent(watching), reference: `${percent(alone)} (no watcher)`, aim: '< 25 % of a core' })
  const silent = await inWorker('silent', {})
  rows.push({ name: `CPU of following ${SILENT} silent processes`, ours: percent(silent), aim: 'nothing' })
  const busy = await inWorker('busy', {})
  rows.push({
    name: `CPU of following ${BUSY} processes that print 10 lines/s each`,
    ours: `${percent(busy.share)} (latency ${ms(median(busy.latencies))})`,
    aim: 'bounded',
  })
  const { latencies, tookMs } = await inWorker('burst', {})
  rows.push({
    name: `other watchers while ${ms(tookMs)} long 1 GB comes in one log`,
    ours: `${ms(median(latencies))} (p99 ${ms(quantile(latencies, 0.99))}, longest ${ms(Math.max(...latencies))})`,
    aim: '< 50 ms',
  })
  return rows
}

const percent = (share) => `${(share * 100).toFixed(1)} %`

async function inWorker(op, args) {
  const own = worker(import.meta.url)
  const result = await own.ask(op, { ...args, root: scratch() })
  await own.end()
  return result
}

async function watcher() {
  const { watchLines } = await import('../../dist/effects/logs/watch.js')
  const ended = new AbortController()
  const watch = (dir, onLine) => {
    const source = { path: (stream) => join(dir, `${stream}.log`), marks: () => [{ run: 1, stdout: 0, stderr: 0 }], ended: ended.signal }
    return (async () => {
      for await (const line of watchLines(source)) onLine(line.text)
    })()
  }
  return { watch, end: () => ended.abort() }
}

/** @param root goes when the benchmark is over */
function emptyLogs(root) {
  const dir = mkdtempSync(join(root, 'logs-'))
  for (const stream of ['stdout', 'stderr']) closeSync(openSync(join(dir, `${stream}.log`), 'a', 0o600))
  return dir
}

/** Writes so often the time into a log. */
const PRINTER = `
  const [, every, count] = process.argv
  let left = Number(count)
  const timer = setInterval(() => {
    require('node:fs').writeSync(1, process.hrtime.bigint() + '\\n')
    if (--left === 0) clearInterval(timer)
  }, Number(every))`

/** Prints so many lines a second, in small writes, until it is killed. */
const FLOODER = `
  const line = 'x'.repeat(49) + '\\n'
  const started = process.hrtime.bigint()
  let lines = 0
  setInterval(() => {
    const due = Number(process.hrtime.bigint() - started) / 1e9 * Number(process.argv[1])
    for (; lines < due; lines++) require('node:fs').writeSync(1, line)
  }, 1)`

function start(script, dir, ...args) {
  const out = openSync(join(dir, 'stdout.log'), 'a')
  const child = spawn(process.execPath, ['-e', script, ...args, NONCE], { stdio: ['ignore', out, 'inherit'] })
  closeSync(out)
  const gone = new Promise((resolve) => child.once('exit', resolve))
  return { gone, kill: () => child.kill('SIGKILL') }
}

const sinceMs = (stamp) => Number(process.hrtime.bigint() - BigInt(stamp)) / 1e6

async function shareOf(task) {
  const [before, startedAt] = [process.cpuUsage(), performance.now()]
  await task()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / (performance.now() - startedAt)
}

export const ops = {
  async latency({ intervalMs, kind, root }) {
    const dir = emptyLogs(root)
    const latencies = []
    const onLine = (text) => latencies.push(sinceMs(text))
    const follow = kind === 'tail' ? tailing : watching
    const { end } = await follow(dir, onLine)
    await sleep(500)
    await start(PRINTER, dir, String(intervalMs), String(WRITES[intervalMs])).gone
    await sleep(300)
    await end()
    return latencies
  },

  async fullSpeed({ root }) {
    const measure = async (isWatched) => {
      const dir = emptyLogs(root)
      const { watch, end } = await watcher()
      let lines = 0
      if (isWatched) void watch(dir, () => lines++)
      const { kill, gone } = start(FLOODER, dir, String(FULL_SPEED))
      await sleep(1_000)
      const counted = lines
      const share = await shareOf(() => sleep(MEASURED_MS))
      const perSecond = Math.round((lines - counted) / (MEASURED_MS / 1000))
      kill()
      await gone
      end()
      return { share, perSecond }
    }
    const [alone, watched] = [await measure(false), await measure(true)]
    return { alone: alone.share, watching: watched.share, lines: watched.perSecond }
  },

  async silent({ root }) {
    const { watch, end } = await watcher()
    for (let index = 0; index < SILENT; index++) void watch(emptyLogs(root), () => {})
    await sleep(3_000)
    const share = await shareOf(() => sleep(MEASURED_MS))
    end()
    return share
  },

  async busy({ root }) {
    const { watch, end } = await watcher()
    const dirs = Array.from({ length: BUSY }, () => emptyLogs(root))
    const latencies = []
    for (const dir of dirs) void watch(dir, (text) => latencies.push(sinceMs(text)))
    await sleep(2_000)
    const printer = start(
      `
      const fs = require('node:fs')
      const fds = process.argv.slice(1, -1).map((dir) => fs.openSync(dir + '/stdout.log', 'a'))
      setInterval(() => { for (const fd of fds) fs.writeSync(fd, process.hrtime.bigint() + '\\n') }, 100)`,
      emptyLogs(root),
      ...dirs,
    )
    await sleep(2_000)
    latencies.length = 0
    const share = await shareOf(() => sleep(MEASURED_MS))
    printer.kill()
    await printer.gone
    end()
    return { share, latencies }
  },

  async burst({ root }) {
    const { watch, end } = await watcher()
    const [burst, quiet] = [emptyLogs(root), emptyLogs(root)]
    const latencies = []
    let chars = 0
    const done = watch(burst, (text) => {
      chars += text.length + 1
    })
    void watch(quiet, (text) => latencies.push(sinceMs(text)))
    await sleep(500)
    const printer = start(PRINTER, quiet, '10', '1000000')
    const startedAt = performance.now()
    const line = `${'x'.repeat(99)}\n`
    const writer = start(
      `
      const block = Buffer.from(process.argv[1].repeat(10_000))
      for (let left = Number(process.argv[2]); left > 0; left -= block.length) require('node:fs').writeSync(1, block)`,
      burst,
      line,
      String(BURST_BYTES),
    )
    await writer.gone
    while (chars < BURST_BYTES) await sleep(20)
    const tookMs = performance.now() - startedAt
    printer.kill()
    await printer.gone
    end()
    await done
    return { latencies, tookMs }
  },
}

async function watching(dir, onLine) {
  const { watch, end } = await watcher()
  void watch(dir, onLine)
  return { end }
}

async function tailing(dir, onLine) {
  const child = spawn('tail', ['-n', '0', '-F', join(dir, 'stdout.log')], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, PROCMAN_BENCH: NONCE },
  })
  child.stdout.setEncoding('utf8').on('data', (text) => {
    for (const line of text.split('\n').slice(0, -1)) onLine(line)
  })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  return {
    end: async () => {
      child.kill('SIGKILL')
      await gone
    },
  }
}
