/** Text that came from elsewhere, made safe to print on a terminal and in a table. */
import { escapeControls } from '../../escape.ts'

export { escapeControls }

/** Takes two columns: East Asian and emoji, near enough. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
const PLAIN_WORD = /^[\w@%+=:,./~^-]+$/

/** A command as one would type it in a shell; control characters as in `$'…'`. */
export function renderCommand(command: string, args: readonly string[]): string {
  return [command, ...args].map(quoteWord).join(' ')
}

export function renderPairs(pairs: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(pairs)
    .map(([name, value]) => quoteWord(`${name}=${value}`))
    .join(' ')
}

export function orDash(text: string): string {
  return text === '' ? '-' : text
}

/** Cut to so many columns of a terminal, with an ellipsis where something was cut. */
export function truncate(text: string, width: number): string {
  let used = 0
  let fitting = 0
  for (const char of text) {
    used += WIDE.test(char) ? 2 : 1
    if (used <= width - 1) fitting += char.length
    if (used > width) return `${text.slice(0, fitting)}…`
  }
  return text
}

function quoteWord(word: string): string {
  if (PLAIN_WORD.test(word)) return word
  const escaped = escapeControls(word)
  if (escaped === word) return `'${word.replaceAll("'", "'\\''")}'`
  return `$'${escapeControls(word.replaceAll('\\', '\\\\').replaceAll("'", "\\'"))}'`
}
