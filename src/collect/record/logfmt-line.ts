/** A line of `key=value` and `key="a value"`, and of nothing else. */

import type { Fields } from './json-line.ts'
import { LEVEL_KEYS, MESSAGE_KEYS, TIME_KEYS } from './keys.ts'

const PAIR = /\s*([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?=\s|$)/y
/** By one of these a log is told from other output with equals signs. */
const SIGN = new RegExp(`(?:^|\\s)(?:${[...LEVEL_KEYS, ...TIME_KEYS, ...MESSAGE_KEYS].map((key) => key.replace('.', '\\.')).join('|')})=`)

/** @returns null: it is not one. All values are texts. */
export function parseLogfmtLine(line: string): Fields | null {
  if (!line.includes('=') || !SIGN.test(line)) return null
  const text = line.trimEnd()
  const pairs: [string, string][] = []
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < text.length) {
    const [, key, value = ''] = PAIR.exec(text) ?? []
    if (key === undefined) return null
    pairs.push([key, value.startsWith('"') ? unquoted(value) : value])
  }
  return Object.fromEntries(pairs)
}

function unquoted(value: string): string {
  try {
    return String(JSON.parse(value))
  } catch {
    return value.slice(1, -1)
  }
}
