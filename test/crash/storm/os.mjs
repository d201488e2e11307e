// What the kernel says, asked without procman.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Field 22 of /proc/PID/stat counts in these, from when the machine was booted. */
const CLOCK_TICK_MS = 10
const bootedMs = Date.now() - Number(text('/proc/uptime').split(' ')[0]) * 1_000

/**
 * Everything that belongs to a state directory: processes that carry one of its tokens, and keepers and spawners, whose program and working directory lie in it.
 * @param children pid -> { id, run, toldMs } of descendants that have told of themselves: they are known by their program, `subject`, if by nothing else
 * @returns {{ commands: { pid: number, id: string, run: number }[], keepers: { pid: number, parent: number, id: string, run: number }[], spawners: { pid: number, parent: number }[] }}
 */
export function look(stateDir, { subject, children = new Map() } = {}) {
  const seen = { commands: [], keepers: [], spawners: [] }
  const prefix = `PROCMAN_TOKEN=${createHash('sha256').update(stateDir).digest('hex').slice(0, 16)}.`
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const pid = Number(name)
    const token = text(`/proc/${pid}/environ`)
      .split('\0')
      .find((field) => field.startsWith(prefix))
    const workDir = token === undefined ? link(`/proc/${pid}/cwd`) : ''
    const isKeeper = workDir.startsWith(`${stateDir}/`)
    const isSpawner = token === undefined && !isKeeper && link(`/proc/${pid}/exe`).startsWith(`${stateDir}/bin/`)
    if (token === undefined && !isKeeper && !isSpawner) continue
    const { state, parent } = statOf(pid)
    if (state === '' || state === 'Z' || state === 'X') continue
    if (isSpawner) seen.spawners.push({ pid, parent })
    else if (isKeeper) seen.keepers.push({ pid, parent, id: idIn(workDir.slice(stateDir.length + 1)), run: runOf(pid) })
    else {
      const [id, run] = token.slice(prefix.length).split('.')
      seen.commands.push({ pid, id, run: Number(run) })
    }
  }
  const found = new Set(seen.commands.map(({ pid }) => pid))
  for (const [pid, { id, run, toldMs }] of children) {
    if (found.has(pid) || link(`/proc/${pid}/exe`) !== subject) continue
    const { state, startedMs } = statOf(pid)
    // One that was killed has told of no end, and another that has its pid now began after it had spoken.
    if (!'ZX'.includes(state) && startedMs < toldMs + CLOCK_TICK_MS) seen.commands.push({ pid, id, run, isHidden: true })
  }
  return seen
}

/** @param path below the state directory: `jobs/ID`, or `trash/ID.…` */
function idIn(path) {
  return path.split('/')[1]?.split(/[. ]/)[0] ?? ''
}

/** A keeper is `procman-keeper keep run-N …`; one that has been forked and waits at the gate still looks like its keeper. */
function runOf(pid) {
  return Number(/^run-(\d+)$/.exec(text(`/proc/${pid}/cmdline`).split('\0')[2] ?? '')?.[1] ?? 0)
}

function statOf(pid) {
  const stat = text(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0], parent: Number(fields[1]), startedMs: bootedMs + Number(fields[19]) * CLOCK_TICK_MS }
}

function text(path) {
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
