/** What is known of the processes whose output is collected. */
import type { LogLine, Supervisor } from '../api.ts'
import { pidOfRun } from '../logs.ts'
import type { ProcessRecord } from '../process.ts'
import type { Origin } from './record/contract.ts'
import type { Selectable } from './select/selector.ts'

export interface Collected extends Selectable {
  /** Tells it apart from another one that had its id before. */
  readonly born: string
  readonly instance: number
  readonly run: number
  /** Nothing will be written any more until it is started again. */
  readonly isOver: boolean
}

const OVER: readonly ProcessRecord['state'][] = ['exited', 'orphaned', 'pending']

/** @returns null: it is not there any more */
export function lookAt(supervisor: Pick<Supervisor, 'table'>, id: string): Collected | null {
  const record = supervisor.table.getSnapshot().context.processes.get(id)?.get()
  if (record === undefined) return null
  const { labels, env, created_at: born, state, run } = record
  const replica = Number(env.PROCMAN_REPLICA)
  const isReplica = replica >= 1 && id.endsWith(`-${replica}`)
  const name = isReplica ? id.slice(0, -String(replica).length - 1) : id
  return { id, name, labels, born, instance: isReplica ? replica : 1, run, isOver: OVER.includes(state) }
}

/** Makes the origins of lines. */
export class Origins {
  readonly #stateDir: string
  readonly #pids = new Map<string, { readonly run: number; readonly pid: number | null }>()
  #lastSeq = 0

  constructor(stateDir: string) {
    this.#stateDir = stateDir
  }

  /** @returns for one process, one line after the other */
  of({ id, instance }: Collected): (line: LogLine) => Origin {
    let last: { readonly line: LogLine; readonly origin: Origin } | null = null
    return (line) => {
      // Most lines came with the one before.
      if (last !== null && isLike(last.line, line)) return last.origin
      const { run, stream, at = Date.now(), seq = this.#nextSeq(), unattended, partial } = line
      const origin: Origin = {
        time: new Date(at).toISOString(),
        seq,
        id,
        instance,
        run,
        pid: this.#pidOf(id, run),
        stream,
        ...(unattended === true ? { unattended } : {}),
        ...(partial === true ? { partial } : {}),
      }
      last = { line, origin }
      return origin
    }
  }

  forget(id: string): void {
    this.#pids.delete(id)
  }

  /** Of what nobody has written down the arrival of. */
  #nextSeq(): number {
    this.#lastSeq = Math.max(this.#lastSeq + 1, Date.now() * 1_000)
    return this.#lastSeq
  }

  #pidOf(id: string, run: number): number | null {
    const known = this.#pids.get(id)
    if (known?.run === run) return known.pid
    const pid = pidOfRun(this.#stateDir, id, run)
    this.#pids.set(id, { run, pid })
    return pid
  }
}

function isLike(one: LogLine, other: LogLine): boolean {
  return (
    one.seq === other.seq &&
    one.at === other.at &&
    one.run === other.run &&
    one.stream === other.stream &&
    one.partial === other.partial &&
    one.unattended === other.unattended
  )
}
