/** Writing to stdin of a process of a manager in another program. */
import { Buffer } from 'node:buffer'
import { mustBeData } from '../../arguments.ts'

/** Sent at a time, so that no request is too large. */
const PIECE_BYTES = 256 * 1024

type Tell = (id: string, body: object) => Promise<unknown>

export class RemoteStdin {
  readonly #tell: Tell
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(tell: Tell) {
    this.#tell = tell
  }

  async write(id: string, data: string | Uint8Array): Promise<void> {
    mustBeData(data)
    const bytes = Buffer.from(data as Uint8Array)
    await this.#inTurn(id, async () => {
      for (let from = 0; from === 0 || from < bytes.length; from += PIECE_BYTES)
        await this.#tell(id, { data: bytes.toString('base64', from, Math.min(from + PIECE_BYTES, bytes.length)), encoding: 'base64' })
    })
  }

  async close(id: string): Promise<void> {
    await this.#inTurn(id, () => this.#tell(id, { close: true }))
  }

  /** Pieces of one write are not mixed with those of another. */
  async #inTurn(id: string, act: () => Promise<unknown>): Promise<void> {
    const turn = (this.#turns.get(id) ?? Promise.resolve()).then(act, act)
    this.#turns.set(id, turn)
    try {
      await turn
    } finally {
      if (this.#turns.get(id) === turn) this.#turns.delete(id)
    }
  }
}
