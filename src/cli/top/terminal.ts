/** A terminal taken over for a while: another screen, every key as it is pressed, the whole drawn anew each time. Given back whatever happens. */
import type { Readable } from 'node:stream'
import type { Io, OutputStream } from '../io.ts'
import { type Key, parseKeys } from './keys.ts'

/** Another screen, no cursor, lines that are too long are cut. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l'
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l'

type TerminalInput = Readable & { setRawMode(isRaw: boolean): unknown }

export interface Size {
  readonly columns: number
  readonly rows: number
}

export interface TerminalEvents {
  pressed(key: Key): void
  resized(size: Size): void
  /** It was closed. */
  gone(): void
}

export class Terminal {
  readonly #input: TerminalInput
  readonly #output: OutputStream
  readonly #giveBack: (() => void)[] = []
  #drawn: readonly string[] = []
  #isOpen = true

  private constructor(input: TerminalInput, output: OutputStream) {
    this.#input = input
    this.#output = output
  }

  /** @returns null when one of stdin and stdout is no terminal, or one that can only print */
  static open({ stdin, stdout, env }: Pick<Io, 'stdin' | 'stdout' | 'env'>, events: TerminalEvents): Terminal | null {
    if (!isTerminalInput(stdin) || stdout.isTTY !== true || env.TERM === 'dumb') return null
    const terminal = new Terminal(stdin, stdout)
    terminal.#takeOver(events)
    return terminal
  }

  /** One that does not know its size says 0. */
  get size(): Size {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 }
  }

  /** Only lines that differ from those of last time are sent. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return
    const changed = lines.flatMap((line, row) => (line === this.#drawn[row] ? [] : [`\u001b[${row + 1};1H${line}\u001b[0m\u001b[K`]))
    this.#drawn = lines
    if (changed.length > 0) this.#output.write(changed.join(''), () => undefined)
  }

  /** Repeated: nothing. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    for (const giveBack of this.#giveBack) giveBack()
  }

  #takeOver(events: TerminalEvents): void {
    const onData = (data: string) => {
      for (const key of parseKeys(data)) events.pressed(key)
    }
    const onResize = () => {
      this.#drawn = []
      this.#output.write('\u001b[2J', () => undefined)
      events.resized(this.size)
    }
    const onGone = () => events.gone()
    // Also when the program ends by an exception that nobody has caught.
    const onExit = () => this.close()
    this.#input.setEncoding('utf8').on('data', onData).on('end', onGone).on('error', onGone)
    this.#output.on('resize', onResize).on('error', onGone)
    process.on('exit', onExit)
    this.#input.setRawMode(true)
    this.#output.write(ENTER, () => undefined)
    this.#giveBack.push(() => {
      process.off('exit', onExit)
      this.#output.write(LEAVE, () => undefined)
      this.#output.off('resize', onResize)
      this.#input.setRawMode(false)
      this.#input.off('data', onData).pause()
    })
  }
}

function isTerminalInput(stdin: Readable): stdin is TerminalInput {
  return 'isTTY' in stdin && stdin.isTTY === true && 'setRawMode' in stdin
}
