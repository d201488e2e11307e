/** The stream of events of a manager, opened again whenever it breaks: told on to the mirror. */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventSourceMessage } from 'eventsource-parser'
import { ProcmanError } from '../../errors.ts'
import type { StreamEvent } from '../wire.ts'
import type { Link } from './link.ts'
import { eventsIn } from './sse.ts'

const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 1_000
/** A manager that is being restarted is back by then; one that is away for longer is lost to those who wait for something. */
export const AWAY_MS = 10_000

export interface ConnectionListener {
  event(event: StreamEvent, id: string | undefined): void
  /** The stream has broken, and has not come back for a while. */
  lost(): void
}

export class Connection {
  isUp = false
  readonly #link: Link
  readonly #listener: ConnectionListener
  readonly #closed = new AbortController()
  #lost = manyListeners()
  #lastId: string | null = null
  #awayTimer: NodeJS.Timeout | undefined

  constructor(link: Link, listener: ConnectionListener) {
    this.#link = link
    this.#listener = listener
  }

  /** Settles with the first picture; then it goes on by itself. @throws what stands in the way of it */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      let isOpen = false
      const ready = () => {
        isOpen = true
        resolve()
      }
      const over = (error: unknown) => (isOpen ? void this.#goOn() : reject(error))
      void this.#stream(ready).then(() => over(cutOff('it has closed at once')), over)
    })
  }

  /** Aborted when the stream has broken and has not come back for a while: what was asked will not be answered any more. Another one when it is back. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  close(): void {
    this.#closed.abort()
    clearTimeout(this.#awayTimer)
    this.isUp = false
  }

  async #goOn(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !this.#closed.signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      this.#breakOff()
      await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal: this.#closed.signal }).catch(() => {})
      const isBack = () => {
        pauseMs = FIRST_PAUSE_MS
      }
      await this.#stream(isBack).catch(() => {})
    }
  }

  /** Settles when the stream ends. */
  async #stream(ready: () => void): Promise<void> {
    const giveUp = new AbortController()
    const signal = AbortSignal.any([giveUp.signal, this.#closed.signal])
    const body = await this.#link.stream('/v1/events?snapshots=true', this.#lastId, signal)
    let isFirst = true
    for await (const { event, data, id } of eventsIn(body, () => giveUp.abort())) {
      if (this.#closed.signal.aborted) return
      if (isFirst) this.#isBack()
      this.#tell({ event, data, id })
      if (id !== undefined) this.#lastId = id
      if (isFirst) ready()
      isFirst = false
    }
  }

  /** @throws PROCMAN_MANAGER_UNREACHABLE for what a much newer manager may tell */
  #tell({ event, data, id }: EventSourceMessage): void {
    try {
      this.#listener.event({ name: event, data: JSON.parse(data) } as StreamEvent, id)
    } catch (error) {
      throw cutOff(`it tells what this client does not understand: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  #isBack(): void {
    this.isUp = true
    if (this.#lost.signal.aborted) this.#lost = manyListeners()
    clearTimeout(this.#awayTimer)
    this.#awayTimer = undefined
  }

  #breakOff(): void {
    this.isUp = false
    if (this.#closed.signal.aborted) return
    this.#awayTimer ??= setTimeout(() => this.#isLost(), AWAY_MS).unref()
  }

  #isLost(): void {
    this.#lost.abort(new Error(`it has not been heard of for more than ${AWAY_MS / 1_000} s`))
    this.#listener.lost()
  }
}

/** Each request that is under way listens: many at a time are no leak. */
function manyListeners(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

function cutOff(why: string): ProcmanError {
  return new ProcmanError('PROCMAN_MANAGER_UNREACHABLE', `the manager cannot be followed: ${why}`)
}
