/** Who a pid really is: a pid is only believed together with its start time and the boot it belongs to. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
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

/** Linux. @returns null when there is no such process, or only its zombie */
export function readStat(pid: number): ProcStat | null {
  const stat = readProc(pid, 'stat')
  if (stat === null) return null
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, parent, group, session] = fields
  const start = fields[19]
  if (state === undefined || state === 'Z' || state === 'X' || start === undefined) return null
  return { parent: Number(parent), group: Number(group), session: Number(session), start, isStopped: state === 'T' || state === 't' }
}

/** @returns null when the process is gone, or not ours to look at. @throws EMFILE and the like: that nothing can be read does not say that nobody is there */
export function readProc(pid: number, file: 'stat' | 'environ'): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM') throw error
    return null
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
