/** Output as lines for recognisers: without colours, and whatever sends the cursor elsewhere ends a line as `\n` and `\r` do. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const ENDS = /(\r?\n|\r|\u001b\[[\d;?]*[ABEFGHfdsu]|\u001b[78]|[\b\f\v]+)/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const OTHERS = /\u001b(?:\[[\d;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()][A-Z0-9]|[=>A-Z])/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const BEGUN = /\u001b(?:\[[\d;?]*|\][^\u0007\u001b]{0,200})?$/
/** No bar is longer, in UTF-16 characters: of what is, the beginning is enough to see that. */
const LONGEST = 2_000

export interface OutputLine {
  readonly text: string
  /** As it came, with its end. */
  readonly raw: string
  /** It was ended so that the next one takes its place on a terminal. */
  readonly isReplaced: boolean
}

export class OutputLines {
  readonly #isWhole: boolean
  #held = ''

  /** @param keep of a line that does not end for long: all of it, as for copying it, or its beginning */
  constructor(keep: 'all' | 'beginnings' = 'beginnings') {
    this.#isWhole = keep === 'all'
  }

  /** What has come of a line that has not ended. */
  get rest(): string {
    return plain(this.#held.slice(0, LONGEST).replace(BEGUN, ''))
  }

  /** Ends the line that has begun. @returns it as it came */
  takeRest(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }

  /** The lines that have ended, empty ones too. */
  write(text: string): readonly OutputLine[] {
    const parts = (this.#held + text).split(ENDS)
    const lines: OutputLine[] = []
    for (let at = 0; at + 1 < parts.length; at += 2) {
      const [line = '', end = ''] = [parts[at], parts[at + 1]]
      lines.push({ text: plain(line).slice(0, LONGEST), raw: line + end, isReplaced: !end.endsWith('\n') })
    }
    const rest = parts.at(-1) ?? ''
    this.#held = this.#isWhole ? rest : rest.slice(0, LONGEST)
    return lines
  }
}

function plain(text: string): string {
  return text.replace(OTHERS, '')
}
