/** Who a pid really is: a pid is only believed together with its start time and the boot it belongs to. */
import { execFileSync } from 'node:child_process'
import { constants, readdirSync, readFileSync, statSync } from 'node:fs'
import { errnoOf } from '../../files.ts'
import type { Identity } from '../../types.ts'

let boot: string | undefined

/** Names the current boot of this machine. Read once. */
export function bootId(): string {
  boot ??= readBootId()
  return boot
}

function readBootId(): string {
  if (process.platform === 'darwin') return execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim()
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** Start time of a living process as text; null when there is none. Zombies count as dead. */
export function startTimeOf(pid: number): string | null {
  return process.platform === 'darwin' ? darwinStartTime(pid) : linuxStartTime(pid)
}

/** proc_pid_stat(5): the name in parentheses may hold anything, so fields are counted from the last ")". */
function linuxStartTime(pid: number): string | null {
  return readStat(pid)?.start ?? null
}

export interface ProcStat {
  readonly parent: number
  readonly group: number
  readonly session: number
  readonly start: string
  readonly isStopped: boolean
}

/** Linux. @returns null when there is no such process, or only its zombie. One whose first thread has ended looks like a zombie while others go on. */
export function readStat(pid: number): ProcStat | null {
  const stat = readProc(pid, 'stat')
  if (stat === null) return null
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, parent, group, session] = fields
  const start = fields[19]
  const isZombie = state === 'Z' && Number(fields[17]) <= 1
  if (state === undefined || isZombie || state === 'X' || start === undefined) return null
  return { parent: Number(parent), group: Number(group), session: Number(session), start, isStopped: state === 'T' || state === 't' }
}

const TOKEN = /(?:^|\0)PROCMAN_TOKEN=([^\0]*)/

/** Linux. @returns the token that the process was executed with; null when it has none, or cannot be looked at */
export function tokenIn(pid: number): string | null {
  const environment =
    readProc(pid, 'environ') ||
    (threadsOf(pid).length > 1
      ? threadsOf(pid)
          .map((thread) => readProc(pid, `task/${thread}/environ`) ?? '')
          .join('\0')
      : '')
  return TOKEN.exec(environment)?.[1] ?? null
}

/** Linux. @returns true when the process may not be looked at */
export function isHidden(pid: number): boolean {
  try {
    readFileSync(`/proc/${pid}/environ`)
    return false
  } catch (error) {
    return errnoOf(error) === 'EACCES' || errnoOf(error) === 'EPERM'
  }
}

function threadsOf(pid: number): readonly string[] {
  return list(`/proc/${pid}/task`)
}

/** Linux. @returns true when the process has one of these files open to append to it; whoever reads one is nobody of ours */
export function appendsTo(pid: number, paths: readonly string[]): boolean {
  const fds = list(`/proc/${pid}/fd`)
  return paths.some((path) => fds.some((fd) => isSameFile(`/proc/${pid}/fd/${fd}`, path) && isForAppending(pid, fd)))
}

/** proc_pid_fdinfo(5): the flags of open(2), in octal. */
function isForAppending(pid: number, fd: string): boolean {
  const flags = Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(readProc(pid, `fdinfo/${fd}`) ?? '')?.[1] ?? '0', 8)
  return (flags & constants.O_APPEND) !== 0 && (flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0
}

/** Linux. @returns true when the process works in this directory */
export function worksIn(pid: number, dir: string): boolean {
  return isSameFile(`/proc/${pid}/cwd`, dir)
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => lookAt(undefined, () => statSync(path)))
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev
}

function list(path: string): readonly string[] {
  return lookAt([], () => readdirSync(path))
}

/** @returns null when the process is gone, or not ours to look at. @throws EMFILE and the like: that nothing can be read does not say that nobody is there */
function readProc(pid: number, file: string): string | null {
  return lookAt(null, () => readFileSync(`/proc/${pid}/${file}`, 'latin1'))
}

function lookAt<T, D>(otherwise: D, look: () => T): T | D {
  try {
    return look()
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM') throw error
    return otherwise
  }
}

/** ps(1) knows whole seconds only: `sec.` is compared, the microseconds that the keeper wrote are not known here. */
function darwinStartTime(pid: number): string | null {
  try {
    const text = execFileSync('/bin/ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8', env: { LC_ALL: 'C', TZ: 'UTC' } }).trim()
    if (text.startsWith('Z')) return null
    return String(Math.floor(Date.parse(`${text.replace(/^\S+\s+/, '')} UTC`) / 1000))
  } catch {
    return null
  }
}

/** True while exactly this process lives. */
export function isAlive(identity: Identity): boolean {
  if (identity.boot !== bootId()) return false
  const start = startTimeOf(identity.pid)
  if (start === null) return false
  return process.platform === 'darwin' ? start === identity.start.split('.')[0] : start === identity.start
}
