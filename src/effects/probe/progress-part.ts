/** Tells how far the run is, as its output says. */
import type { ProgressSpec } from '../../output.ts'
import { ProgressFollower } from '../progress/follower.ts'
import type { Part, UpRun } from './up-run.ts'

const TROUBLE_PAUSE_MS = 1_000

type Up = Pick<UpRun, 'run' | 'jobDir' | 'tell' | 'after' | 'nowMs' | 'trouble'>

export class ProgressPart implements Part {
  readonly #up: Up
  readonly #spec: ProgressSpec
  #follower: ProgressFollower | undefined
  #stopWaiting: (() => void) | undefined
  #hasBegun = false

  constructor(up: Up, spec: ProgressSpec) {
    this.#up = up
    this.#spec = spec
  }

  review(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    // Later: nothing is told by itself.
    queueMicrotask(() => this.#begin())
  }

  /** The run has ended: what it has printed is read to its end and told, at once. */
  finish(): void {
    this.#hasBegun = true
    try {
      this.#follower ??= this.#create()
      this.#follower.finish()
    } catch (error) {
      this.#up.trouble(error)
    }
  }

  close(): void {
    this.#hasBegun = true
    this.#stopWaiting?.()
    this.#follower?.close()
    this.#follower = undefined
  }

  #begin(): void {
    try {
      this.#follower ??= this.#create()
      this.#follower.begin()
    } catch (error) {
      this.#failed(error)
    }
  }

  #create(): ProgressFollower {
    const { run, jobDir, tell, after, nowMs } = this.#up
    return new ProgressFollower({ jobDir, run }, this.#spec, {
      tell: (progress) => tell({ type: 'run.progressed', run, progress, atMs: progress.atMs }),
      after,
      nowMs,
      failed: (error) => this.#failed(error),
    })
  }

  #failed(error: unknown): void {
    this.#up.trouble(error)
    this.#follower?.close()
    this.#follower = undefined
    this.#stopWaiting = this.#up.after(TROUBLE_PAUSE_MS, () => this.#begin())
  }
}
