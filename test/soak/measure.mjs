// What a manager holds, counted: what the OS says of this process, what the heap holds, what lies on disk.
import { EventEmitter, getEventListeners } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import v8 from 'node:v8'
import { Actor } from 'xstate'

/**
 * Of these, each client, process or supervisor that was not let go of leaves instances: EventEmitter stands for streams, sockets, watchers, open files and child
 * processes, EventTarget for abort signals, Timeout also for timers that do not keep the loop alive.
 */
const CLASSES = { Actor, Promise, EventEmitter, EventTarget, Timeout: classOfTimers() }

/** No module exports it. */
function classOfTimers() {
  const timer = setTimeout(() => {}, 0)
  clearTimeout(timer)
  return timer.constructor
}

const tick = () => new Promise((resolve) => setImmediate(resolve))

/** Twice, with turns of the loop between: what a finalizer lets go of is collected by the second. */
export async function collect() {
  for (let round = 0; round < 2; round++) {
    globalThis.gc()
    await tick()
    await tick()
  }
}

/** @returns what the OS and Node hold for this process and what lies on disk, by name: at rest it must be exactly what it was before */
export function held({ root, signals }) {
  return {
    ...descriptors(),
    ...prefixed('handle', resources()),
    'inotify watches': inotifyWatches(),
    children: childrenOf(process.pid).length,
    'processes of ours': ours(root).length,
    files: filesIn(root),
    'abort listeners': signals.reduce((sum, signal) => sum + getEventListeners(signal, 'abort').length, 0),
  }
}

/** In bytes. */
export function memory() {
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage()
  return { heapUsed, external, arrayBuffers, rss }
}

/**
 * Here time itself is the fact.
 * @returns how busy this process is while nobody asks it for anything, in percent: of a core, or of its loop's time, whichever is more. On a crowded machine one
 * that spins gets little of a core, but its loop never rests.
 */
export async function busyDuring(ms) {
  const [cpu, loop, sinceMs] = [process.cpuUsage(), performance.eventLoopUtilization(), performance.now()]
  await pause(ms)
  const { user, system } = process.cpuUsage(cpu)
  return Math.max((user + system) / 10 / (performance.now() - sinceMs), performance.eventLoopUtilization(loop).utilization * 100)
}

const prefixed = (prefix, values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix} ${name}`, value]))

function descriptors() {
  const seen = { 'fd pipe': 0, 'fd fifo': 0, 'fd inotify': 0, 'fd socket': 0, 'fd file': 0, 'fd other': 0 }
  for (const fd of readdirSync('/proc/self/fd')) {
    const target = link(`/proc/self/fd/${fd}`)
    // The descriptor of this very listing.
    if (target !== '' && !target.endsWith('/fd')) seen[kindOf(target)] += 1
  }
  return seen
}

function kindOf(target) {
  if (target.startsWith('pipe:')) return 'fd pipe'
  if (target.startsWith('socket:')) return 'fd socket'
  if (target.includes('inotify')) return 'fd inotify'
  if (!target.startsWith('/')) return 'fd other'
  return /\/run-\d+\.(alive|rest|ctl|in)( \(deleted\))?$/.test(target) ? 'fd fifo' : 'fd file'
}

function inotifyWatches() {
  return readdirSync('/proc/self/fdinfo').reduce((sum, fd) => sum + (text(`/proc/self/fdinfo/${fd}`).match(/^inotify wd/gm)?.length ?? 0), 0)
}

/** What keeps the event loop alive. Timers that do not are seen as objects. */
function resources() {
  const seen = { Timeout: 0, PipeWrap: 0, FSEventWrap: 0, ProcessWrap: 0 }
  for (const kind of process.getActiveResourcesInfo()) if (kind !== 'Immediate' && !kind.startsWith('TTY')) seen[kind] = (seen[kind] ?? 0) + 1
  return seen
}

export function watchers() {
  return resources().FSEventWrap
}

/** @returns how many instances of each class can be reached, by name. Each class costs a walk over the heap. */
export function instances() {
  return prefixed('object', Object.fromEntries(Object.entries(CLASSES).map(([name, type]) => [name, v8.queryObjects(type, { format: 'count' })])))
}

/** Living processes, not zombies, that run in a directory or below: keepers, and commands without a directory of their own. */
export function ours(root) {
  return names('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && isIn(link(`/proc/${name}/cwd`), root))
    .map(Number)
}

export function childrenOf(pid) {
  return text(`/proc/self/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
}

const isIn = (path, root) => path === root || path.startsWith(`${root}/`)

function filesIn(root) {
  return readdirSync(root, { recursive: true }).length
}

function names(path) {
  try {
    return readdirSync(path)
  } catch {
    return []
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
