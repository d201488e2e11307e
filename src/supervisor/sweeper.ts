/**
 * Looks at a few things each second, in turn, however many there are. Nothing is known to need it for what happens to processes: events tell that. It is the
 * net below them, and notices what gives no event: a state directory that somebody has deleted.
 */
import { existsSync } from 'node:fs'
import type { ProcessRef } from '../api.ts'
import type { RunWatches } from '../effects/run/run.ts'
import { errnoOf } from '../files.ts'
import type { Layout } from '../persistence/layout.ts'
import type { Tenancy } from './tenancy.ts'

const EVERY_MS = 1_000
const AT_ONCE = 4

export interface SweeperPorts {
  readonly layout: Layout
  readonly tenancy: Tenancy
  readonly watches: RunWatches
  readonly refs: ReadonlyMap<string, ProcessRef>
  /** Its state is to be in a file now. */
  isOnFile(ref: ProcessRef): boolean
  /** Has its state written. */
  keep(ref: ProcessRef): void
  onTrouble(path: string, message: string): void
}

export class Sweeper {
  readonly #ports: SweeperPorts
  #timer: NodeJS.Timeout | undefined
  #round: IterableIterator<ProcessRef> | undefined
  #isAway = false

  constructor(ports: SweeperPorts) {
    this.#ports = ports
  }

  begin(): void {
    this.#timer = setInterval(() => this.#sweep(), EVERY_MS).unref()
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #sweep(): void {
    const { root } = this.#ports.layout
    try {
      if (!this.#ports.tenancy.holds()) return this.#putBack()
      this.#isAway = false
      this.#ports.watches.sweep(AT_ONCE)
      for (let count = 0; count < Math.min(AT_ONCE, this.#ports.refs.size); count++) this.#lookAtStateOf(this.#next())
    } catch (error) {
      this.#ports.onTrouble(root, `${root} cannot be looked at (${errnoOf(error)}); tried again`)
    }
  }

  #next(): ProcessRef | undefined {
    const next = this.#round?.next()
    if (next !== undefined && next.done !== true) return next.value
    this.#round = this.#ports.refs.values()
    return this.#round.next().value
  }

  #lookAtStateOf(ref: ProcessRef | undefined): void {
    if (ref === undefined || !this.#ports.isOnFile(ref)) return
    if (!existsSync(this.#ports.layout.stateFile(ref.id))) this.#ports.keep(ref)
  }

  /** A directory that is only being moved, and comes back by itself, is left to do so. */
  #putBack(): void {
    if (!this.#isAway) {
      this.#isAway = true
      return
    }
    const { root, jobs, lock } = this.#ports.layout
    const isLockAlone = existsSync(jobs)
    if (!this.#ports.tenancy.takeAgain()) return
    this.#isAway = false
    if (isLockAlone) return this.#ports.onTrouble(lock, `${lock} was deleted or replaced under its manager: it has been taken again`)
    this.#ports.onTrouble(root, `${root} was deleted or moved away under its manager: it has been put back with the state of what is known`)
    for (const ref of this.#ports.refs.values()) this.#ports.keep(ref)
  }
}
