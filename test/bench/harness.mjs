// What all benchmarks share: scratch directories and workers that are gone afterwards (also when interrupted), medians, rows of the table.
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, constants, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** In the environment and argument list of what a benchmark starts, so that it is found again: nobody else's processes carry it. */
export const NONCE = process.env.PROCMAN_BENCH ?? `bench-${randomBytes(8).toString('hex')}`
process.env.PROCMAN_BENCH = NONCE

const scratches = new Set()
const workers = new Set()

export function scratch() {
  const path = mkdtempSync(join(tmpdir(), 'procman-bench-'))
  scratches.add(path)
  return path
}

/** A fresh Node process that does what `ops` of a benchmark file say, one at a time. */
export function worker(file, { execArgv = [], env = {} } = {}) {
  const child = fork(fileURLToPath(new URL('worker.mjs', import.meta.url)), [file], { execArgv: ['--expose-gc', ...execArgv], env: { ...process.env, ...env } })
  workers.add(child)
  const gone = new Promise((resolve) => child.once('exit', resolve)).then(() => workers.delete(child))
  return {
    pid: child.pid,
    gone,
    ask(op, args = {}) {
      return new Promise((resolve, reject) => {
        const lost = () => reject(new Error(`the worker ended during ${op}`))
        child.once('exit', lost)
        child.once('message', (answer) => {
          child.off('exit', lost)
          if (answer.error === undefined) resolve(answer.result)
          else reject(new Error(answer.error))
        })
        child.send({ op, args })
      })
    },
    kill: (signal) => child.kill(signal),
    async end() {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}

/** Kills what is left of this benchmark and deletes its files: keepers by their working directory, everything else by the nonce. */
export function sweep() {
  for (const child of workers) child.kill('SIGKILL')
  const until = Date.now() + 10_000
  while (Date.now() < until && killOurs() > 0) pause(20)
  for (const path of scratches) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  scratches.clear()
}

function killOurs() {
  const ours = processes().filter((each) => each.pid !== process.pid && (isIn(each.cwd) || each.isMarked))
  for (const { pid, cwd } of ours) {
    if (isIn(cwd)) tellKeepers(cwd)
    else kill(pid, 'SIGKILL')
  }
  return ours.length
}

function tellKeepers(jobDir) {
  for (const name of names(jobDir)) {
    if (!name.endsWith('.ctl')) continue
    try {
      const fd = openSync(join(jobDir, name), constants.O_WRONLY | constants.O_NONBLOCK)
      writeSync(fd, 'k\n')
      closeSync(fd)
    } catch {
      // No keeper there any more.
    }
  }
}

function isIn(cwd) {
  return [...scratches].some((path) => cwd.startsWith(`${path}/`))
}

/** Every process of this machine, with what tells whose it is. */
function processes() {
  return names('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({
      pid: Number(name),
      cwd: link(`/proc/${name}/cwd`),
      isMarked: text(`/proc/${name}/environ`).includes(NONCE) || text(`/proc/${name}/cmdline`).includes(NONCE),
    }))
}

/** Living processes with a text in their argument list. */
export function pidsWithArgument(needle) {
  return names('/proc').filter((name) => /^\d+$/.test(name) && text(`/proc/${name}/cmdline`).includes(needle))
}

/** @returns pids of the keepers of a state directory */
export function keepersOf(stateDir) {
  return names('/proc').filter(
    (name) => /^\d+$/.test(name) && link(`/proc/${name}/cwd`).startsWith(`${stateDir}/jobs/`) && text(`/proc/${name}/comm`).startsWith('procman'),
  )
}

export function kill(pid, signal) {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}

export function text(path) {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function link(path) {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function names(path) {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export async function until(holds, timeoutMs = 30_000) {
  const giveUpAt = Date.now() + timeoutMs
  while (!holds()) {
    if (Date.now() > giveUpAt) throw new Error(`waited ${timeoutMs} ms in vain for ${holds}`)
    await sleep(10)
  }
}

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
}

export const median = (values) => quantile(values, 0.5)

export const ms = (value) => (value >= 100 ? `${Math.round(value)} ms` : `${value.toFixed(value >= 10 ? 1 : 2)} ms`)

export const times = (value) => `${value.toFixed(2)}×`

/** Bare Node's way to start something with file stdio: what every figure is compared with. `name` is its log files' name. */
export function spawnWithFiles(spawn, dir, name, command, args) {
  const out = openSync(join(dir, `${name}.out`), 'a', 0o600)
  const err = openSync(join(dir, `${name}.err`), 'a', 0o600)
  const child = spawn(command, args, { stdio: ['ignore', out, err], detached: true })
  closeSync(out)
  closeSync(err)
  return child
}
