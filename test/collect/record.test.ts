import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Origin } from '../../src/collect/record/contract.ts'
import { toLevel } from '../../src/collect/record/level.ts'
import { toTime } from '../../src/collect/record/time.ts'
import { toRecord } from '../../src/collect/record/to-record.ts'

const origin: Origin = { time: '2026-11-26T17:00:00.000Z', seq: 1_795_712_400_000_001, id: 'web-2', instance: 2, run: 3, pid: 4711, stream: 'stdout' }

describe('a line', () => {
  it('that is text is the message', () => {
    expect(toRecord('hello world', origin)).toEqual({ ...origin, msg: 'hello world' })
  })

  it.each<[string, string, object]>([
    [
      'pino',
      '{"level":40,"time":1732640000123,"pid":4711,"hostname":"h","msg":"slow","ms":12}',
      { time: '2024-11-26T16:53:20.123Z', level: 'warn', msg: 'slow', hostname: 'h', ms: 12 },
    ],
    [
      'bunyan',
      '{"name":"app","hostname":"h","pid":9,"level":50,"msg":"broken","time":"2024-11-26T16:53:20.123Z","v":0}',
      { time: '2024-11-26T16:53:20.123Z', level: 'error', msg: 'broken', name: 'app', hostname: 'h', app_pid: 9, v: 0 },
    ],
    [
      'zap',
      '{"level":"info","ts":1732640000.5,"caller":"main.go:7","msg":"up"}',
      { time: '2024-11-26T16:53:20.500Z', level: 'info', msg: 'up', caller: 'main.go:7' },
    ],
    [
      'slog',
      '{"time":"2024-11-26T17:53:20.123456789+01:00","level":"WARN+1","msg":"late","user":{"n":1}}',
      { time: '2024-11-26T16:53:20.123Z', level: 'warn', msg: 'late', user: { n: 1 } },
    ],
    [
      'logfmt',
      'time=2024-11-26T16:53:20.123456Z level=error msg="it is \\"so\\"" user=5 empty= url=http://x/?a=b',
      { time: '2024-11-26T16:53:20.123456Z', level: 'error', msg: 'it is "so"', user: '5', empty: '', url: 'http://x/?a=b' },
    ],
    ['JSON of no logger', '{"a":[1,{"b":null}]}', { msg: '', a: [1, { b: null }] }],
  ])('of %s keeps its time, level, message and fields', (_name, line, expected) => {
    expect(toRecord(line, origin)).toEqual({ ...origin, ...expected })
  })

  it('never overwrites what is ours', () => {
    const line = '{"id":"user-1","app_id":"x","seq":1,"run":"r","stream":"s","instance":9,"pid":1,"time":"soon","level":"loud","partial":true,"msg":"m"}'
    expect(toRecord(line, origin)).toEqual({
      ...origin,
      msg: 'm',
      app_id: 'x',
      app_app_id: 'user-1',
      app_seq: 1,
      app_run: 'r',
      app_stream: 's',
      app_instance: 9,
      app_pid: 1,
      app_time: 'soon',
      app_level: 'loud',
      app_partial: true,
    })
  })

  it('has no power over our objects', () => {
    const record = toRecord('{"__proto__":{"polluted":1},"constructor":2,"msg":"m"}', origin)
    expect(record.polluted).toBeUndefined()
    expect(JSON.parse(JSON.stringify(record))).toHaveProperty('constructor', 2)
  })

  it('keeps numbers that JavaScript cannot hold', () => {
    expect(toRecord('{"trace":12345678901234567890,"text":"12345678901234567890 \\" 9999999999999999","small":42,"huge":-1e400}', origin)).toMatchObject({
      trace: '12345678901234567890',
      text: '12345678901234567890 " 9999999999999999',
      small: 42,
      huge: '-1e400',
    })
  })

  it('that is deeper than anybody could write again is text', () => {
    const line = `{"deep":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
    expect(toRecord(line, origin)).toEqual({ ...origin, msg: line })
  })

  it.each(['{"broken":', '[1,2]', 'PATH=/bin HOME=/root', 'user level=3 logged in', 'msg="open', '"text"', '', '=', 'level="a"b', '{}x'])(
    '%j is no structured one',
    (line) => expect(toRecord(line, origin)).toEqual({ ...origin, msg: line }),
  )

  it('is read as it is asked to be', () => {
    expect(toRecord('{"msg":"m"}', origin, 'none').msg).toBe('{"msg":"m"}')
    expect(toRecord('{"msg":"m"}', origin, 'logfmt').msg).toBe('{"msg":"m"}')
    expect(toRecord('msg=m', origin, 'json').msg).toBe('msg=m')
  })

  it('that is a piece of one is text', () => {
    expect(toRecord('{"msg":"m"}', { ...origin, partial: true }).msg).toBe('{"msg":"m"}')
  })

  it('of any kind becomes a record that has all of ours', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
        ),
        (line) => {
          const { time, msg, ...record } = toRecord(line, origin)
          expect(record).toMatchObject({ seq: origin.seq, id: 'web-2', instance: 2, run: 3, pid: 4711, stream: 'stdout' })
          expect(typeof msg).toBe('string')
          expect(Number.isNaN(Date.parse(time))).toBe(false)
        },
      ),
    )
  })
})

describe('a level', () => {
  it.each([
    [10, 'trace'],
    [20, 'debug'],
    [35, 'info'],
    [60, 'fatal'],
    ['30', 'info'],
    [3, 'error'],
    ['Warning', 'warn'],
    ['ERR', 'error'],
    ['DEBUG-4', 'debug'],
    ['dpanic', 'fatal'],
    ['crit', 'fatal'],
    ['loud', null],
    [null, null],
    [-1, null],
    [{}, null],
  ])('%j is %s', (given, level) => expect(toLevel(given)).toBe(level))
})

describe('a time', () => {
  it.each([
    [1_732_640_000, '2024-11-26T16:53:20.000Z'],
    [1_732_640_000_123, '2024-11-26T16:53:20.123Z'],
    [1_732_640_000_123_456, '2024-11-26T16:53:20.123Z'],
    ['1732640000123456789', '2024-11-26T16:53:20.123Z'],
    ['2024-11-26T16:53:20.123456789Z', '2024-11-26T16:53:20.123456789Z'],
    ['2024-11-26T16:53:20+0000', '2024-11-26T16:53:20.000Z'],
    ['2024-11-26 16:53:20,5 UTC', '2024-11-26T16:53:20.500Z'],
    ['2024-13-26T16:53:20.123Z', null],
    [17, null],
    ['12:00', null],
    ['noon', null],
    [Number.POSITIVE_INFINITY, null],
    [true, null],
  ])('%j is %s', (given, time) => expect(toTime(given)).toBe(time))
})
