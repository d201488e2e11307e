/**
 * The logs of a run for the keeper in Node: README.md beside this file, "Logs". Collapse and punch by fallocate(1) of util-linux where that is;
 * else the tree stands still while the rest is copied and the file is emptied.
 */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'

export type Sink = 'file' | 'memory' | 'none'
type Way = 'collapse' | 'punch' | 'freeze'
/** Bytes and ms; 0: no limit */
export interface Limits {
  stdoutTo: Sink
  stderrTo: Sink
  size: number
  files: number
  age: number
  total: number
  buffer: number
  way: Way
}

/** between two looks at a log that grows */
const MOST_MS = 250
const LEAST_MS = 10
const linux = process.platform === 'linux'

const codeOf = (error: unknown): string => {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return typeof code === 'string' ? code : 'EINVAL'
}
const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work()
  } catch {
    return undefined
  }
}
const BLOCK = 4096
const SLICE = 1 << 20
const PLACE_SIZE = 128
interface Place {
  ino: number
  base: number
  head: number
  flux: number
  size: number
  lost: number
}
interface Segment {
  name: string
  from: number
  to: number
  bytes: number
  atMs: number
}
const floored = (size: number) => Math.max(0, size - (size % BLOCK))
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const full = (code: string) => code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'

const checksum = (text: string): string => {
  let hash = 2_166_136_261
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 16_777_619) >>> 0
  return hash.toString(16).padStart(8, '0')
}
const placeText = (place: Place): string => {
  const { ino, base, head, flux, size, lost } = place
  const text = JSON.stringify({ v: 1, ino, base, head, flux, size, lost }).slice(0, -1)
  const whole = `${text},"sum":"${checksum(text)}"}`
  return whole.length < PLACE_SIZE || ino === 0 ? `${whole.padEnd(PLACE_SIZE - 1)}\n` : placeText({ ...place, ino: 0 })
}
const parsePlace = (text: string): Place | undefined =>
  attempt(() => {
    const { sum, ...place } = JSON.parse(text)
    return sum === checksum(text.slice(0, text.indexOf(',"sum":"'))) ? (place as Place) : undefined
  })

/** what the tree does for a rotation that needs it to stand still */
export interface Tree {
  /** false: it does not, or not at once; in any case `thaw` */
  freeze: () => boolean
  thaw: () => void
}

/** The log of one stream. Everything that takes long is done in slices, other duties in between. */
export class Log {
  readonly file: string
  readonly stem: string
  readonly limits: Limits
  readonly files: number
  readonly max: number
  readonly keep: number
  way: Way
  at: Place = { ino: 0, base: 0, head: 0, flux: 0, size: 0, lost: 0 }
  manual = false
  clear = false
  /** not before, by `performance.now()` */
  again = 0
  seen = 0
  private fd = -1
  private place = -1
  private temp = -1
  private reserved = false

  /** @param ring it is only to hold the last of what is written */
  constructor(file: string, limits: Limits, ring: boolean) {
    this.file = file
    this.stem = file.replace(/\.log$/, '')
    this.limits = limits
    this.files = ring ? 0 : limits.files
    const size = ring ? limits.buffer + Math.floor(limits.buffer / 4) : limits.size
    const most = !ring && limits.total > 0 ? Math.min(size, limits.total / 4) : size
    this.max = size === 0 ? Number.POSITIVE_INFINITY : Math.max(BLOCK, floored(most + BLOCK - 1))
    this.keep = ring ? limits.buffer : Math.floor(limits.size / 2)
    this.way = limits.way
  }

