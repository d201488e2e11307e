/** The last line of a terminal, below what is printed: it is always there in whole or not at all, and never wraps. */
import type { OutputStream } from '../io.ts'
import { write } from '../io.ts'

const DRAW_MS = 100
/** Behind what was drawn the cursor goes back to the beginning: whoever else prints takes the place of the line. */
const CLEAR = '\r\u001b[K'
const ERASE = '\u001b[K'

export class StatusLine {
  readonly #terminal: OutputStream
  readonly #render: (columns: number) => string
  /** Null: it is not there. */
  #drawn: string | null = null
  #timer: NodeJS.Timeout | undefined
  #drawnAtMs = Number.NEGATIVE_INFINITY

  /** @param render no wider than so many columns; empty: nothing is drawn */
  constructor(terminal: OutputStream, render: (columns: number) => string) {
    this.#terminal = terminal
    this.#render = render
  }

  /** What it says has changed. */
  changed(): void {
    if (this.#timer !== undefined) return
    const waitMs = this.#drawnAtMs + DRAW_MS - performance.now()
    if (waitMs <= 0) return this.#draw()
    this.#timer = setTimeout(() => this.#draw(), waitMs)
  }

  /** To be called before anything else is printed on the terminal. */
  async hide(): Promise<void> {
    this.#stop()
    if (this.#drawn === null) return
    this.#drawn = null
    await write(this.#terminal, CLEAR)
  }

  /** It stays as it is now, and what follows is printed below it. */
  async leave(): Promise<void> {
    await this.hide()
    const text = this.#text()
    if (text !== '') await write(this.#terminal, `${text}\n`)
  }

  #draw(): void {
    this.#stop()
    const text = this.#text()
    if (text === '' || text === this.#drawn) return
    this.#drawn = text
    this.#drawnAtMs = performance.now()
    this.#terminal.write(`\r${text}${ERASE}\r`, () => undefined)
  }

  /** A terminal wraps when its last column is taken. One that does not know its size says 0. */
  #text(): string {
    return this.#render((this.#terminal.columns || 80) - 1)
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** Where a line can be drawn again and again. */
export function canBeDrawn(stream: OutputStream, env: Readonly<Record<string, string | undefined>>): boolean {
  return stream.isTTY === true && env.TERM !== 'dumb'
}
