/**
 * Launch-or-adopt: one run, from whatever is found on disk to its end. Everybody who asks is told all facts known so far, then the new ones,
 * so a watch that begins late, or again after a change of state, misses nothing.
 */
import { existsSync } from 'node:fs'
import type { Identity, Outcome } from '../../types.ts'
import { askForKeeper, type Failure } from './ask-for-keeper.ts'
import { mayBeOfConflict, onConflictKnown } from './conflict.ts'
import type { PortConflict, RunFact } from './contract.ts'
import { readIntent } from './intent-file.ts'
import { hasKeeper, onFifoReleased } from './keeper-link.ts'
import { type KnownRun, lookAtRun } from './look.ts'
import { OneWait } from './one-wait.ts'
import { isOrphanAlive, onOrphanGone } from './orphan.ts'
import type { RunPorts } from './ports.ts'
import { intendsToLeave, whyUnknown } from './remains.ts'
import { type Renounced, renounceRun } from './renounce.ts'
import { readExit, runFile } from './run-files.ts'
import { searchByToken } from './search.ts'
import { askToEnd, killTree, orphanOf, type RunAddress, signalRun } from './signal-run.ts'
import { Told } from './told.ts'

/** A keeper that has claimed its run writes down the child within a few ms; one that does not is looked at less and less often. */
const LOOK_AGAIN_MS = 5
/** A claimed run without a child for so long is looked for by other means. */
const SUSPICIOUS_MS = 100
const MAX_LAUNCHES = 3
const TROUBLE_PAUSE_MS = 1_000

export class RunWatch {
  readonly #ports: RunPorts
  readonly #id: string
  readonly #run: number
  readonly #jobDir: string
  readonly #token: string
  readonly #told = new Told()
  readonly #wait = new OneWait()
  #mayLaunch = false
  #launches = 0
  #lookAgainMs = LOOK_AGAIN_MS
  #command: KnownRun | null = null
  #isClosed = false
  #isKeeperLost = false
  /** It is being executed: a keeper has said so. It is never started again, whatever has become of its files. */
  #isBegun = false
  #isStopping = false
  #isSearched = false

  constructor(ports: RunPorts, id: string, run: number) {
    this.#ports = ports
    this.#id = id
    this.#run = run
    this.#jobDir = ports.jobDirOf(id)
    this.#token = ports.tokenOf(id, run)
  }

  /** Looks at the run files and goes on from what they say. With `mayLaunch`, a run that nobody claimed is started; without, it is voided. */
  begin(mayLaunch: boolean): void {
    this.#mayLaunch = mayLaunch
    this.#look()
  }

  /** Tells all facts so far at once, and all further ones. @returns a function that ends it */
  listen(listener: (fact: RunFact) => void): () => void {
    return this.#told.listen(listener)
  }

