/** Takes out of records what must not leave the machine. */
import type { LogRecord } from '../record/contract.ts'
import { OWN_KEYS } from '../record/keys.ts'

export const REDACTED = '[redacted]'

/**
 * @returns the same records, what fits a pattern replaced in the message and in all fields of the program, however deep; of a field that fits together with its name,
 * as `password=…` or `"password":"…"`, the whole value. Null: there is nothing to do
 */
export function createRedactor(patterns: readonly RegExp[]): ((record: LogRecord) => LogRecord) | null {
  if (patterns.length === 0) return null
  const all = patterns.map((pattern) => new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`))
  const redactText = (text: string) => all.reduce((left, pattern) => left.replace(pattern, REDACTED), text)
  const redact = (value: unknown): unknown => {
    if (typeof value === 'string') return redactText(value)
    if (typeof value === 'number') return redactNumber(value, redactText)
    if (Array.isArray(value)) return value.map(redact)
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([key, part]) => redactField(key, part))) : value
  }
  const redactField = (key: string, value: unknown): readonly [string, unknown] => {
    const [name, part] = [redactText(key), redact(value)]
    if (typeof part === 'object' || part === '') return [name, part]
    const isWhole = redactText(`${key}=${part}`) === `${name}=${part}` && redactText(`"${key}":${JSON.stringify(part)}`) === `"${name}":${JSON.stringify(part)}`
    return [name, isWhole ? part : REDACTED]
  }
  return (record) => {
    const parts = Object.entries(record).map(([key, value]) => {
      if (key === 'msg') return [key, redactText(record.msg)] as const
      return OWN_KEYS.has(key) ? ([key, value] as const) : redactField(key, value)
    })
    return Object.fromEntries(parts) as LogRecord
  }
}

function redactNumber(value: number, redactText: (text: string) => string): unknown {
  const text = String(value)
  const redacted = redactText(text)
  return redacted === text ? value : redacted
}
