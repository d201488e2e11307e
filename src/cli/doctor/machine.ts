/** What the machine gives, judged from what Linux tells about it in its files. Pure. */
import { type Finding, note, ok } from './finding.ts'

/** Of the manager, beside those for its processes. */
const OWN_FILES = 100
/** What watches a process that is up, and its probes. */
const FILES_PER_PROCESS = 4
/** A keeper and a command. */
const PROCESSES_PER_RUN = 2
const FEW_PROCESSES = 500
const FEW_WATCHES = 8_192
const FEW_INSTANCES = 32

/** @param limits text of /proc/self/limits @param up so many processes are up */
export function judgeLimits(limits: string, up: number): readonly Finding[] {
  const [files, hardFiles] = limitOf(limits, 'Max open files')
  const [processes] = limitOf(limits, 'Max processes')
  const needed = OWN_FILES + up * FILES_PER_PROCESS
  const room = Math.max(0, Math.floor((files - OWN_FILES) / FILES_PER_PROCESS))
  const filesText = `open files: ${countOf(files)} (hard limit ${countOf(hardFiles)}), enough for about ${countOf(room)} processes at once`
  return [
    files < needed * 1.25
      ? note('limits', `${filesText}; ${up} are up`, 'ulimit -n 65536 in the shell, LimitNOFILE=65536 in a systemd unit')
      : ok('limits', filesText),
    processes < up * PROCESSES_PER_RUN + FEW_PROCESSES
      ? note(
          'limits',
          `processes of this user: ${countOf(processes)}; each run takes ${PROCESSES_PER_RUN}, and what the command starts`,
          'ulimit -u, or TasksMax= in a systemd unit',
        )
      : ok('limits', `processes of this user: ${countOf(processes)}`),
  ]
}

/** @param watches, instances texts of /proc/sys/fs/inotify/max_user_watches and …_instances */
export function judgeInotify(watches: string, instances: string): Finding {
  const text = `inotify: ${countOf(Number(watches))} watches, ${countOf(Number(instances))} instances for this user`
  if (Number(watches) >= FEW_WATCHES && Number(instances) >= FEW_INSTANCES) return ok('limits', text)
  return note(
    'limits',
    `${text}: when they run out, files are looked at more slowly instead`,
    'sysctl fs.inotify.max_user_watches=65536 fs.inotify.max_user_instances=512',
  )
}

/** @param own text of /proc/self/cgroup @param isUnified there is a cgroup.controllers @param isWritable whether we could make a group below our own */
export function judgeCgroups(own: string, isUnified: boolean, isWritable: boolean): Finding {
  const place = /^0::(.*)$/m.exec(own)?.[1]
  const hasOld = /^[1-9]\d*:[^:]*[a-z]/m.test(own)
  const kind = isUnified ? 'version 2' : hasOld ? 'version 1' : null
  if (kind === null) return note('cgroups', 'none are mounted: limits on memory and processors cannot be set here')
  const where = place === undefined || place === '/' ? '' : ` (${place})`
  if (isWritable) return ok('cgroups', `${kind}, groups of our own can be made${where}`)
  return note(
    'cgroups',
    `${kind}, not delegated to this user${where}: limits on memory and processors cannot be set; nothing that procman does today needs them`,
    'Delegate=yes in the systemd unit, or systemd-run --user --scope -p Delegate=yes',
  )
}

/** @param range text of /proc/sys/net/ipv4/ip_local_port_range */
export function judgePorts(
  range: string,
  declared: readonly { readonly id: string; readonly name: string; readonly from: number; readonly to: number }[],
): readonly Finding[] {
  const [first = 0, last = 0] = range.trim().split(/\s+/).map(Number)
  // `any` takes what the system gives.
  const overlapping = declared.filter(({ from, to }) => to >= first && from <= last && !(from <= 1_024 && to >= 65_535))
  if (overlapping.length === 0) return [ok('ports', `outgoing connections take ${first} to ${last}; no declared port lies there`)]
  return overlapping.map(({ id, name, from, to }) =>
    note(
      'ports',
      `${from === to ? `port ${from}` : `ports ${from}-${to}`} (${name}) of ${id} ${from === to ? 'lies' : 'lie'} where the system takes ports for outgoing connections (${first} to ${last}): one may be taken at a start`,
      `a port below ${first}, or sysctl net.ipv4.ip_local_reserved_ports=${from === to ? from : `${from}-${to}`}`,
    ),
  )
}

/** @param mounts text of /proc/self/mounts @param path absolute, without links @returns null when nothing is known of it */
export function judgeMount(mounts: string, path: string): Finding | null {
  const all = mounts.split('\n').flatMap((line) => {
    const [, place = '', type = '', options = ''] = line.split(' ')
    return place === '' ? [] : [{ place: unescaped(place), type, options: options.split(',') }]
  })
  const isWithin = (place: string) => place === '/' || path === place || path.startsWith(`${place}/`)
  const mount = all
    .filter(({ place }) => isWithin(place))
    .reduce<(typeof all)[number] | null>((best, each) => (best === null || each.place.length >= best.place.length ? each : best), null)
  if (mount === null) return null
  const { place, type, options } = mount
  if (options.includes('ro'))
    return note('state directory', `${place} is mounted read-only: nothing can be started`, `mount -o remount,rw ${place}, or another --state-dir`)
  if (options.includes('noexec'))
    return note(
      'state directory',
      `${place} is mounted noexec: the keeper in Node serves, which takes more memory`,
      'a state directory elsewhere, by --state-dir or PROCMAN_HOME',
    )
  if (/^(nfs|cifs|smb|fuse\.sshfs|9p)/.test(type))
    return note(
      'state directory',
      `${place} is on a network (${type}): locks and pipes work on one machine only`,
      'a state directory on a local disk, by --state-dir or PROCMAN_HOME',
    )
  return null
}

/** Soft and hard. What is not told is unlimited. */
function limitOf(limits: string, name: string): readonly [number, number] {
  const [, soft, hard] = new RegExp(`^${name} +(\\S+) +(\\S+)`, 'm').exec(limits) ?? []
  const parse = (text: string | undefined) => (text === undefined || text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text))
  return [parse(soft), parse(hard)]
}

function countOf(count: number): string {
  return Number.isFinite(count) ? String(count) : 'unlimited'
}

/** Blanks and the like in a mount's path are octal. */
function unescaped(place: string): string {
  return place.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
