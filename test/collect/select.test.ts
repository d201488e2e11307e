import { describe, expect, it } from 'vitest'
import type { LogRecord } from '../../src/collect/record/contract.ts'
import { createRedactor } from '../../src/collect/select/redact.ts'
import { createSelector, type SelectorOptions } from '../../src/collect/select/selector.ts'

const web = { id: 'web-1', name: 'web', labels: { tier: 'front', region: 'eu' } }
const db = { id: 'db', name: 'db', labels: {} }

function record(more: Partial<LogRecord> = {}): LogRecord {
  return { time: '2026-11-26T17:00:00.000Z', seq: 1, id: 'web-1', instance: 1, run: 1, pid: 2, stream: 'stdout', msg: 'GET /users 200', ...more }
}

/** Whether the record of the process is taken. */
function takes(options: SelectorOptions, process = web, more: Partial<LogRecord> = {}): boolean {
  return createSelector(options)(process)?.(record(more)) ?? false
}

describe('a target gets', () => {
  it.each<[string, SelectorOptions, boolean]>([
    ['everything', {}, true],
    ['an id', { include: 'web-1' }, true],
    ['a name, with all of its replicas', { include: ['api', 'web'] }, true],
    ['a glob of ids', { include: 'we?-*' }, true],
    ['another id', { include: 'web-2' }, false],
    ['a part of an id', { include: 'eb' }, false],
    ['a label', { include: { labels: { tier: 'front', region: { in: ['eu', 'us'] } } } }, true],
    ['another label', { include: { labels: { tier: 'back' } } }, false],
    ['a stream', { include: { streams: 'stderr' } }, false],
    ['a message', { include: { message: '^GET' } }, true],
    ['one of several messages', { include: { message: ['^POST', / 2\d\d$/g] } }, true],
    ['all of one selector', { include: { ids: 'web', message: '^POST' } }, false],
    ['one of several selectors', { include: [{ message: '^POST' }, 'web'] }, true],
    ['not what is excluded', { include: 'web', exclude: { message: '/users' } }, false],
    ['not a process that is excluded', { exclude: 'web-*' }, false],
    ['what is excluded elsewhere', { exclude: ['db', { streams: 'stderr' }] }, true],
  ])('%s', (_name, options, expected) => {
    expect(takes(options)).toBe(expected)
    expect(takes(options), 'and the next one as well').toBe(expected)
  })

  it('nothing of a process that is none of its own', () => {
    expect(createSelector({ include: 'web' })(db)).toBeNull()
    expect(createSelector({ include: { labels: { tier: { exists: true } } } })(db)).toBeNull()
    expect(createSelector({ exclude: '*' })(db)).toBeNull()
  })

  it('records of a level and above; without one, stderr counts as error and stdout as info', () => {
    expect(takes({ level: 'warn' }, web, { level: 'info' })).toBe(false)
    expect(takes({ level: 'warn' }, web, { level: 'fatal' })).toBe(true)
    expect(takes({ level: 'warn' }, web, { stream: 'stderr' })).toBe(true)
    expect(takes({ level: 'warn' })).toBe(false)
    expect(takes({ level: 'info' })).toBe(true)
  })
})

describe('redaction', () => {
  it('takes what fits out of the message and of all fields, and leaves ours', () => {
    const redact = createRedactor([/tok_\w+/, /\b\d{16}\b/])
    const given = record({ id: 'tok_id', msg: 'tok_a tok_b', auth: { list: ['x tok_c', 4_111_111_111_111_111, 42, null] }, tok_key: 1 })
    expect(redact?.(given)).toEqual(
      record({ id: 'tok_id', msg: '[redacted] [redacted]', auth: { list: ['x [redacted]', '[redacted]', 42, null] }, '[redacted]': 1 }),
    )
  })

  it('takes the whole value of a field that fits together with its name, in logfmt and in JSON', () => {
    const redact = createRedactor([/password=\S+/, /"token": ?"[^"]*"/, /key/])
    const given = record({ password: 'hunter2', pin: 5, deep: { password: 1234, token: 'abc def', list: [{ token: '' }] }, key: 'kept' })
    expect(redact?.(given)).toEqual(
      record({ password: '[redacted]', pin: 5, deep: { password: '[redacted]', token: '[redacted]', list: [{ token: '' }] }, '[redacted]': 'kept' }),
    )
  })

  it('without patterns there is none', () => expect(createRedactor([])).toBeNull())
})
