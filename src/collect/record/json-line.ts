/** A line that is a JSON object. */

export type Fields = Readonly<Record<string, unknown>>

const LONG_NUMBER = /\d{16}/
/** Texts, which stay, and numbers outside of them. */
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** @returns null: it is not one. Whole numbers that JavaScript cannot hold are texts. */
export function parseJsonLine(line: string): Fields | null {
  if (!beginsWithBrace(line)) return null
  try {
    const fields = JSON.parse(line) as Fields // it begins with a brace
    return mayBeInexact(fields) && LONG_NUMBER.test(line) ? (JSON.parse(withTexts(line)) as Fields) : fields
  } catch {
    return null
  }
}

/** Only what is deeper is not looked at here. */
function mayBeInexact(fields: Fields): boolean {
  for (const key in fields) {
    const value = fields[key]
    if (typeof value === 'object' ? value !== null : typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) return true
  }
  return false
}

function beginsWithBrace(line: string): boolean {
  const first = line.charCodeAt(0)
  return first === 123 || (first <= 32 && line.trimStart().startsWith('{'))
}

function withTexts(line: string): string {
  return line.replace(TEXT_OR_NUMBER, (found) => (/^-?\d{16,}$/.test(found) && !Number.isSafeInteger(Number(found)) ? `"${found}"` : found))
}
