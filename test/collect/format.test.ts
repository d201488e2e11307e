import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonWriter } from '../../src/collect/format/json.ts'
import { lokiBody } from '../../src/collect/format/loki.ts'
import { otlpBody } from '../../src/collect/format/otlp.ts'
import { plainLine } from '../../src/collect/format/plain.ts'
import { syslogMessage } from '../../src/collect/format/syslog.ts'
import type { LogRecord } from '../../src/collect/record/contract.ts'

const record: LogRecord = {
  time: '2026-11-26T17:00:00.123Z',
  seq: 1_795_712_400_123_000,
  id: 'web-1',
  instance: 1,
  run: 2,
  pid: 77,
  stream: 'stdout',
  level: 'warn',
  msg: 'slow\nanswer',
  ms: 12,
  user: { name: 'a b' },
}
const text: LogRecord = { ...(({ level: _, ms: _ms, user: _user, ...rest }) => rest)(record), stream: 'stderr', msg: 'hello' } as LogRecord

describe('plain', () => {
  it('is one line, whatever the message has in it', () => {
    expect(plainLine(record)).toBe('2026-11-26T17:00:00.123Z web-1 stdout WARN slow\\nanswer ms=12 user={"name":"a b"}')
    expect(plainLine(text)).toBe('2026-11-26T17:00:00.123Z web-1 stderr - hello')
  })
})

describe('syslog', () => {
  const header = { facility: 'local0', host: 'my host', appName: null, format: 'plain' } as const

  it('is a message of RFC 5424', () => {
    expect(syslogMessage(record, header)).toBe(
      '<132>1 2026-11-26T17:00:00.123Z my_host web-1 77 stdout [procman@32473 id="web-1" instance="1" run="2" seq="1795712400123000"] slow\\nanswer ms=12 user={"name":"a b"}',
    )
    expect(syslogMessage({ ...text, pid: null, time: '2026-11-26T17:00:00.123456789Z' }, { ...header, facility: 'daemon', appName: 'ä'.repeat(60) })).toBe(
      `<27>1 2026-11-26T17:00:00.123456Z my_host ${'_'.repeat(48)} - stderr [procman@32473 id="web-1" instance="1" run="2" seq="1795712400123000"] hello`,
    )
  })

  it('has the record in it, when json is asked for', () => {
    const message = syslogMessage(record, { ...header, format: 'json' })
    expect(JSON.parse(message.slice(message.indexOf('{')))).toEqual(record)
  })
})

describe('loki', () => {
  it('has a stream for each process, stream and level', () => {
    const { streams } = JSON.parse(lokiBody([record, { ...record, time: '2026-11-26T17:00:00.123456789Z', msg: 'two' }, text], 'plain', { job: 'procman' }))
    expect(streams).toEqual([
      {
        stream: { job: 'procman', id: 'web-1', instance: '1', stream: 'stdout', level: 'warn' },
        values: [
          ['1795712400123000000', 'slow\\nanswer ms=12 user={"name":"a b"}'],
          ['1795712400123456789', 'two ms=12 user={"name":"a b"}'],
        ],
      },
      { stream: { job: 'procman', id: 'web-1', instance: '1', stream: 'stderr' }, values: [['1795712400123000000', 'hello']] },
    ])
  })

  it('has records as lines, when json is asked for', () => {
    const { streams } = JSON.parse(lokiBody([record], 'json', {}))
    expect(JSON.parse(streams[0].values[0][1])).toEqual(record)
  })
})

describe('otlp', () => {
  it('has a resource for each process, and the trace where it belongs', () => {
    const traced = { ...record, trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'short', ratio: 0.5, ok: true, list: [1, null] }
    expect(JSON.parse(otlpBody([traced, text], { 'deployment.environment': 'test' }))).toEqual({
      resourceLogs: [
        {
          resource: {
            attributes: [
              { key: 'service.name', value: { stringValue: 'web-1' } },
              { key: 'service.instance.id', value: { stringValue: '1' } },
              { key: 'process.pid', value: { intValue: '77' } },
              { key: 'deployment.environment', value: { stringValue: 'test' } },
            ],
          },
          scopeLogs: [
            {
              scope: { name: 'procman' },
              logRecords: [
                {
                  timeUnixNano: '1795712400123000000',
                  observedTimeUnixNano: '1795712400123000000',
                  severityNumber: 13,
                  severityText: 'WARN',
                  body: { stringValue: 'slow\nanswer' },
                  attributes: [
                    { key: 'log.iostream', value: { stringValue: 'stdout' } },
                    { key: 'procman.run', value: { intValue: '2' } },
                    { key: 'procman.seq', value: { intValue: '1795712400123000' } },
                    { key: 'span_id', value: { stringValue: 'short' } },
                    { key: 'ms', value: { intValue: '12' } },
                    { key: 'user', value: { kvlistValue: { values: [{ key: 'name', value: { stringValue: 'a b' } }] } } },
                    { key: 'ratio', value: { doubleValue: 0.5 } },
                    { key: 'ok', value: { boolValue: true } },
                    { key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, {}] } } },
                  ],
                  traceId: '0af7651916cd43dd8448eb211c80319c',
                },
                {
                  timeUnixNano: '1795712400123000000',
                  observedTimeUnixNano: '1795712400123000000',
                  body: { stringValue: 'hello' },
                  attributes: [
                    { key: 'log.iostream', value: { stringValue: 'stderr' } },
                    { key: 'procman.run', value: { intValue: '2' } },
                    { key: 'procman.seq', value: { intValue: '1795712400123000' } },
                  ],
                },
              ],
            },
          ],
        },
      ],
    })
  })
})

describe('json', () => {
  it('is what JSON.stringify gives', () => {
    const write = jsonWriter()
    fc.assert(
      fc.property(
        fc.record(
          {
            time: fc.constantFrom('2026-11-26T17:00:00.123Z', '2026-11-26T17:00:00.124Z'),
            seq: fc.integer({ min: 0, max: 2 }),
            id: fc.constantFrom('a', 'b'),
            instance: fc.integer({ min: 1, max: 2 }),
            run: fc.integer({ min: 1, max: 2 }),
            pid: fc.constantFrom(null, 7),
            stream: fc.constantFrom('stdout', 'stderr'),
            level: fc.constantFrom('info', 'warn'),
            msg: fc.string({ unit: 'binary' }),
            unattended: fc.constant(true),
          },
          { requiredKeys: ['time', 'seq', 'id', 'instance', 'run', 'pid', 'stream', 'msg'] },
        ),
        fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
        (ours, fields) => {
          const record = { ...fields, ...ours } as LogRecord
          expect(JSON.parse(write(record))).toEqual(JSON.parse(JSON.stringify(record)))
        },
      ),
    )
  })
})
