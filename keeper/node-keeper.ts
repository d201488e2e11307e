/**
 * The keeper in Node: the same contract as keeper.c (README.md beside this file), for machines where the C keeper cannot run.
 * `node node-keeper.js keep run-N [BELL]` and `node node-keeper.js version`. Two files, node:* only.
 *
 * What plain Node cannot do, and what happens instead:
 * - No gate: Node cannot exec in place. The command is spawned first and `child` is written right after, in the same turn of the
 *   event loop. A keeper that is killed in that window (about a millisecond) leaves a command that is in no file; it can be found by its
 *   PROCMAN_TOKEN only. While the disk is full the command runs although `child` is not written yet.
 * - No WNOWAIT: Node reaps before it tells. `exit` is written in the same turn; a keeper killed in between loses the outcome. Nothing is signalled in between.
 * - No subreaper: the tree is the closure over group, session, parent and PROCMAN_TOKEN. A descendant that left the group and the session,
 *   lost its parent and cleared its environment before it was looked for gets away. Members are checked by start time just before each signal.
 * - The tree that outlived the command is looked at every 50 ms (no signal tells of its end); never otherwise: an idle keeper has no timer.
 * - `core` is always false, and an end by a realtime signal is told by Node as code 0.
 * - Arguments and environment that are not UTF-8 are refused (failure `intent`, EILSEQ) rather than changed; of a variable given twice the last holds.
 * - A file without `#!` and known magic is refused with ENOEXEC before the start (libc's execvp would give it to a shell): no binfmt_misc.
 * - macOS: start times in whole seconds (`sec`), from ps.
 * - Inherited descriptors: Linux closes those that the command would inherit (no close-on-exec flag in fdinfo); elsewhere Node itself marks the
 *   first 16, and higher ones go through to the command. The manager should not hand any over.
 * - No lock on the place of a log (Node has no flock), and `memory` is a file. Rotation by fallocate(1); without it the tree is stopped, and a keeper that is killed
 *   in that instant leaves it stopped.
 * - About 45 MB each.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { Socket } from 'node:net'
import { constants as os } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import { type Limits, Log, type Sink, Tending, type Tree } from './node-logs.ts'

const RETRY_MS = 200
const LOOK_MS = 50
/** for all of the tree to stop */
const FREEZE_MS = 500
const linux = process.platform === 'linux'

type Step = 'intent' | 'cwd' | 'log' | 'fork' | 'command' | 'interpreter'
interface Intent {
  token: string
  cwd: string
  args: string[]
  env: Record<string, string>
  pipe: boolean
  stdout: string
  stderr: string
  leave: boolean
  graceMs: number
  /** 0: none */
  notify: number
  logs: Limits
}
interface Member {
  pid: number
  ppid: number
  pgid: number
  sid: number
  start: string
}

class Failure extends Error {
  readonly step: Step
  readonly code: string
  constructor(step: Step, code: string) {
    super(`${step} ${code}`)
    this.step = step
    this.code = code
  }
}

const codeOf = (error: unknown): string => {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return typeof code === 'string' ? code : 'EINVAL'
}
const passing = (code: string) => ['ENOSPC', 'EDQUOT', 'ENFILE', 'EMFILE', 'ENOMEM', 'EAGAIN'].includes(code)
const pause = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
const tool = (file: string, args: string[]) =>
  execFileSync(file, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 28,
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' },
  })
