/** Many short texts to two streams: few writes, in order, in bounded memory. */
import { type Io, write } from '../io.ts'

type Name = 'stdout' | 'stderr'

const MOST_CHARS = 64 * 1024

export class Printer {
  readonly #io: Pick<Io, Name>
  #texts: { readonly stream: Name; text: string }[] = []
  #chars = 0
  #writing: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | null = null
  #timer: NodeJS.Immediate | null = null

  constructor(io: Pick<Io, Name>) {
    this.#io = io
  }

  /** Written as soon as nothing more comes at once; settles at once unless much waits. @throws what writing has failed with, BrokenPipe too */
  async print(stream: Name, text: string): Promise<void> {
    const last = this.#texts.at(-1)
    if (last?.stream === stream) last.text += text
    else this.#texts.push({ stream, text })
    this.#chars += text.length
    if (this.#chars >= MOST_CHARS) return this.flush()
    this.#timer ??= setImmediate(() => void this.flush().catch(() => undefined))
    if (this.#failure !== null) throw this.#failure.error
  }

  /** Settles once all is written. */
  async flush(): Promise<void> {
    if (this.#timer !== null) clearImmediate(this.#timer)
    this.#timer = null
    const texts = this.#texts
    this.#texts = []
    this.#chars = 0
    this.#writing = this.#writing.then(() => this.#write(texts))
    await this.#writing
    if (this.#failure !== null) throw this.#failure.error
  }

  async #write(texts: readonly { readonly stream: Name; readonly text: string }[]): Promise<void> {
    if (this.#failure !== null) return
    try {
      for (const { stream, text } of texts) await write(this.#io[stream], text)
    } catch (error) {
      this.#failure = { error }
    }
  }
}
