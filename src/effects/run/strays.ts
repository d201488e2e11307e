/** Finds and kills, through /proc, what is left of runs whose keeper was killed: the command, and what descends from it. */
import { readdirSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { Identity } from '../../types.ts'
import { bootId, isAlive, type ProcStat, readStat, tokenIn } from './identity.ts'
import { isProvenOrphan, kill, type Orphan } from './orphan.ts'

/** So many processes are looked at in one turn of the loop. */
const LOOKS_A_TURN = 64
const FIRST_PAUSE_MS = 20
/** Between looks at what cannot be killed: another user's, or one that the kernel holds. */
const LONGEST_PAUSE_MS = 1_000

interface Hunt {
  readonly orphan: Orphan
  /** Only to know who belongs to it. */
  isToKill: boolean
  readonly done: Set<() => void>
}

/** However many are asked for at once, there is one pass over /proc at a time, and it looks for all of them. */
export class StrayHunter {
  readonly #hunts = new Map<string, Hunt>()
  /** Who was seen to belong to a run, by its token: found again when its parent has gone. */
  readonly #seen = new Map<string, readonly Identity[]>()
  readonly #onTrouble: (error: unknown) => void
  readonly #ref: boolean
  #isHunting = false
  #isClosed = false
  #pauseMs = FIRST_PAUSE_MS

  /** @param ref false: the host program need not stay until what it hunts is gone */
  constructor(onTrouble: (error: unknown) => void, ref = true) {
    this.#onTrouble = onTrouble
    this.#ref = ref
  }

  /** Remembers who belongs to a run now, for when it is to be killed: a descendant that cleared its environment is known only by its parents. */
  track(orphan: Orphan, done?: () => void): void {
    this.#add(orphan, false, done)
  }

  /**
   * Kills the command, its group and session, all that carries the run's token in its environment, and all that descends from any of these; again until
   * none is left. @returns a function after which `done` is not called any more (the hunt goes on)
   */
  kill(orphan: Orphan, done?: () => void): () => void {
    const hunt = this.#add(orphan, true, done)
    return () => {
      if (done !== undefined) hunt.done.delete(done)
    }
  }

  #add(orphan: Orphan, isToKill: boolean, done: (() => void) | undefined): Hunt {
    const { token } = orphan
    const hunt = this.#hunts.get(token) ?? { orphan, isToKill, done: new Set() }
    hunt.isToKill ||= isToKill
    if (done !== undefined) hunt.done.add(done)
    this.#hunts.set(token, hunt)
    this.#pauseMs = FIRST_PAUSE_MS
    if (!this.#isHunting) void this.#hunt()
    return hunt
  }

  #tell(done: () => void): void {
    try {
      done()
    } catch (error) {
      this.#onTrouble(error)
    }
  }

  /** Nobody will ask for this run again. */
  forget(token: string): void {
    this.#seen.delete(token)
  }

  /** Resolves when nothing is hunted any more, or after a time: what cannot be killed is hunted for long. */
  async quiet(patienceMs: number): Promise<void> {
    const giveUpAtMs = performance.now() + patienceMs
    while (this.#isHunting && performance.now() < giveUpAtMs) await pause(FIRST_PAUSE_MS / 4)
  }

  close(): void {
    this.#isClosed = true
    this.#hunts.clear()
  }

  async #hunt(): Promise<void> {
    this.#isHunting = true
    while (this.#hunts.size > 0 && !this.#isClosed) {
      const asked = [...this.#hunts]
      try {
        const trees = await findTrees(asked.map(([token, { orphan }]) => ({ orphan, seen: this.#seen.get(token) ?? [] })))
        for (const [token, hunt] of asked) this.#strike(token, hunt, trees.get(token) ?? [])
      } catch (error) {
        this.#onTrouble(error)
      }
      if (this.#hunts.size > 0) await pause(this.#pauseMs, undefined, { ref: this.#ref })
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
    }
    this.#isHunting = false
  }

  #strike(token: string, hunt: Hunt, tree: readonly Identity[]): void {
    if (this.#isClosed) return
    this.#seen.set(token, tree)
    if (hunt.isToKill) for (const stray of tree) if (isAlive(stray)) kill(stray.pid, 9)
    if (hunt.isToKill && tree.length > 0) return
    if (hunt.isToKill) this.#seen.delete(token)
    this.#hunts.delete(token)
    for (const done of hunt.done) this.#tell(done)
  }
}

interface Seen {
  readonly identity: Identity
  readonly stat: ProcStat
  readonly token: string | null
}

interface Run {
  readonly orphan: Orphan
  /** Who belonged to it at the last look. */
  readonly seen: readonly Identity[]
}

/** @returns the living members of each tree, by token. Elsewhere than on Linux that is the command alone. */
async function findTrees(runs: readonly Run[]): Promise<ReadonlyMap<string, readonly Identity[]>> {
  if (process.platform !== 'linux') return new Map(runs.map(({ orphan }) => [orphan.token, isProvenOrphan(orphan) ? [orphan.identity] : []]))
  const all = await lookAtAll(new Set(runs.map(({ orphan }) => orphan.token)))
  return new Map(runs.map((run) => [run.orphan.token, treeOf(all, run)]))
}

/** @returns the command of a run that nothing but its token names: what leads the session that all commands are made to lead */
export async function findCommand(token: string): Promise<Identity | null> {
  if (process.platform !== 'linux') return null
  const all = await lookAtAll(new Set([token]))
  return all.find((each) => each.token === token && each.stat.session === each.identity.pid)?.identity ?? null
}

async function lookAtAll(tokens: ReadonlySet<string>): Promise<readonly Seen[]> {
  const seen: Seen[] = []
  let looks = 0
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid < 2 || pid === process.pid) continue
    if (++looks % LOOKS_A_TURN === 0) await nextTurn()
    const stat = readStat(pid)
    if (stat === null) continue
    const token = tokenIn(pid)
    seen.push({ identity: { pid, start: stat.start, boot: bootId() }, stat, token: token !== null && tokens.has(token) ? token : null })
  }
  return seen
}

function treeOf(all: readonly Seen[], { orphan, seen }: Run): readonly Identity[] {
  const { pid: leader } = orphan.identity
  const hasLeader = isProvenOrphan(orphan)
  const starts = new Map(seen.map(({ pid, start }) => [pid, start]))
  const isOwn = ({ identity, stat, token: carried }: Seen) =>
    carried === orphan.token ||
    starts.get(identity.pid) === identity.start ||
    (hasLeader && (identity.pid === leader || stat.group === leader || stat.session === leader))
  const members = new Set(all.filter(isOwn))
  for (const parent of members) {
    // A pid that has been alive all the time cannot have been another's when its children were looked at.
    if (!isAlive(parent.identity)) continue
    for (const each of all) if (each.stat.parent === parent.identity.pid) members.add(each)
  }
  return [...members].map(({ identity }) => identity)
}
