/** Output as lines for recognisers: without colours, and whatever sends the cursor elsewhere ends a line as `\n` and `\r` do. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const MOVES = /\u001b\[[\d;?]*[ABEFGHfdsu]|\u001b[78]|[\b\f\v]+/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const OTHERS = /\u001b(?:\[[\d;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()][A-Z0-9]|[=>A-Z])/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const BEGUN = /\u001b(?:\[[\d;?]*|\][^\u0007\u001b]{0,200})?$/
/** No bar is longer, in UTF-16 characters. */
const LONGEST = 2_000

/** A line and whether it was ended so that the next one takes its place on a terminal. */
export interface OutputLine {
  readonly text: string
  readonly isReplaced: boolean
}

export class OutputLines {
  #held = ''

  /** What has come of a line that has not ended. */
  get rest(): string {
    return plain(this.#held.replace(BEGUN, ''))
  }

  write(text: string): readonly OutputLine[] {
    const parts = (this.#held + text).replace(MOVES, '\r').split(/(\r?\n|\r)/)
    const rest = parts.at(-1) ?? ''
    const lines: OutputLine[] = []
    for (let at = 0; at + 1 < parts.length; at += 2) {
      const line = plain(parts[at] ?? '')
      if (line.trim() !== '') lines.push({ text: line.slice(0, LONGEST), isReplaced: parts[at + 1] === '\r' })
    }
    // Of one that is too long the beginning is enough to see that it is no bar.
    this.#held = rest.length > LONGEST ? rest.slice(0, LONGEST) : rest
    return lines
  }
}

function plain(text: string): string {
  return text.replace(OTHERS, '')
}