const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** fields 3.. of /proc/PID/stat; field n is at n - 3 */
const statFields = (pid: number | string): string[] | undefined => {
  const text = attempt(() => fs.readFileSync(`/proc/${pid}/stat`, 'latin1'))
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}
const seconds = (lstart: string) => String(Math.floor(Date.parse(lstart) / 1000))
const startOf = (pid: number): string => {
  if (linux) return statFields(pid)?.[19] ?? ''
  const text = attempt(() => tool('ps', ['-o', 'lstart=', '-p', String(pid)]).trim())
  return text ? seconds(text) : ''
}
const bootName = (): string =>
  attempt(() => (linux ? fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8') : tool('sysctl', ['-n', 'kern.bootsessionuuid'])).trim()) ?? ''

/** everything that lives, zombies left out */
const everything = (): Member[] => {
  const all: Member[] = []
  if (linux) {
    for (const name of attempt(() => fs.readdirSync('/proc')) ?? []) {
      if (!/^\d+$/.test(name)) continue
      const f = statFields(name)
      if (f && f[0] !== 'Z' && f[0] !== 'X') all.push({ pid: Number(name), ppid: Number(f[1]), pgid: Number(f[2]), sid: Number(f[3]), start: f[19] ?? '' })
    }
    return all
  }
  for (const line of (attempt(() => tool('ps', ['-axo', 'pid=,ppid=,pgid=,stat=,lstart='])) ?? '').split('\n')) {
    const m = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line)
    if (m && !m[4]?.startsWith('Z')) all.push({ pid: Number(m[1]), ppid: Number(m[2]), pgid: Number(m[3]), sid: 0, start: seconds(m[5] ?? '') })
  }
  return all
}
/** which processes carry the token in their environment */
const withToken = (token: string, all: Member[]): Set<number> => {
  const mark = `PROCMAN_TOKEN=${token}`
  if (linux) {
    const has = (pid: number) =>
      attempt(() => fs.readFileSync(`/proc/${pid}/environ`, 'utf8'))
        ?.split('\0')
        .includes(mark)
    return new Set(all.filter((m) => has(m.pid)).map((m) => m.pid))
  }
  const lines = (attempt(() => tool('ps', ['-axEww', '-o', 'pid=,command='])) ?? '').split('\n')
  return new Set(lines.filter((line) => line.split(' ').includes(mark)).map((line) => Number.parseInt(line, 10)))
}

const readIntent = (file: string): { intent: Partial<Intent>; failure?: Failure } => {
  const logs: Limits = { stdoutTo: 'file', stderrTo: 'file', size: 0, files: 10, age: 0, total: 0, buffer: 1 << 20, way: 'collapse' }
  const intent: Partial<Intent> & { args: string[]; env: Record<string, string> } = {
    args: [],
    env: Object.create(null),
    pipe: false,
    leave: false,
    graceMs: 5000,
    notify: 0,
    logs,
  }
  let failure: Failure | undefined
  const bad = (code: string) => {
    failure ??= new Failure('intent', code)
  }
  const limit = (value: string): number => {
    if (!/^\d{1,16}$/.test(value)) bad('EINVAL')
    return Number(value)
  }
  let bytes: Buffer
  try {
    bytes = fs.readFileSync(file)
  } catch (error) {
    return { intent, failure: new Failure('intent', codeOf(error)) }
  }
  const text = bytes.toString('utf8')
  const fields = text.split('\0')
  if (fields[0] !== 'v=1') return { intent, failure: new Failure('intent', 'EINVAL') }
  for (const field of fields) {
    const at = field.indexOf('=')
    if (at < 0) {
      if (field !== '') bad('EINVAL')
      continue
    }
    const value = field.slice(at + 1)
    switch (field.slice(0, at)) {
      case 'arg':
        intent.args.push(value)
        break
      case 'env': {
        const equals = value.indexOf('=')
        if (equals > 0) intent.env[value.slice(0, equals)] = value.slice(equals + 1)
        break
      }
      case 'token':
        if (value.length <= 400 && !value.includes('\n')) intent.token = value
        break
      case 'cwd':
        if (isAbsolute(value)) intent.cwd = value
        break
      case 'stdout':
        intent.stdout = value
        break
      case 'stderr':
        intent.stderr = value
        break
      case 'stdin':
        intent.pipe = value === 'pipe'
        if (value !== 'pipe' && value !== 'null') bad('EINVAL')
        break
      case 'leftovers':
        intent.leave = value === 'leave'
        if (value !== 'leave' && value !== 'stop') bad('EINVAL')
        break
      case 'graceMs':
        if (/^\d{1,12}$/.test(value)) intent.graceMs = Number(value)
        else bad('EINVAL')
        break
      case 'notify':
        intent.notify = /^\d{1,3}$/.test(value) && Number(value) >= 3 && Number(value) <= 255 ? Number(value) : 0
        if (intent.notify === 0) bad('EINVAL')
        break
      case 'stdoutTo':
      case 'stderrTo':
        if (value === 'file' || value === 'memory' || value === 'none') logs[field.startsWith('stdout') ? 'stdoutTo' : 'stderrTo'] = value
        else bad('EINVAL')
        break
      case 'logWay':
        if (value === 'collapse' || value === 'punch' || value === 'freeze') logs.way = value
        else bad('EINVAL')
        break
      case 'logSize':
        logs.size = limit(value)
        break
      case 'logFiles':
        logs.files = limit(value)
        break
      case 'logAge':
        logs.age = limit(value)
        break
      case 'logTotal':
        logs.total = limit(value)
        break
      case 'logBuffer':
        logs.buffer = limit(value)
        break
      default:
    }
  }
  if (intent.token === undefined || intent.cwd === undefined || intent.args.length === 0 || intent.stdout === undefined || intent.stderr === undefined)
    bad('EINVAL')
  if (!Buffer.from(text, 'utf8').equals(bytes)) bad('EILSEQ')
  return { intent, failure }
}

/** for the command to append to; a link is not followed, and a FIFO in its place is not waited for */
const openLog = (file: string): number => {
  const there = fs.lstatSync(file, { throwIfNoEntry: false })
  if (there && !there.isFile()) throw Object.assign(new Error(), { code: there.isSymbolicLink() ? 'ELOOP' : there.isDirectory() ? 'EISDIR' : 'EINVAL' })
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW } = fs.constants
  return fs.openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NOFOLLOW, 0o600)
}

