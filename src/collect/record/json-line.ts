/** A line that is a JSON object. */

export type Fields = Readonly<Record<string, unknown>>

const LONG_NUMBER = /\d{16}|[eE]\+?\d{3}/
/** What is deeper cannot be written as JSON again, and is no log. */
const DEEPEST = 100
/** Texts, which stay, and numbers outside of them. */
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** @returns null: it is not one, or more than 100 levels deep. Numbers that JavaScript cannot hold, as whole ones beyond 2⁵³, are texts. */
export function parseJsonLine(line: string): Fields | null {
  if (!beginsWithBrace(line)) return null
  try {
    const fields = JSON.parse(line) as Fields // it begins with a brace
    const look = lookInto(fields)
    if (look === 'deep') return null
    return look === 'inexact' && LONG_NUMBER.test(line) ? (JSON.parse(withTexts(line)) as Fields) : fields
  } catch {
    return null
  }
}

/** Whether numbers in it may not be what was written. Of what is not flat that is not looked at here. */
function lookInto(fields: Fields): 'exact' | 'inexact' | 'deep' {
  let found: 'exact' | 'inexact' = 'exact'
  for (const key in fields) {
    const value = fields[key]
    if (typeof value === 'object' && value !== null) {
      if (isTooDeep(value, DEEPEST - 1)) return 'deep'
      found = 'inexact'
    } else if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) found = 'inexact'
  }
  return found
}

function isTooDeep(value: object, levels: number): boolean {
  if (levels === 0) return true
  for (const part of Array.isArray(value) ? value : Object.values(value))
    if (typeof part === 'object' && part !== null && isTooDeep(part, levels - 1)) return true
  return false
}

function beginsWithBrace(line: string): boolean {
  const first = line.charCodeAt(0)
  return first === 123 || (first <= 32 && line.trimStart().startsWith('{'))
}

function withTexts(line: string): string {
  return line.replace(TEXT_OR_NUMBER, (found) => (isText(found) || isHeld(found) ? found : `"${found}"`))
}

function isText(found: string): boolean {
  return found.startsWith('"')
}

function isHeld(number: string): boolean {
  const value = Number(number)
  return /^-?\d{16,}$/.test(number) ? Number.isSafeInteger(value) : Number.isFinite(value)
}
