/** Takes out of records what must not leave the machine. */
import type { LogRecord } from '../record/contract.ts'
import { OWN_KEYS } from '../record/keys.ts'

export const REDACTED = '[redacted]'

/** @returns the same records, what fits a pattern replaced in the message and in all fields of the program, however deep; null: there is nothing to do */
export function createRedactor(patterns: readonly RegExp[]): ((record: LogRecord) => LogRecord) | null {
  if (patterns.length === 0) return null
  const all = patterns.map((pattern) => new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`))
  const redactText = (text: string) => all.reduce((left, pattern) => left.replace(pattern, REDACTED), text)
  const redact = (value: unknown): unknown => {
    if (typeof value === 'string') return redactText(value)
    if (typeof value === 'number') return redactNumber(value, redactText)
    if (Array.isArray(value)) return value.map(redact)
    return typeof value === 'object' && value !== null ? redactObject(value, redactText, redact) : value
  }
  return (record) => {
    const parts = Object.entries(record).map(([key, value]) => {
      if (key === 'msg') return [key, redactText(record.msg)] as const
      return OWN_KEYS.has(key) ? ([key, value] as const) : ([redactText(key), redact(value)] as const)
    })
    return Object.fromEntries(parts) as LogRecord
  }
}

function redactNumber(value: number, redactText: (text: string) => string): unknown {
  const text = String(value)
  const redacted = redactText(text)
  return redacted === text ? value : redacted
}

function redactObject(value: object, redactText: (text: string) => string, redact: (value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [redactText(key), redact(part)]))
}
