/**
 * What is left of a run whose keeper was killed: its command is watched and signalled by its identity, which is looked at right before each signal, and its tree
 * is hunted down through /proc. There is no event to wait for (Node has no pidfd), so this rare case is the only one that polls.
 */
import { readdirSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { signalNumber } from '../../signals.ts'
import type { Identity } from '../../types.ts'
import { bootId, isAlive, type ProcStat, readProc, readStat } from './identity.ts'

const LOOK_EVERY_MS = 200
/** So many processes are looked at in one turn of the loop. */
const LOOKS_A_TURN = 64
const FIRST_PAUSE_MS = 20
/** Between looks at what cannot be killed: another user's, or one that the kernel holds. */
const LONGEST_PAUSE_MS = 1_000

/** Calls back once the command is gone. @returns a function that ends the watch */
export function onStrayGone(command: Identity, gone: () => void, onTrouble: (error: unknown) => void): () => void {
  const timer = setInterval(() => {
    try {
      if (isAlive(command)) return
    } catch (error) {
      return onTrouble(error)
    }
    clearInterval(timer)
    gone()
  }, LOOK_EVERY_MS)
  return () => clearInterval(timer)
}

/** Sends to the group of the command, which its leader's identity vouches for. @returns false when the leader is gone */
export function signalStray(command: Identity, signal: string, target: 'group' | 'command'): boolean {
  const number = signalNumber(signal)
  if (number === null || !isAlive(command)) return false
  return kill(target === 'group' ? -command.pid : command.pid, number)
}

interface Hunt {
  readonly command: Identity
  readonly done: Set<() => void>
}

/** Kills what belongs to runs without a keeper. However many are asked for at once, there is one pass over /proc at a time, and it looks for all of them. */
export class StrayHunter {
  readonly #hunts = new Map<string, Hunt>()
  readonly #onTrouble: (error: unknown) => void
  #isHunting = false
  #isClosed = false
  #pauseMs = FIRST_PAUSE_MS

  constructor(onTrouble: (error: unknown) => void) {
    this.#onTrouble = onTrouble
  }

  /**
   * Kills the command, its group and session, all that carries the run's token in its environment, and all that descends from any of these; again until
   * none is left. @returns a function after which `done` is not called any more (the hunt goes on)
   */
  kill(command: Identity, token: string, done: () => void = () => {}): () => void {
    const hunt = this.#hunts.get(token) ?? { command, done: new Set() }
    this.#hunts.set(token, hunt)
    hunt.done.add(done)
    this.#pauseMs = FIRST_PAUSE_MS
    signalStray(command, 'SIGKILL', 'group')
    if (!this.#isHunting) void this.#hunt()
    return () => hunt.done.delete(done)
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
        const prey = await findTrees(asked.map(([token, { command }]) => ({ token, command })))
        for (const [token, hunt] of asked) this.#strike(token, hunt, prey.get(token) ?? [])
      } catch (error) {
        this.#onTrouble(error)
      }
      if (this.#hunts.size > 0) await pause(this.#pauseMs)
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
    }
    this.#isHunting = false
  }

  #strike(token: string, hunt: Hunt, tree: readonly Identity[]): void {
    for (const stray of tree) if (isAlive(stray)) kill(stray.pid, 9)
    if (tree.length > 0 || this.#hunts.get(token) !== hunt) return
    this.#hunts.delete(token)
    for (const done of hunt.done) done()
  }
}

interface Seen {
  readonly identity: Identity
  readonly stat: ProcStat
  readonly token: string | null
}

/** Linux only; elsewhere there is only the group. @returns the living members of each tree, by token */
async function findTrees(runs: readonly { readonly token: string; readonly command: Identity }[]): Promise<ReadonlyMap<string, readonly Identity[]>> {
  const trees = new Map<string, readonly Identity[]>()
  if (process.platform !== 'linux') return trees
  const seen = await lookAtAll(new Set(runs.map(({ token }) => token)))
  for (const { token, command } of runs) trees.set(token, treeOf(seen, token, command))
  return trees
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
    const token = /(?:^|\0)PROCMAN_TOKEN=([^\0]*)/.exec(readProc(pid, 'environ') ?? '')?.[1] ?? null
    seen.push({ identity: { pid, start: stat.start, boot: bootId() }, stat, token: token !== null && tokens.has(token) ? token : null })
  }
  return seen
}

function treeOf(seen: readonly Seen[], token: string, command: Identity): readonly Identity[] {
  const hasLeader = isAlive(command)
  const isOwn = ({ identity, stat, token: carried }: Seen) =>
    carried === token || (hasLeader && (identity.pid === command.pid || stat.group === command.pid || stat.session === command.pid))
  const members = new Set(seen.filter(isOwn))
  for (const parent of members) {
    // A pid that has been alive all the time cannot have been another's when its children were looked at.
    if (!isAlive(parent.identity)) continue
    for (const each of seen) if (each.stat.parent === parent.identity.pid) members.add(each)
  }
  return [...members].map(({ identity }) => identity)
}

function kill(pid: number, signal: number): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}
