/** A manager for people. */
import type { ManagerStatus } from '../../manager/contract.ts'
import { readVersion } from '../../version.ts'
import type { Io } from '../io.ts'
import { escapeControls } from './text.ts'
import { renderTime } from './time.ts'

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
    ...status.problems.map((problem, nth) => [nth === 0 ? 'problems' : '', problem] as const),
  ]
  const own = readVersion()
  const upgrade =
    status.version === own ? '' : `the manager is procman ${status.version}, this is ${own}: 'procman daemon restart' takes over, and what runs goes on\n`
  return rows.map(([name, value]) => `${name.padEnd(10)}  ${indent(value)}\n`).join('') + upgrade
}

/** Errors of config files have several lines. */
function indent(value: string): string {
  return value
    .split('\n')
    .map(escapeControls)
    .join(`\n${' '.repeat(12)}`)
}
