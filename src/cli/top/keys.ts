/** Keys of a terminal, from the bytes that it sends for them. */

/** A character that was typed, or the name of a key. */
export type Key = string

const NAMED: Readonly<Record<string, Key>> = {
  '\u0003': 'ctrl-c',
  '\r': 'enter',
  '\n': 'enter',
  '\u001b': 'escape',
  '\u001b[A': 'up',
  '\u001bOA': 'up',
  '\u001b[B': 'down',
  '\u001bOB': 'down',
  '\u001b[5~': 'page-up',
  '\u001b[6~': 'page-down',
  '\u001b[H': 'home',
  '\u001bOH': 'home',
  '\u001b[1~': 'home',
  '\u001b[F': 'end',
  '\u001bOF': 'end',
  '\u001b[4~': 'end',
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const SEQUENCE = /\u001b(?:\[[0-9;?]*[A-Za-z~]|O[A-Za-z])|[\s\S]/gu

/** @param data what came at once: a sequence comes whole, and what is none is a key for each character */
export function parseKeys(data: string): readonly Key[] {
  return [...data.matchAll(SEQUENCE)].map(([sequence]) => NAMED[sequence] ?? sequence)
}
