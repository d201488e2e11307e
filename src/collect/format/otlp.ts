/** Records as OpenTelemetry takes them: an ExportLogsServiceRequest in JSON, `POST /v1/logs`. */
import type { LogRecord, RecordLevel } from '../record/contract.ts'
import { OWN_KEYS } from '../record/keys.ts'
import { nanosOf } from './nanos.ts'

const SEVERITIES: Readonly<Record<RecordLevel, number>> = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 }

/** @param labels of all resources, beside what tells the process. What a program says of traces in `trace_id` and `span_id` is put where OpenTelemetry has it. */
export function otlpBody(records: readonly LogRecord[], labels: Readonly<Record<string, string>>): string {
  const resources = new Map<string, { readonly first: LogRecord; readonly logRecords: object[] }>()
  for (const record of records) {
    const key = `${record.id} ${record.instance} ${record.pid}`
    const found = resources.get(key)
    if (found === undefined) resources.set(key, { first: record, logRecords: [toLogRecord(record)] })
    else found.logRecords.push(toLogRecord(record))
  }
  const resourceLogs = [...resources.values()].map(({ first, logRecords }) => ({
    resource: { attributes: attributesOf({ 'service.name': first.id, 'service.instance.id': String(first.instance), ...pidOf(first), ...labels }) },
    scopeLogs: [{ scope: { name: 'procman' }, logRecords }],
  }))
  return JSON.stringify({ resourceLogs })
}

function pidOf({ pid }: LogRecord) {
  return pid === null ? {} : { 'process.pid': pid }
}

function toLogRecord(record: LogRecord): object {
  const { trace_id: traceId, span_id: spanId, ...fields } = fieldsOf(record)
  const isTrace = typeof traceId === 'string' && /^[0-9a-f]{32}$/i.test(traceId)
  const isSpan = typeof spanId === 'string' && /^[0-9a-f]{16}$/i.test(spanId)
  return {
    timeUnixNano: nanosOf(record.time),
    observedTimeUnixNano: `${record.seq}000`,
    ...(record.level === undefined ? {} : { severityNumber: SEVERITIES[record.level], severityText: record.level.toUpperCase() }),
    body: { stringValue: record.msg },
    attributes: attributesOf({
      'log.iostream': record.stream,
      'procman.run': record.run,
      'procman.seq': record.seq,
      ...(isTrace ? {} : { trace_id: traceId }),
      ...(isSpan ? {} : { span_id: spanId }),
      ...fields,
    }),
    ...(isTrace ? { traceId } : {}),
    ...(isSpan ? { spanId } : {}),
  }
}

function fieldsOf(record: LogRecord): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !OWN_KEYS.has(key)))
}

function attributesOf(values: Readonly<Record<string, unknown>>): readonly object[] {
  return Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: toAnyValue(value) }]))
}

/** As protobuf's JSON has it: a whole number is a text. */
function toAnyValue(value: unknown): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(toAnyValue) } }
  return typeof value === 'object' && value !== null ? { kvlistValue: { values: attributesOf(value as Readonly<Record<string, unknown>>) } } : {}
}
