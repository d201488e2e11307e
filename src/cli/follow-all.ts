/** The output of many processes, each line after the name of its process. New processes are followed when they come, and each through all of its runs. */
import type { LogLine, Supervisor } from '../api.ts'
import type { ProcessRecord } from '../index.ts'
import { callAfter } from '../timers.ts'
import { BrokenPipe } from './io.ts'
import type { Print } from './output.ts'

/** Of a run that was not seen from its beginning, at most so many lines are looked through. */
const CATCH_UP_LINES = 10_000

export interface FollowPorts {
  readonly source: Pick<Supervisor, 'table' | 'watch'>
  /** Which processes are followed. */
  readonly isWanted: (record: ProcessRecord) => boolean
  readonly print: { readonly stdout: Print; readonly stderr: Print }
  /** What comes before a line. */
  readonly prefix: (id: string) => string
  /** At the end: for what was printed by then, in ms. */
  readonly patienceMs: number
  /** What could not be followed. */
  readonly onTrouble: (id: string, error: unknown) => void
}

/**
 * Begins at once: what is up is followed from now on, what starts later from its beginning.
 * @returns ends it: what has ended is printed to its last word, as long as there is patience for that, of what is up no more is printed
 */
export function followAll(ports: FollowPorts): () => Promise<void> {
  const ending = new AbortController()
  const giveUp = new AbortController()
  const followed = new Map<string, Promise<void>>()
  let isBegin = true
  const look = () => {
    for (const [id, atom] of ports.source.table.getSnapshot().context.processes) {
      if (followed.has(id) || !ports.isWanted(atom.get())) continue
      const following = new Follower(ports, id, ending.signal, giveUp.signal)
        .run(isBegin)
        .catch((error: unknown) => ports.onTrouble(id, error))
        .finally(() => followed.delete(id))
      followed.set(id, following)
    }
  }
  const subscription = ports.source.table.subscribe(look)
  look()
  isBegin = false
  return async () => {
    subscription.unsubscribe()
    ending.abort()
    const stopTimer = callAfter(ports.patienceMs, () => giveUp.abort())
    await Promise.race([Promise.all(followed.values()), aborted(giveUp.signal)])
    stopTimer()
  }
}

/** Follows one process through all of its runs. */
class Follower {
  readonly #ports: FollowPorts
  readonly #id: string
  /** No further run is waited for. */
  readonly #ending: AbortSignal
  /** Nothing more is printed. */
  readonly #giveUp: AbortSignal

  constructor(ports: FollowPorts, id: string, ending: AbortSignal, giveUp: AbortSignal) {
    this.#ports = ports
    this.#id = id
    this.#ending = ending
    this.#giveUp = giveUp
  }

  /** @param wasThere what is up is shown from now on, what is not up from its next run on; else all is shown */
  async run(wasThere: boolean): Promise<void> {
    let record = this.#record()
    const createdAt = record?.created_at
    let tail = wasThere ? 0 : CATCH_UP_LINES
    let seenRun = record === null || !wasThere ? 0 : isUp(record) ? record.run - 1 : record.run
    while (record !== null && record.created_at === createdAt) {
      if (record.run > seenRun) {
        await this.#copyLines(seenRun, tail)
        seenRun = Math.max(seenRun, this.#record()?.run ?? 0)
      }
      tail = CATCH_UP_LINES
      record = await this.#nextRun(seenRun)
    }
  }

  /** Until the process has settled. */
  async #copyLines(afterRun: number, tail: number): Promise<void> {
    const { source, print, prefix } = this.#ports
    const reading = new AbortController()
    const leave = () => reading.abort()
    const leaveIfUp = () => {
      const record = this.#record()
      if (record !== null && isUp(record)) leave()
    }
    this.#giveUp.addEventListener('abort', leave, { once: true })
    this.#ending.addEventListener('abort', leaveIfUp, { once: true })
    if (this.#ending.aborted) leaveIfUp()
    try {
      for await (const line of source.watch(this.#id, { tail, signal: reading.signal }) as AsyncIterable<LogLine>) {
        if (line.run > afterRun) await print[line.stream](`${prefix(this.#id)}${line.text}\n`)
      }
    } catch (error) {
      if (!(error instanceof BrokenPipe) && !reading.signal.aborted) throw error
    } finally {
      this.#giveUp.removeEventListener('abort', leave)
      this.#ending.removeEventListener('abort', leaveIfUp)
    }
  }

  /** Resolves with the record once a later run has begun; null: it is removed, or nobody wants to know any more. */
  #nextRun(seenRun: number): Promise<ProcessRecord | null> {
    const { table } = this.#ports.source
    return new Promise((resolve) => {
      const atom = table.getSnapshot().context.processes.get(this.#id)
      if (atom === undefined || this.#ending.aborted) return resolve(null)
      const done = (record: ProcessRecord | null) => {
        for (const subscription of subscriptions) subscription.unsubscribe()
        this.#ending.removeEventListener('abort', onEnding)
        resolve(record)
      }
      const onEnding = () => done(null)
      const look = () => {
        const record = atom.get()
        if (table.getSnapshot().context.processes.get(this.#id) !== atom) done(null)
        else if (record.run > seenRun) done(record)
      }
      const subscriptions = [atom.subscribe(look), table.subscribe(look)]
      this.#ending.addEventListener('abort', onEnding, { once: true })
      look()
    })
  }

  #record(): ProcessRecord | null {
    return this.#ports.source.table.getSnapshot().context.processes.get(this.#id)?.get() ?? null
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function isUp({ state }: ProcessRecord): boolean {
  return state === 'starting' || state === 'running' || state === 'unhealthy' || state === 'stopping'
}