/** why the kernel would not take this file; undefined: it may */
const refusal = (file: string): string | undefined => {
  try {
    if (!fs.statSync(file).isFile()) return 'EACCES'
    fs.accessSync(file, fs.constants.X_OK)
  } catch (error) {
    return codeOf(error)
  }
  return attempt(() => {
    const fd = fs.openSync(file, 'r')
    const head = Buffer.alloc(4)
    fs.readSync(fd, head, 0, 4, 0)
    fs.closeSync(fd)
    const known =
      [0x7f454c46, 0xcafebabe, 0xcffaedfe, 0xcefaedfe, 0xfeedface, 0xfeedfacf].includes(head.readUInt32BE(0)) || head.toString('latin1', 0, 2) === '#!'
    return known ? undefined : 'ENOEXEC'
  }) // a file that can be executed but not read: the kernel decides
}

/** as execvp looks for it; relative ones are meant from the command's cwd */
const candidates = (name: string, env: Record<string, string>): string[] => {
  if (name === '') return []
  if (name.includes('/')) return [name]
  return (env.PATH ?? '/usr/local/bin:/bin:/usr/bin').split(':').map((dir) => `${dir || '.'}/${name}`)
}

const keep = (run: string, bellNumber: string | undefined): void => {
  let bell = bellNumber !== undefined && /^\d+$/.test(bellNumber) ? Number(bellNumber) : -1
  // libuv sets SIG_DFL for all of them in the child
  for (const name of [
    'SIGHUP',
    'SIGINT',
    'SIGQUIT',
    'SIGTERM',
    'SIGUSR1',
    'SIGUSR2',
    'SIGALRM',
    'SIGTSTP',
    'SIGTTIN',
    'SIGTTOU',
    'SIGXCPU',
    'SIGVTALRM',
    'SIGIO',
  ] as const)
    attempt(() => process.on(name, () => {}))
  delete process.env.NODE_V8_COVERAGE // child_process hands it on
  if (linux)
    for (const fd of attempt(() => fs.readdirSync('/proc/self/fdinfo').map(Number)) ?? []) {
      const flags = fd > 2 && fd !== bell ? attempt(() => /^flags:\s*([0-7]+)/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]) : undefined
      if (flags !== undefined && (Number.parseInt(flags, 8) & 0o2000000) === 0) attempt(() => fs.closeSync(fd))
    }
  const name = (suffix: string) => `${run}.${suffix}`
  let claimSize = 0
  const line = (content: object) => `${JSON.stringify(content)}\n`
  const directoryGone = () => {
    try {
      return fs.statSync('.').nlink === 0
    } catch (error) {
      return codeOf(error) === 'ENOENT'
    }
  }
  /** what somebody has put where a file of ours belongs is moved out of the way */
  const moveAside = (file: string) => fs.renameSync(file, `${file}.odd`)
  /** temp + rename, or temp + link; '' or the errno */
  const put = (suffix: string, content: object, exclusive = false): string => {
    const file = name(suffix)
    const temp = `${file}.${process.pid}.tmp`
    try {
      attempt(() => fs.unlinkSync(temp))
      const fd = fs.openSync(temp, 'wx', 0o600)
      try {
        fs.fchmodSync(fd, 0o600)
        fs.writeFileSync(fd, line(content))
      } finally {
        fs.closeSync(fd)
      }
      if (!exclusive && attempt(() => fs.lstatSync(file).isDirectory())) moveAside(file)
      if (!exclusive) fs.renameSync(temp, file)
      else fs.linkSync(temp, file)
      if (exclusive) attempt(() => fs.unlinkSync(temp))
      return ''
    } catch (error) {
      attempt(() => fs.unlinkSync(temp))
      return codeOf(error)
    }
  }
  /** a further line of `claim`, in the block that it has already: a full disk has room for that. '' or the errno */
  const addToClaim = (content: object): string => {
    const bytes = Buffer.from(line(content))
    try {
      const fd = fs.openSync(name('claim'), fs.constants.O_WRONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK)
      try {
        const stat = fs.fstatSync(fd)
        if (!stat.isFile() || stat.nlink !== 1 || stat.size < claimSize) return 'EINVAL' // something else lies there
        if (fs.writeSync(fd, bytes, 0, bytes.length, claimSize) !== bytes.length) return 'ENOSPC' // again in the same place
        claimSize += bytes.length
        return ''
      } finally {
        fs.closeSync(fd)
      }
    } catch (error) {
      return codeOf(error)
    }
  }
  const ring = (token: string | undefined, what: 'L' | 'F') => {
    if (bell < 0) return
    const fd = bell
    bell = -1
    if (token !== undefined) attempt(() => fs.writeSync(fd, `${token} ${what}\n`))
    attempt(() => fs.closeSync(fd))
  }
  const makeFifos = (...suffixes: string[]) => {
    const missing = suffixes.map(name).filter((file) => {
      const there = fs.lstatSync(file, { throwIfNoEntry: false })
      if (there?.isFIFO()) return false
      if (there) attempt(() => moveAside(file))
      return true
    })
    if (missing.length > 0) attempt(() => tool('mkfifo', ['-m', '600', ...missing]))
    return suffixes.every((suffix) => attempt(() => fs.lstatSync(name(suffix)).isFIFO()))
  }
  const hold = (suffix: string) => fs.openSync(name(suffix), fs.constants.O_RDWR | fs.constants.O_NONBLOCK)

  if (fs.lstatSync(name('claim'), { throwIfNoEntry: false })) process.exit(0) // a late twin: touch nothing
  const { intent, failure } = readIntent(name('intent'))
  if (failure?.code === 'ENOENT') process.exit(0) // asked for by a process that was removed
  const own = `notify.${process.pid}.tmp` // a pipe of the command's own: Node can make none without a name
  const fifos = ['ctl', 'alive', ...(intent.pipe ? ['in'] : []), ...(intent.notify ? ['notify', own] : [])]
  for (let tries = 0; !makeFifos(...fifos); tries++) {
    // mkfifo(1) does not say why in a form to rely on
    if (directoryGone() || tries > 300) process.exit(1)
    pause(RETRY_MS)
  }
  const ctl = hold('ctl')
  let alive = hold('alive')
  let input = -1
  let reader = -1
  if (intent.pipe) {
    const both = hold('in')
    reader = fs.openSync(name('in'), fs.constants.O_RDONLY)
    input = fs.openSync(name('in'), fs.constants.O_WRONLY | fs.constants.O_NONBLOCK)
    fs.closeSync(both)
  }
  let notify = -1
  let notice = -1
  let noticeFd = -1
  if (intent.notify) {
    notify = hold('notify')
    notice = fs.openSync(name(own), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
    noticeFd = fs.openSync(name(own), fs.constants.O_WRONLY)
    fs.unlinkSync(name(own))
  }
  const self = { v: 1, pid: process.pid, start: startOf(process.pid), boot: bootName() }
  for (;;) {
    const claim = { ...self, at: Date.now() }
    const code = put('claim', claim, true)
    claimSize = Buffer.byteLength(line(claim))
    if (code === '') break
    if (code === 'EEXIST') process.exit(0)
    if (!passing(code) || directoryGone()) process.exit(1)
    pause(RETRY_MS)
  }
  // who takes a claim away takes the intent away first: without it there was a claim before ours, and the run is over or void
  if (!fs.lstatSync(name('intent'), { throwIfNoEntry: false })) {
    attempt(() => fs.unlinkSync(name('claim')))
    process.exit(0)
  }
  const fail = (f: Failure): never => {
    const record = { v: 1, kind: 'failed', step: f.step, errno: f.code, at: Date.now() }
    while (put('exit', record) !== '' && addToClaim(record) !== '' && !directoryGone()) pause(RETRY_MS)
    ring(intent.token, 'F')
    process.exit(0)
  }
  if (failure) fail(failure)
  const { token, cwd, args, env, stdout, stderr, leave, graceMs, notify: notifyNumber, logs: limits } = intent as Intent

  const logs: Log[] = []
  const openStream = (file: string, sink: Sink) => (sink === 'none' ? fs.openSync('/dev/null', 'a') : openLog(file))
  const logEnd = (file: string, sink: Sink): number => {
    if (file.includes('/') || logs.some((log) => log.file === file)) return fs.statSync(file).size
    if (sink === 'none' && !fs.existsSync(file)) return 0
    const log = new Log(file, limits, sink === 'memory')
    const end = log.open()
    if (sink !== 'none') logs.push(log)
    return end
  }
  let outFd = -1
  let errFd = -1
  const sizes = { out: 0, err: 0 }
  try {
    outFd = openStream(stdout, limits.stdoutTo)
    sizes.out = logEnd(stdout, limits.stdoutTo)
    errFd = openStream(stderr, limits.stderrTo)
    sizes.err = logEnd(stderr, limits.stderrTo)
  } catch (error) {
    fail(new Failure('log', codeOf(error)))
  }
  try {
    if (!fs.statSync(cwd).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' })
    fs.accessSync(cwd, fs.constants.X_OK)
  } catch (error) {
    fail(new Failure('cwd', codeOf(error)))
  }

  // In the child libuv would put n over the descriptor by which it tells of a failed exec: all up to n are taken while it makes that one.
  const taken: number[] = []
  try {
    while (noticeFd >= 0 && (taken.at(-1) ?? 0) < notifyNumber) taken.push(fs.openSync('/dev/null', 'r'))
  } catch (error) {
    for (const fd of taken) fs.closeSync(fd)
    fail(new Failure('log', codeOf(error) === 'EMFILE' ? 'EBADF' : codeOf(error)))
  }

  const start = (child: ChildProcess, pid: number): void => {
    let ended = false
    let readyAt = 0
    let recorded = false
    let told = false
    let killing = false
    let whole = false
    let outcome: object | undefined
    let deadline = Number.POSITIVE_INFINITY
    let timer: NodeJS.Timeout | undefined
    const known = new Map<number, string>() // whom we have seen to belong to the tree
    const termed = new Set<number>()
    const record = { v: 1, pid, start: startOf(pid), boot: self.boot, at: Date.now(), ...sizes }

    let stopped: Member[] = []
    const stateOf = (m: Member) => (linux ? statFields(m.pid)?.[0] : attempt(() => tool('ps', ['-o', 'stat=', '-p', String(m.pid)]).trim()[0]))
    const freezing: Tree = {
      freeze: () => {
        const end = performance.now() + FREEZE_MS
        const isStill = (m: Member) => ['T', 't', 'Z', undefined].includes(stateOf(m))
        for (let grew = true; grew; ) {
          const fresh = tree().filter((m) => !stopped.some(({ pid: id }) => id === m.pid) && !isStill(m))
          grew = fresh.length > 0
          stopped.push(...fresh)
          signalMembers(fresh, os.signals.SIGSTOP)
          while (!stopped.every(isStill)) {
            if (performance.now() > end) return false
            pause(1)
          }
        }
        return true
      },
      thaw: () => {
        signalMembers(stopped, os.signals.SIGCONT)
        stopped = []
      },
    }
    const tending = new Tending(logs, freezing)
    let isLeaving = false
    const depart = (isAlone: boolean): void => {
      if (isLeaving) return
      isLeaving = true
      void tending.finish(isAlone).finally(() => process.exit(0))
    }

    const send = (target: number, signal: number) => attempt(() => process.kill(target, signal))
    /** the tree, the command left out when it has ended */
    const tree = (): Member[] => {
      const everyone = everything()
      // No descriptors left, no fork: who is there cannot be seen now. Somebody may be, whom no signal fits.
      if (!everyone.some((m) => m.pid === process.pid)) return [{ pid, ppid: 0, pgid: 0, sid: 0, start: 'unseen' }]
      const all = everyone.filter((m) => m.pid !== process.pid)
      const own = withToken(token, all)
      const leader = all.find((m) => m.pid === pid)
      const reused = ended && leader !== undefined && leader.start !== record.start // its ids mean a stranger's group now
      const found = new Map<number, Member>()
      for (const m of all) {
        const related = !reused && (m.pid === pid || m.pgid === pid || m.sid === pid)
        if (related || own.has(m.pid) || known.get(m.pid) === m.start) found.set(m.pid, m)
      }
      for (let grew = true; grew; ) {
        grew = false
        for (const m of all) {
          if (found.has(m.pid) || !found.has(m.ppid)) continue
          found.set(m.pid, m)
          grew = true
        }
      }
      known.clear()
      for (const m of found.values()) known.set(m.pid, m.start)
      return [...found.values()]
    }
    const signalMembers = (members: Member[], signal: number) => {
      for (const m of members) if (startOf(m.pid) === m.start) send(m.pid, signal)
    }
    const letGoOfNotify = () => {
      if (notify >= 0) fs.closeSync(notify)
      notify = -1
    }
    /** lets go of `notify` once `ready` is on disk, or can no longer come */
    const tellReady = (): void => {
      if (notify < 0) return
      const ready = { v: 1, at: readyAt }
      if (readyAt === 0 || put('ready', ready) === '' || addToClaim(ready) === '' || directoryGone()) letGoOfNotify()
      else setTimeout(tellReady, RETRY_MS)
    }
    /** the first newline means ready, all else is dropped */
    const hear = (chunk: Buffer): void => {
      if (readyAt > 0 || !chunk.includes(10)) return
      readyAt = Date.now()
      tellReady()
    }
    const again = (ms: number) => {
      clearTimeout(timer)
      timer = setTimeout(step, ms)
    }
    const step = (): void => {
      if (!recorded) {
        if (put('child', record) === '' || addToClaim(record) === '') recorded = true
        else if (directoryGone()) killing = true
        else {
          again(RETRY_MS)
          return
        }
      }
      if (!told && recorded) {
        told = true
        ring(token, 'L')
      }
      if (!ended) {
        if (!killing) return
        signalMembers(tree(), os.signals.SIGKILL)
        again(LOOK_MS)
        return
      }
      if (outcome !== undefined) {
        if (put('exit', outcome) === '' || addToClaim(outcome) === '') outcome = undefined
        else if (directoryGone()) {
          killing = true
          outcome = undefined
        } else {
          again(RETRY_MS)
          return
        }
        letGoOfNotify()
        if (leave && !killing && !whole) {
          depart(false)
          return
        }
      }
      const members = tree()
      if (members.length === 0) {
        attempt(() => fs.unlinkSync(name('rest')))
        depart(true)
        return
      }
      if (deadline === Number.POSITIVE_INFINITY) {
        deadline = performance.now() + graceMs
        if (makeFifos('rest') && attempt(() => hold('rest')) !== undefined) {
          fs.closeSync(alive)
          alive = -1
        }
      }
      if (performance.now() >= deadline) killing = true
      if (killing) signalMembers(members, os.signals.SIGKILL)
      else {
        const fresh = members.filter((m) => !termed.has(m.pid))
        for (const m of fresh) termed.add(m.pid)
        signalMembers(fresh, os.signals.SIGTERM)
        signalMembers(fresh, os.signals.SIGCONT)
      }
      again(Math.max(1, Math.min(LOOK_MS, killing ? LOOK_MS : deadline - performance.now())))
    }
    const obey = (line: string) => {
      const number = /^\d+$/.test(line.slice(1)) ? Number(line.slice(1)) : 0
      const signal = number >= 1 && number <= 64
      if (line[0] === 's' && signal) {
        if (!ended) send(-pid, number)
        else signalMembers(tree(), number)
      } else if (line[0] === 'p' && signal) {
        if (!ended) send(pid, number)
      } else if (line[0] === 't') {
        whole = true
      } else if (line[0] === 'k') {
        killing = true
        step()
      } else if (line[0] === 'r' || line[0] === 'x') {
        for (const log of logs) {
          if (line[0] === 'r') log.manual = true
          else log.clear = true
          log.again = 0
        }
        tending.look()
      } else if (line[0] === 'c' && input >= 0) {
        fs.closeSync(input)
        input = -1
      }
    }

    tending.look()
    const ear = notice < 0 ? undefined : new Socket({ fd: notice, readable: true, writable: false })
    ear?.on('error', () => {})
    ear?.on('data', hear)
    ear?.on('close', () => {
      if (readyAt === 0) tellReady()
    })
    child.on('exit', (code, signal) => {
      ended = true
      const lastWords = Buffer.alloc(65536) // no pipe holds more
      if (ear && !ear.destroyed) hear(lastWords.subarray(0, attempt(() => fs.readSync(notice, lastWords)) ?? 0))
      outcome =
        signal === null
          ? { v: 1, kind: 'code', code: code ?? 0, at: Date.now() }
          : { v: 1, kind: 'signal', signal: os.signals[signal], core: false, at: Date.now() }
      step()
    })
    step()
    let rest = ''
    const socket = new Socket({ fd: ctl, readable: true, writable: false })
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\n')
      rest = (lines.pop() ?? '').slice(0, 64)
      for (const line of lines) if (line !== '') obey(line)
    })
  }

  let worst = new Failure('command', 'ENOENT')
  const close = (...fds: number[]) => {
    for (const fd of fds) if (fd >= 0) fs.closeSync(fd)
  }
  const stdio: (number | 'ignore')[] = [intent.pipe ? reader : 'ignore', outFd, errFd]
  // those in between are not opened: beyond 2 libuv takes 'ignore' at its word
  if (noticeFd >= 0) stdio.push(...Array<'ignore'>(notifyNumber - 3).fill('ignore'), noticeFd)
  /** each candidate in turn, until one runs or fails for a reason that ends the search */
  const next = (files: string[]): void => {
    const file = files.shift()
    if (file === undefined) {
      fail(worst)
      return
    }
    const failed = (code: string): void => {
      if (code === 'EAGAIN' || code === 'ENOMEM' || code === 'EMFILE' || code === 'ENFILE') fail(new Failure('fork', code))
      if ((code === 'ENOENT' || code === 'ENOTDIR') && fs.existsSync(resolve(cwd, file))) worst = new Failure('interpreter', 'ENOENT')
      else if (code === 'EACCES') worst = worst.step === 'interpreter' ? worst : new Failure('command', code)
      else if (code !== 'ENOENT' && code !== 'ENOTDIR') fail(new Failure('command', code))
      next(files)
    }
    const no = refusal(resolve(cwd, file))
    if (no !== undefined) {
      failed(no)
      return
    }
    let child: ChildProcess
    try {
      child = spawn(file, args.slice(1), { argv0: args[0] ?? '', cwd, env, detached: true, stdio })
    } catch (error) {
      failed(codeOf(error))
      return
    }
    if (child.pid === undefined) {
      child.once('error', (error) => failed(codeOf(error)))
      return
    }
    child.on('error', () => {})
    start(child, child.pid)
    close(outFd, errFd, reader, noticeFd, ...taken)
  }
  next(candidates(args[0] ?? '', env))
}

const [mode, run, bell] = process.argv.slice(2)
if (mode === 'keep' && run !== undefined && /^run-\d{1,19}$/.test(run)) keep(run, bell)
else if (mode === 'version') process.stdout.write('procman-keeper 1\n')
else {
  process.stderr.write('usage: node-keeper keep run-N [BELL] | version\n')
  process.exitCode = 2
}
