/** Records for people. */
import type { LogRecord } from '../record/contract.ts'
import { OWN_KEYS } from '../record/keys.ts'

const BREAKS: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\u2028': '\\u2028', '\u2029': '\\u2029' }

/** As `2026-11-26T17:41:45.123Z web-1 stdout INFO listening port=8080`; without a level: `-`. One line each, whatever a message has in it. */
export function plainLine(record: LogRecord): string {
  return `${record.time} ${record.id} ${record.stream} ${record.level?.toUpperCase() ?? '-'} ${plainText(record)}`
}

/** Message and fields of the program. */
export function plainText(record: LogRecord): string {
  const { msg } = record
  let text = msg
  // Only what was parsed has fields: then there are keys behind the message.
  for (const key of Object.keys(record)) if (!OWN_KEYS.has(key)) text += `${text === '' ? '' : ' '}${key}=${fieldText(record[key])}`
  return /[\n\r\u2028\u2029]/.test(text) ? text.replace(/[\n\r\u2028\u2029]/g, (found) => BREAKS[found] ?? found) : text
}

function fieldText(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'null'
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
}
