/** Text that came from elsewhere, made safe to print on a terminal and in a table. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
const PLAIN_WORD = /^[\w@%+=:,./~^-]+$/

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Control characters, which could move the cursor or forge a line, become visible escapes. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A command as one would type it in a shell; control characters as in `$'…'`. */
export function renderCommand(command: string, args: readonly string[]): string {
  return [command, ...args].map(quoteWord).join(' ')
}

export function renderPairs(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([name, value]) => quoteWord(`${name}=${value}`))
    .join(' ')
}

/** Cut to so many columns of a terminal, with an ellipsis where something was cut. */
export function truncate(text: string, width: number): string {
  if (text.length * 2 <= width) return text
  let used = 0
  let kept = ''
  for (const char of text) {
    const next = used + (WIDE.test(char) ? 2 : 1)
    if (next > width) return `${kept.slice(0, lastFitting(kept, width))}…`
    used = next
    kept += char
  }
  return text
}

function quoteWord(word: string): string {
  if (PLAIN_WORD.test(word)) return word
  const escaped = escapeControls(word)
  if (escaped === word) return `'${word.replaceAll("'", "'\\''")}'`
  return `$'${escapeControls(word.replaceAll('\\', '\\\\').replaceAll("'", "\\'"))}'`
}