  /** Nothing will be started any more: a stop came. */
  abandonLaunch(): void {
    if (!this.#mayLaunch) return
    this.#mayLaunch = false
    if (this.#command === null) this.#lookNext()
  }

  /** Checks against the OS now. */
  refresh(): void {
    if (this.#isClosed || !this.#wait.isWaiting || this.#command === null) return
    try {
      // Cheap, since it is asked all the time: an end that had no room in a file of its own is told by its keeper.
      if (hasKeeper(this.#jobDir, this.#run) && !existsSync(runFile(this.#jobDir, this.#run, 'exit'))) return
    } catch (error) {
      return this.#ports.onTrouble(this.#id, error)
    }
    this.#lookNext()
  }

  /** See signal-run.ts. */
  signal(signal: string, target: 'group' | 'command'): string | null {
    return signalRun(this.#address, signal, target)
  }

  ask(signal: string): void {
    this.#isStopping = true
    askToEnd(this.#address, signal)
  }

  kill(): void {
    this.#isStopping = true
    killTree(this.#address)
  }

  get #address(): RunAddress {
    return { jobDir: this.#jobDir, run: this.#run, token: this.#token, identity: this.#identity, strays: this.#ports.strays }
  }

  close(): void {
    this.#isClosed = true
    this.#wait.end()
    this.#told.close()
    this.#ports.strays.forget(this.#token)
  }

  get #identity(): Identity | null {
    return this.#command?.identity ?? null
  }

  /** Too few descriptors, a directory that was taken away: nothing of that may lose the run, so it is looked again. */
  #look(): void {
    this.#guarded(() => this.#lookNow())
  }

  #guarded(step: () => void): void {
    if (this.#isClosed) return
    try {
      step()
    } catch (error) {
      this.#ports.onTrouble(this.#id, error)
      this.#wait.beginFor(TROUBLE_PAUSE_MS, () => this.#look())
    }
  }

  #lookNow(): void {
    const { phase, command, exit, voidedAtMs } = lookAtRun(this.#jobDir, this.#run, this.#command ?? this.#ports.knownOf(this.#id, this.#run))
    this.#command = command
    if (exit !== null) return this.#exited(exit.outcome, exit.atMs)
    if (phase === 'unclaimed' && !this.#isBegun) return this.#unclaimed()
    if (phase === 'void') return this.#end({ kind: 'not-started' }, voidedAtMs ?? this.#ports.nowMs())
    // Unclaimed, too: it has begun, so somebody has taken its files away.
    if (phase !== 'rebooted') return this.#claimed()
    this.#launched()
    this.#end({ kind: 'unknown', reason: 'the machine was rebooted' }, this.#ports.nowMs())
  }

  #unclaimed(): void {
    if (this.#mayLaunch) return this.#start()
    if (!existsSync(this.#jobDir)) return this.#end({ kind: 'unknown', reason: 'its run files were deleted' }, this.#ports.nowMs())
    const { kind } = renounceRun(this.#jobDir, this.#run, this.#ports.nowMs())
    if (kind === 'withdrawn') this.#end({ kind: 'not-started' }, this.#ports.nowMs())
    else this.#look()
  }

  /** The intent is on disk before the keeper is asked for: from then on the run is known, also to a manager whose snapshot does not speak of it yet. */
  #start(): void {
    this.#launches += 1
    if (this.#launches > MAX_LAUNCHES) return this.#neverStarted({ step: 'keeper', errno: 'ETIMEDOUT' })
    const asked = askForKeeper(
      { ports: this.#ports, id: this.#id, run: this.#run, jobDir: this.#jobDir, token: this.#token },
      {
        assigned: (ports) => this.#assigned(ports),
        launched: () => {
          this.#isBegun = true
        },
        look: () => this.#lookNext(),
        // It may answer to an earlier request, for a process of this id that was removed: asked again before it is believed.
        failed: (failure) => (failure.step === 'keeper' && this.#launches < MAX_LAUNCHES ? this.#lookNext() : this.#neverStarted(failure)),
      },
    )
    this.#wait.begin(asked)
  }

  /** No keeper could be had. */
  #neverStarted(failure: Failure): void {
    this.#wait.end()
    let renounced: Renounced
    try {
      renounced = renounceRun(this.#jobDir, this.#run, this.#ports.nowMs())
    } catch (error) {
      this.#ports.onTrouble(this.#id, error)
      return this.#wait.beginFor(TROUBLE_PAUSE_MS, () => this.#neverStarted(failure))
    }
    if (renounced.kind === 'claimed') return this.#look()
    const { step, errno, detail } = failure
    const why = renounced.kind === 'withdrawn' ? renounced.errno : errno
    this.#end({ kind: 'launch-failed', step, errno: why, ...(detail === undefined ? { path: this.#jobDir } : { detail }) }, this.#ports.nowMs())
  }

  #assigned(ports: Readonly<Record<string, number>>): void {
    if (this.#told.has('run.ports-assigned')) return
    this.#told.tell({ type: 'run.ports-assigned', run: this.#run, ports, atMs: this.#ports.nowMs() })
  }

  #claimed(): void {
    this.#launched()
    const stop = onFifoReleased(this.#jobDir, this.#run, 'alive', () => this.#lookNext())
    if (stop === null) return this.#released()
    if (this.#command === null) return this.#findCommand(stop)
    this.#wait.begin(stop)
  }

  /** A keeper holds the run, but no file names its command: it is about to be written, or somebody has deleted it. */
  #findCommand(stop?: () => void): void {
    if (!this.#isBegun && this.#lookAgainMs < SUSPICIOUS_MS) return this.#lookAgain(stop)
    this.#searchByToken(() => this.#lookAgain(stop), stop)
  }

  /** @param otherwise what to do when nobody has the token: it goes on with what is waited for */
  #searchByToken(otherwise: () => void, stop?: () => void): void {
    const answers = {
      found: (identity: Identity) => {
        this.#isSearched = true
        this.#command = { identity, startedAtMs: this.#ports.nowMs() }
        this.#lookNext()
      },
      nobody: () => {
        this.#isSearched = true
        this.#wait.handOver()
        this.#guarded(otherwise)
      },
      failed: () => this.#wait.beginFor(TROUBLE_PAUSE_MS, () => this.#look(), stop),
    }
    this.#wait.begin(searchByToken(this.#token, answers, (error) => this.#ports.onTrouble(this.#id, error), stop))
  }

  #released(): void {
    if (this.#isClosed) return
    const exit = readExit(this.#jobDir, this.#run)
    if (exit !== null) return this.#exited(exit.outcome, exit.atMs)
    if (hasKeeper(this.#jobDir, this.#run)) return this.#lookAgain()
    this.#keeperGone()
  }

  /** The keeper left without writing down an end: it was killed. Its last write may have come between two looks, so the end is looked for once more. */
  #keeperGone(): void {
    const exit = readExit(this.#jobDir, this.#run)
    if (exit !== null) return this.#exited(exit.outcome, exit.atMs)
    const orphan = orphanOf(this.#address)
    if (orphan === null && !this.#isSearched) return this.#searchByToken(() => this.#strayGone())
    if (orphan === null || !isOrphanAlive(orphan)) return this.#strayGone()
    if (!this.#isKeeperLost) {
      this.#isKeeperLost = true
      this.#ports.strays.track(orphan)
      this.#told.tell({ type: 'run.keeper-lost', run: this.#run, atMs: this.#ports.nowMs() })
    }
    const trouble = (error: unknown) => this.#ports.onTrouble(this.#id, error)
    this.#wait.begin(onOrphanGone(orphan, () => this.#guarded(() => this.#strayGone()), trouble))
  }

  /** Nobody saw the end. What is left of the tree would be in the way of the next run. */
  #strayGone(): void {
    this.#afterStrays(() => this.#end({ kind: 'unknown', reason: whyUnknown(this.#jobDir, this.#run) }, this.#ports.nowMs()))
  }

  #exited(outcome: Outcome, atMs: number): void {
    this.#launched()
    const whileAliveIsHeld = onFifoReleased(this.#jobDir, this.#run, 'alive', () => this.#lookNext())
    // `rest` is made before `alive` is let go: looked for in this order, it cannot be missed. While `alive` is held, it may still come.
    const stop = onFifoReleased(this.#jobDir, this.#run, 'rest', () => this.#guarded(() => this.#treeGone(outcome, atMs)))
    if (stop === null) {
      if (whileAliveIsHeld === null) this.#treeGone(outcome, atMs)
      else this.#wait.begin(whileAliveIsHeld)
      return
    }
    whileAliveIsHeld?.()
    if (!this.#told.has('run.exited')) this.#told.tell({ type: 'run.exited', run: this.#run, outcome, atMs, nowMs: this.#ports.nowMs() })
    this.#wait.begin(stop)
  }

  /** A keeper that finished its work has taken `rest` away; one that was killed over it has left the rest of the tree to us. */
  #treeGone(outcome: Outcome, atMs: number): void {
    if (existsSync(runFile(this.#jobDir, this.#run, 'rest'))) this.#afterStrays(() => this.#end(outcome, atMs))
    else this.#end(outcome, atMs)
  }

  #afterStrays(then: () => void): void {
    const orphan = orphanOf(this.#address)
    if (orphan === null || (!this.#isStopping && intendsToLeave(this.#jobDir, this.#run))) return then()
    this.#wait.begin(this.#ports.strays.kill(orphan, () => this.#guarded(then)))
  }

  #launched(): void {
    if (this.#command === null || this.#told.has('run.launched')) return
    // Launched by an earlier manager, which may not have come to write down the ports.
    const ports = this.#ports.hasPorts(this.#id) ? readIntent(this.#jobDir, this.#run)?.ports : null
    if (ports) this.#assigned(ports)
    this.#told.tell({ type: 'run.launched', run: this.#run, identity: this.#command.identity, atMs: this.#command.startedAtMs })
  }

  #end(outcome: Outcome, atMs: number): void {
    this.#wait.end()
    const end = (conflict: PortConflict | null) =>
      this.#told.tell({ type: 'run.ended', run: this.#run, outcome, atMs, nowMs: this.#ports.nowMs(), ...(conflict === null ? {} : { conflict }) })
    if (this.#isStopping || !mayBeOfConflict(outcome) || !this.#ports.hasPorts(this.#id)) return end(null)
    const found = (conflict: PortConflict | null) => {
      this.#wait.handOver()
      end(conflict)
    }
    this.#wait.begin(onConflictKnown(this.#ports, this.#id, found))
  }

  /** Nobody will tell when there is more to see. @param stop ends what is waited for meanwhile */
  #lookAgain(stop?: () => void): void {
    this.#wait.beginFor(this.#lookAgainMs, () => this.#look(), stop)
    this.#lookAgainMs = Math.min(this.#lookAgainMs * 2, TROUBLE_PAUSE_MS)
  }

  /** What was waited for has come, or is not worth waiting for any more. */
  #lookNext(): void {
    this.#wait.end()
    this.#look()
  }
}
