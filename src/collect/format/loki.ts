/** Records as Grafana Loki takes them: `POST /loki/api/v1/push`. */
import type { LogRecord } from '../record/contract.ts'
import { nanosOf } from './nanos.ts'
import { plainText } from './plain.ts'

/** @param labels of all streams, beside id, instance, stream and level */
export function lokiBody(records: readonly LogRecord[], format: 'json' | 'plain', labels: Readonly<Record<string, string>>): string {
  const streams = new Map<string, { readonly stream: Readonly<Record<string, string>>; readonly values: [time: string, line: string][] }>()
  for (const record of records) {
    const { id, instance, stream, level } = record
    const key = `${id} ${instance} ${stream} ${level}`
    let found = streams.get(key)
    if (found === undefined) {
      found = { stream: { ...labels, id, instance: String(instance), stream, ...(level === undefined ? {} : { level }) }, values: [] }
      streams.set(key, found)
    }
    found.values.push([nanosOf(record.time), format === 'json' ? JSON.stringify(record) : plainText(record)])
  }
  return JSON.stringify({ streams: [...streams.values()] })
}
