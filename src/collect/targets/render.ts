import { plainLine } from '../format/plain.ts'
import type { LogRecord } from '../record/contract.ts'

export function linesOf(records: readonly LogRecord[], format: 'json' | 'plain'): string {
  let text = ''
  for (const record of records) text += `${format === 'json' ? JSON.stringify(record) : plainLine(record)}\n`
  return text
}
