/** Splits a command line in words, by the quoting rules of POSIX (Shell Command Language, 2.2). Nothing is expanded; operators have no meaning. */

const BLANK = /[ \t\r\n]/
/** What a backslash takes the meaning from within double quotes. */
const ESCAPABLE = '$`"\\\n'

/**
 * A reference `${…}` is a part of its word, whatever it holds.
 * Not the package shlex: it takes backslashes away that stand in front of double quotes (`'\\'"x"`), and leaves `\$` as it is.
 * @returns the words, or what is wrong
 */
export function splitCommandLine(line: string): readonly string[] | { readonly problem: string } {
  const words: string[] = []
  let word: string | null = null
  let at = 0
  while (at < line.length) {
    const char = line.charAt(at)
    const end = referenceEnd(line, at)
    if (end > at) {
      word = (word ?? '') + line.slice(at, end)
      at = end
    } else if (BLANK.test(char)) {
      if (word !== null) words.push(word)
      word = null
      at++
    } else if (char === "'" || char === '"') {
      const quoted = char === "'" ? singleQuoted(line, at + 1) : doubleQuoted(line, at + 1)
      if (quoted === null) return { problem: `the quote ${char} at character ${at + 1} is not closed` }
      word = (word ?? '') + quoted.text
      at = quoted.end
    } else if (char === '\\') {
      if (at + 1 === line.length) return { problem: 'there is nothing after the backslash at the end' }
      // A line that is continued.
      if (line.charAt(at + 1) !== '\n') word = (word ?? '') + line.charAt(at + 1)
      at += 2
    } else {
      word = (word ?? '') + char
      at++
    }
  }
  if (word !== null) words.push(word)
  return words
}

interface Quoted {
  readonly text: string
  /** Behind the closing quote. */
  readonly end: number
}

function singleQuoted(line: string, from: number): Quoted | null {
  const end = line.indexOf("'", from)
  return end < 0 ? null : { text: line.slice(from, end), end: end + 1 }
}

function doubleQuoted(line: string, from: number): Quoted | null {
  let text = ''
  let at = from
  while (at < line.length) {
    const char = line.charAt(at)
    const next = line.charAt(at + 1)
    const end = referenceEnd(line, at)
    if (char === '"') return { text, end: at + 1 }
    if (end > at) {
      text += line.slice(at, end)
      at = end
    } else if (char === '\\' && next !== '' && ESCAPABLE.includes(next)) {
      if (next !== '\n') text += next
      at += 2
    } else {
      text += char
      at++
    }
  }
  return null
}

/** @returns behind the reference that begins here; here, when none does */
function referenceEnd(line: string, at: number): number {
  const end = line.startsWith('${', at) ? line.indexOf('}', at) : -1
  return end < 0 ? at : end + 1
}
