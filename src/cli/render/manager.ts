/** A manager for people. */
import type { ManagerStatus } from '../../manager/contract.ts'
import { readVersion } from '../../version.ts'
import type { Io } from '../io.ts'
import { renderSize } from './size.ts'
import { escapeControls } from './text.ts'
import { renderAgo, renderTime } from './time.ts'

const KINDS: Readonly<Record<ManagerStatus['kind'], string>> = {
  daemon: 'daemon',
  up: 'procman up, in the foreground',
  command: 'a command',
  library: 'a program of its own',
}

export function renderManager(status: ManagerStatus, io: Pick<Io, 'nowMs'>): string {
  const rows: readonly (readonly [string, string])[] = [
    ['manager', `${KINDS[status.kind]}, pid ${status.pid}`],
    ['version', status.version],
    ['started', renderTime(status.started_at, io.nowMs())],
    ['state dir', status.state_dir],
    ['config', status.config === null ? '-' : `${status.config}${status.is_watching ? ' (watched)' : ''}`],
    ...(status.config_error === null ? [] : [['', `not in force as it is now: ${status.config_error}`] as const]),
    ['processes', String(status.processes)],
    ['listens on', status.listen ?? 'its socket only'],
    ['log', `${status.log_file ?? 'stderr'}, level ${status.log_level}`],
    ['memory', `${Math.round(status.rss_bytes / 1024 / 1024)} MB`],
    ...(status.collection ?? []).map((target, nth) => [nth === 0 ? 'collection' : '', renderTarget(target, io.nowMs())] as const),
    ...status.problems.map((problem, nth) => [nth === 0 ? 'problems' : '', problem] as const),
  ]
  const own = readVersion()
  const upgrade =
    status.version === own ? '' : `the manager is procman ${status.version}, this is ${own}: 'procman daemon restart' takes over, and what runs goes on\n`
  return rows.map(([name, value]) => `${name.padEnd(10)}  ${indent(value)}\n`).join('') + upgrade
}

/** As `file-0a1b to /var/log/all.json: 12 kB behind, the oldest of it from 5 min ago, tried again in 3 s: no space left on device`. */
function renderTarget(target: ManagerStatus['collection'][number], nowMs: number): string {
  const { name, destination, lag_bytes: lag, behind_since: since, state, error, retry_at: retryAt, refused, lost_bytes: lost } = target
  const parts = [
    since === null ? 'all is delivered' : `${renderSize(lag)} behind, the oldest of it from ${renderAgo(since, nowMs)}`,
    ...(state === 'retrying' && retryAt !== null ? [`tried again ${renderAgo(retryAt, nowMs)}`] : []),
    ...(refused === 0 ? [] : [`${refused} records refused`]),
    ...(lost === 0 ? [] : [`${renderSize(lost)} lost`]),
  ]
  return `${name}${destination === '' ? '' : ` to ${destination}`}: ${parts.join(', ')}${error === null ? '' : `: ${error}`}`
}

/** Errors of config files have several lines. */
function indent(value: string): string {
  return value
    .split('\n')
    .map(escapeControls)
    .join(`\n${' '.repeat(12)}`)
}
