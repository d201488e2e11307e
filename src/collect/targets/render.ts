import { jsonWriter } from '../format/json.ts'
import { plainLine } from '../format/plain.ts'
import type { LogRecord } from '../record/contract.ts'

export function linesOf(records: readonly LogRecord[], format: 'json' | 'plain'): string {
  const write = format === 'json' ? jsonWriter() : plainLine
  let text = ''
  for (const record of records) text += `${write(record)}\n`
  return text
}
