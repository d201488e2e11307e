/** Readers of the logs of a manager in another program. */
import type { WatchOptions } from '../../api.ts'
import { LogAttachment } from '../../logs.ts'
import type { Link } from './link.ts'
import { RemoteChunks } from './remote-chunks.ts'

export class RemoteLogs {
  readonly #link: Link
  readonly #ended: AbortSignal
  /** Those that are to begin where the logs are now: what is asked after them must not come before. */
  readonly #opening = new Set<Promise<unknown>>()

  /** @param ended aborted when the client is closed: they end */
  constructor(link: Link, ended: AbortSignal) {
    this.#link = link
    this.#ended = ended
  }

  attach(id: string, options: WatchOptions): LogAttachment {
    const signal = options.signal === undefined ? this.#ended : AbortSignal.any([options.signal, this.#ended])
    const chunks = new RemoteChunks(this.#link, id, { ...options, signal })
    const { opened } = chunks
    this.#opening.add(opened)
    void opened.then(() => this.#opening.delete(opened))
    return new LogAttachment(chunks)
  }

  /** Settles when all that were asked for until now have begun. */
  async opened(): Promise<void> {
    if (this.#opening.size > 0) await Promise.all(this.#opening)
  }
}
