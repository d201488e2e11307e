/** From a line to its record. */
import type { LineFormat, LogRecord, Origin, RecordLevel } from './contract.ts'
import { type Fields, parseJsonLine } from './json-line.ts'
import { LEVEL_KEYS, MESSAGE_KEYS, OWN_KEYS, TIME_KEYS } from './keys.ts'
import { toLevel } from './level.ts'
import { parseLogfmtLine } from './logfmt-line.ts'
import { toTime } from './time.ts'

/** Only a whole line is parsed: a piece of one is a text. */
export function toRecord(text: string, origin: Origin, format: LineFormat = 'auto'): LogRecord {
  const fields = format === 'none' || origin.partial === true ? null : parse(text, format)
  return fields === null ? begin(origin, origin.time, null, text) : withFields(origin, fields)
}

function parse(text: string, format: LineFormat): Fields | null {
  return (format === 'logfmt' ? null : parseJsonLine(text)) ?? (format === 'json' ? null : parseLogfmtLine(text))
}

type Writable = { -readonly [Key in keyof LogRecord]: LogRecord[Key] }

/** Written for speed: one object, its keys in their order, and nothing copied twice. */
function withFields(origin: Origin, fields: Fields): LogRecord {
  const timeKey = keyOf(fields, TIME_KEYS)
  const levelKey = keyOf(fields, LEVEL_KEYS)
  const msgKey = keyOf(fields, MESSAGE_KEYS)
  const time = timeKey === null ? null : toTime(fields[timeKey])
  const level = levelKey === null ? null : toLevel(fields[levelKey])
  const record = begin(origin, time ?? origin.time, level, msgKey === null ? '' : toMessage(fields[msgKey]))
  for (const key in fields) {
    if (key === msgKey || (key === timeKey && time !== null) || (key === levelKey && level !== null)) continue
    const value = fields[key]
    if (!OWN_KEYS.has(key)) put(record, key, value)
    else if (key !== 'pid' || value !== origin.pid) put(record, freeName(key, fields), value)
  }
  return record
}

/** Written out: a spread would cost more than all the rest. */
function begin({ seq, id, instance, run, pid, stream, unattended, partial }: Origin, time: string, level: RecordLevel | null, msg: string): Writable {
  const record: Writable = level === null ? { time, seq, id, instance, run, pid, stream, msg } : { time, seq, id, instance, run, pid, stream, level, msg }
  if (unattended === true) record.unattended = true
  if (partial === true) record.partial = true
  return record
}

/** The first of them that a program has given. */
function keyOf(fields: Fields, keys: readonly string[]): string | null {
  for (const key of keys) {
    const value = fields[key]
    if (value !== undefined && value !== null && typeof value !== 'function') return key
  }
  return null
}

function toMessage(given: unknown): string {
  return typeof given === 'string' ? given : JSON.stringify(given)
}

/** Two of a program's fields are never one. */
function freeName(key: string, fields: Fields): string {
  const name = `app_${key}`
  return Object.hasOwn(fields, name) ? freeName(name, fields) : name
}

/** Also what is called `__proto__`. */
function put(record: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(record, key, { value, enumerable: true })
  else record[key] = value
}