  /** @returns where the log ends, logical */
  open(): number {
    const { O_RDWR, O_NOFOLLOW, O_NONBLOCK } = fs.constants
    this.fd = fs.openSync(this.file, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
    if (fs.existsSync(`${this.stem}.place`)) {
      this.take()
      this.letGo()
    }
    return this.at.base + this.size
  }
  get limited(): boolean {
    return this.fd >= 0 && Number.isFinite(this.max)
  }
  get size(): number {
    return fs.fstatSync(this.fd).size
  }
  private get head(): number {
    return this.at.head - this.at.base
  }
  /** bytes that are still to be read from the live file */
  get live(): number {
    return this.fd < 0 ? 0 : this.size - this.head
  }
  get wanted(): boolean {
    return this.fd >= 0 && performance.now() >= this.again && (this.manual || this.clear || this.live > this.max || this.live < 0)
  }

  segments(): Segment[] {
    const all = new Map<number, Segment>()
    for (const name of fs.readdirSync('.')) {
      const match = /^(.+)\.(\d{15,18})-(\d{15,18})\.log(\.gz|\.zst)?$/.exec(name)
      const stat = match?.[1] === this.stem ? fs.lstatSync(name, { throwIfNoEntry: false }) : undefined
      if (!match || !stat) continue
      const from = Number(match[2])
      all.set(from, { name: name.replace(/\.(gz|zst)$/, ''), from, to: Number(match[3]), bytes: (all.get(from)?.bytes ?? 0) + stat.size, atMs: stat.mtimeMs })
    }
    return [...all.values()].sort((a, b) => a.from - b.from)
  }
  remove(segment: Segment): void {
    for (const end of ['', '.gz', '.zst']) attempt(() => fs.unlinkSync(segment.name + end))
  }

  private save(next: Place): void {
    const text = Buffer.from(placeText(next))
    if (fs.writeSync(this.place, text, 0, PLACE_SIZE, 0) !== PLACE_SIZE) throw Object.assign(new Error(), { code: 'ENOSPC' })
    this.at = next
  }
  private letGo(): void {
    if (this.temp >= 0) {
      fs.closeSync(this.temp)
      attempt(() => fs.unlinkSync(this.tempName()))
    }
    if (this.place >= 0) fs.closeSync(this.place)
    this.temp = -1
    this.place = -1
  }
  private tempName = () => `${this.stem}.${String(this.at.head).padStart(15, '0')}.log.tmp`

  /** where the live file stands, whatever was under way when the last keeper was killed */
  private settled(known: Place | undefined): Place {
    const { ino, size, blocks } = fs.fstatSync(this.fd)
    const end = this.segments().at(-1)?.to ?? 0
    const place = { ...(known ?? { ...this.at, base: end, head: end }), ino }
    const cut = floored(place.head - place.base)
    if (known && known.ino !== 0 && known.ino !== ino) place.base = place.head
    else if (known?.flux === 1 && !this.beginsWithHole(cut, size, blocks)) place.base += cut
    else if (known?.flux === 2 && size < known.size) place.base = place.head
    else if (!known && end > 0 && this.beginsWithHole(BLOCK, size, blocks)) place.base = Math.max(0, end - this.hole(size))
    place.head = Math.max(place.head, end)
    if (place.base + size < place.head) place.base = place.head
    return { ...place, flux: 0, size: 0 }
  }
  /** Node cannot ask where the first data is. A collapse is done at once: there are all of the zeros, or none, unless the command itself writes as many. */
  private beginsWithHole(cut: number, size: number, blocks: number): boolean {
    return blocks * 512 <= size - cut / 2 && this.hole(cut) >= cut
  }
  private hole(most: number): number {
    const bytes = Buffer.alloc(1 << 16)
    for (let at = 0; at < most; ) {
      const n = fs.readSync(this.fd, bytes, 0, bytes.length, at)
      const first = bytes.subarray(0, n).findIndex((byte) => byte !== 0)
      if (n === 0 || first >= 0) return floored(at + Math.max(0, first))
      at += n
    }
    return most
  }

  private take(): void {
    if (this.place >= 0) return
    const name = `${this.stem}.place`
    const { O_RDWR, O_NOFOLLOW, O_NONBLOCK } = fs.constants
    const there = fs.lstatSync(name, { throwIfNoEntry: false })
    if (there && (!there.isFile() || there.nlink !== 1)) fs.renameSync(name, `${name}.odd`)
    for (const each of fs.readdirSync('.')) if (each.startsWith(`${this.stem}.`) && /\.\d{15,18}\.log\.tmp$/.test(each)) fs.unlinkSync(each)
    if (!fs.existsSync(name)) {
      const temp = `${name}.${process.pid}.tmp`
      fs.writeFileSync(temp, placeText(this.settled(undefined)), { mode: 0o600 })
      fs.renameSync(temp, name)
    }
    this.place = fs.openSync(name, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
    const known = parsePlace(fs.readFileSync(name, 'latin1'))
    const now = this.settled(known)
    if (known && placeText(known) === placeText(now)) this.at = now
    else this.save(now)
  }

  /** the end of the next segment, physical; 0: none */
  private nextCut(size: number, upto: number): number {
    const last = this.way === 'freeze' ? size : floored(size - 1) // a collapse must leave something
    if (this.files === 0) return upto > 0 ? last : size - this.head > this.max ? floored(size - this.keep) : 0
    if (size - this.head > this.max) return Math.min(floored(this.head + this.max), last)
    return upto > 0 ? Math.min(upto - this.at.base, last) : 0
  }

  private async copy(from: number, to: number): Promise<void> {
    const bytes = Buffer.alloc(Math.min(SLICE, Math.max(1, to - from)))
    for (let at = from; at < to; ) {
      const n = fs.readSync(this.fd, bytes, 0, Math.min(bytes.length, to - at), at)
      if (n === 0) throw Object.assign(new Error(), { code: 'EAGAIN' }) // emptied meanwhile
      for (let done = 0; done < n; ) done += fs.writeSync(this.temp, bytes, done, n - done)
      at += n
      if (at < to) await turn()
    }
  }
  private openTemp(): void {
    const name = this.tempName()
    attempt(() => fs.unlinkSync(name))
    this.temp = fs.openSync(name, 'wx', 0o600)
  }
  /** the segment is whole: it gets its name, then the head goes on */
  private nameSegment(to: number): void {
    const end = this.at.base + to
    const name = `${this.stem}.${[this.at.head, end].map((offset) => String(offset).padStart(15, '0')).join('-')}.log`
    if (fs.lstatSync(name, { throwIfNoEntry: false })) fs.renameSync(name, `${name}.odd`)
    fs.closeSync(this.temp)
    this.temp = -1
    fs.renameSync(this.tempName(), name)
    this.save({ ...this.at, head: end })
  }

  /** by fallocate(1) of util-linux, on the very file that we have open. False: it is not here, or the file system cannot */
  private fallocate(what: '--punch-hole' | '--collapse-range', size: number): boolean {
    if (!linux) return false
    try {
      execFileSync('fallocate', [what, '--offset', '0', '--length', String(size), '/proc/self/fd/3'], {
        stdio: ['ignore', 'ignore', 'ignore', this.fd],
        env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
      })
      return true
    } catch {
      return false
    }
  }
  private free(): void {
    if (this.way !== 'freeze' && this.head > 0 && !this.fallocate('--punch-hole', this.head)) this.way = 'freeze'
    const cut = Math.min(floored(this.head), floored(this.size - 1))
    if (this.way !== 'collapse' || cut === 0) return
    this.save({ ...this.at, flux: 1 })
    const done = this.fallocate('--collapse-range', cut)
    if (!done) this.way = 'punch'
    this.save({ ...this.at, base: this.at.base + (done ? cut : 0), flux: 0 })
  }

  /** copies the rest (not to `discard` it) and empties the live file, while nobody writes */
  private async empty(tree: Tree, from: number, discard: boolean): Promise<void> {
    try {
      const still = tree.freeze()
      const size = this.size
      if (!still && discard) throw Object.assign(new Error(), { code: 'EAGAIN' })
      if (still && !discard) await this.copy(from, size)
      if (!discard) this.nameSegment(still ? size : from)
      if (!still || this.size !== size) return // else somebody writes who is not of this tree
      this.save({ ...this.at, head: this.at.base + size, flux: 2, size })
      fs.ftruncateSync(this.fd, 0)
      this.save({ ...this.at, base: this.at.head, flux: 0, size: 0 })
    } finally {
      tree.thaw()
    }
  }

  /** all that is to be done now */
  async rotate(tree: Tree): Promise<void> {
    try {
      this.take()
      if (this.live < 0) this.save({ ...this.at, base: this.at.head }) // emptied by its own program
      if (this.clear) await this.clearAll(tree)
      const upto = this.manual ? this.at.base + (this.way === 'freeze' ? this.size : floored(this.size - 1)) : 0
      for (let cut = this.nextCut(this.size, upto); cut > this.head; cut = this.nextCut(this.size, upto)) {
        await this.cut(tree, cut)
        this.retain([this])
        if (this.way === 'freeze' && this.head === 0) break
      }
      this.free()
      if (this.manual) this.save(this.at) // who has asked sees that something was written
      this.manual = false
    } catch (error) {
      if (!full(codeOf(error)) || !this.makeRoom()) this.again = performance.now() + 1000
    } finally {
      attempt(() => this.letGo())
    }
  }
  private async cut(tree: Tree, cut: number): Promise<void> {
    if (this.files === 0 && this.way === 'freeze') return this.empty(tree, cut, true)
    if (this.files === 0) return this.save({ ...this.at, head: this.at.base + cut })
    this.openTemp()
    await this.copy(this.head, cut)
    if (this.way === 'freeze' && this.size - cut <= this.max) return this.empty(tree, cut, false)
    this.nameSegment(cut)
    if (this.way !== 'freeze' && !this.fallocate('--punch-hole', this.head)) this.way = 'freeze'
  }
  private async clearAll(tree: Tree): Promise<void> {
    if (this.way === 'freeze') await this.empty(tree, 0, true)
    else this.save({ ...this.at, head: this.at.base + this.size })
    for (const segment of this.segments()) this.remove(segment)
    this.clear = false
  }

  /** the disk is full: what would go after this cut goes now; what would not be kept on a disk with room is dropped. True: try again at once */
  private makeRoom(): boolean {
    const segments = this.segments()
    const oldest = segments[0]
    if (oldest && segments.length >= this.files) {
      this.remove(oldest)
      return true
    }
    if (this.place < 0 || this.live / (this.files + 1) <= this.max) return false
    const dropped = floored(this.head + this.max) - this.head
    return (
      attempt(() => {
        this.save({ ...this.at, head: this.at.head + dropped, lost: this.at.lost + dropped })
        this.free()
        return true
      }) ?? false
    )
  }

  /** removes what is too many, too old, too much */
  retain(logs: readonly Log[]): void {
    for (;;) {
      const all = logs.map((log) => ({ log, segments: log.segments() }))
      const beyond = all.find(({ log, segments }) => {
        const oldest = segments[0]
        return oldest && (segments.length > log.files || (this.limits.age > 0 && oldest.atMs + this.limits.age < Date.now()))
      })
      const bytes = all.reduce((sum, { log, segments }) => segments.reduce((total, segment) => total + segment.bytes, sum) + log.live, 0)
      const isOver = this.limits.total > 0 && bytes > this.limits.total
      const oldest = all.filter(({ segments }) => segments.length > 0).sort((a, b) => (a.segments[0]?.atMs ?? 0) - (b.segments[0]?.atMs ?? 0))[0]
      const victim = beyond ?? (isOver ? oldest : undefined)
      const segment = victim?.segments[0]
      if (!victim || !segment) return
      victim.log.remove(segment)
    }
  }

  /** When nobody is left who could write, what could only be punched is emptied. */
  async finish(): Promise<void> {
    const nobody: Tree = { freeze: () => true, thaw: () => {} }
    if (this.wanted) await this.rotate(nobody)
    if (this.fd < 0 || this.way === 'collapse' || this.files === 0 || this.head === 0) return
    try {
      this.take()
      if (this.live > 0) this.openTemp()
      await this.empty(nobody, this.head, this.live === 0)
      this.retain([this])
    } catch {
    } finally {
      attempt(() => this.letGo())
    }
  }

  /** Makes the place while there is room on the disk. */
  reserve(): void {
    if (this.reserved || !this.limited || this.live <= this.max / 4) return
    this.reserved = true
    attempt(() => this.take())
    attempt(() => this.letGo())
  }
}

/** Looks at the logs while they grow, and is told when they begin to. */
export class Tending {
  private readonly logs: readonly Log[]
  private readonly tree: Tree
  private working: Promise<void> | undefined
  private timer: NodeJS.Timeout | undefined
  private watchers: fs.FSWatcher[] = []
  private waitMs = MOST_MS
  private lastMs = performance.now()

  constructor(logs: readonly Log[], tree: Tree) {
    this.logs = logs
    this.tree = tree
  }
  look = (): void => {
    clearTimeout(this.timer)
    this.working ??= this.work().finally(() => {
      this.working = undefined
      this.wait()
    })
  }
  private async work(): Promise<void> {
    for (const log of this.logs) for (let turns = 0; log.wanted && turns < 1000; turns++) await log.rotate(this.tree)
    this.limit()
  }
  private limit(): void {
    const kept = this.logs.filter((log) => log.limited)
    if (kept[0] && kept[0].limits.total > 0) attempt(() => kept[0]?.retain(kept))
  }
  private wait(): void {
    const now = performance.now()
    let soon = MOST_MS
    let grew = false
    for (const log of this.logs.filter((each) => each.limited)) {
      log.reserve()
      const came = log.size - log.seen
      log.seen = log.size
      grew ||= came !== 0
      if (came > 0) soon = Math.min(soon, ((log.max - log.live) / came) * (now - this.lastMs) * 0.5)
    }
    this.lastMs = now
    if (!this.logs.some((log) => log.limited || log.manual || log.clear)) return
    const pending = this.logs.some((log) => log.again > now)
    if (!grew && this.waitMs >= MOST_MS && !pending && this.watch()) return
    this.waitMs = grew ? Math.max(LEAST_MS, Math.min(MOST_MS, soon)) : Math.min(MOST_MS, this.waitMs * 4)
    this.timer = setTimeout(this.look, this.waitMs)
  }
  private watch(): boolean {
    const grown = () => {
      for (const watcher of this.watchers) watcher.close()
      this.watchers = []
      this.waitMs = LEAST_MS
      this.look()
    }
    try {
      const kept = this.logs.filter((log) => log.limited)
      for (const log of kept) this.watchers.push(fs.watch(log.file, grown).on('error', grown))
      if (kept.every((log) => log.size === log.seen)) return true
    } catch {}
    for (const watcher of this.watchers) watcher.close()
    this.watchers = []
    return false
  }
  /** @param isAlone nobody is left who could write */
  async finish(isAlone: boolean): Promise<void> {
    clearTimeout(this.timer)
    for (const watcher of this.watchers) watcher.close()
    await this.working
    clearTimeout(this.timer)
    for (const log of this.logs) await (isAlone ? log.finish() : log.wanted ? log.rotate(this.tree) : undefined)
    this.limit()
  }
}
