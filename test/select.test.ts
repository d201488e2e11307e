import { describe, expect, it } from 'vitest'
import type { ListFilter } from '../src/api.ts'
import { isProcmanError } from '../src/errors.ts'
import { toRecord } from '../src/machines/process/record.ts'
import { resolveId, selectRecords } from '../src/select.ts'
import { aContext, aSpec, code } from './machines/fixtures.ts'

describe('the id that is meant', () => {
  const ids = ['web', 'web-1', 'web-2', 'worker', 'db']
  const resolve = (given: string, all = ids) =>
    resolveId(
      given,
      (id) => all.includes(id),
      () => all,
    )

  it.each([
    ['web', 'web'],
    ['web-1', 'web-1'],
    ['wo', 'worker'],
    ['d', 'db'],
  ])('%s is %s', (given, id) => {
    expect(resolve(given)).toBe(id)
  })

  it.each(['x', '', 'web-1x', 'eb', 'WEB', '__proto__'])('%j is none', (given) => {
    expect(() => resolve(given)).toThrow(expect.objectContaining({ code: 'PROCMAN_PROCESS_UNKNOWN', details: { id: given } }))
  })

  it.each([
    ['w', '"w" fits 4 processes (web, web-1, web-2, worker): give more of the id'],
    ['web-', '"web-" fits 2 processes (web-1, web-2): give more of the id'],
  ])('%s is ambiguous, and those it fits are named', (given, message) => {
    expect(() => resolve(given)).toThrow(expect.objectContaining({ code: 'PROCMAN_PROCESS_AMBIGUOUS', message }))
  })

  it('names five at most', () => {
    const many = Array.from({ length: 9 }, (_, n) => `job${n}`)
    try {
      resolve('job', many)
      expect.unreachable()
    } catch (error) {
      if (!isProcmanError(error)) throw error
      expect(error.message).toBe('"job" fits 9 processes (job0, job1, job2, job3, job4, …): give more of the id')
      expect(error.details.fitting).toEqual(many)
    }
  })
})

describe('the processes that fit', () => {
  const record = (id: string, labels: Record<string, string>, isDone = false) =>
    toRecord(isDone ? 'exited' : 'running', aContext({ spec: aSpec({ id, labels }), outcome: isDone ? code(0) : null }))
  const records = [record('a', { type: 'job', team: 'x' }), record('b', { type: 'job' }, true), record('c', { type: 'service', team: '' }), record('d', {})]

  it.each<[string, ListFilter | undefined, string]>([
    ['no filter', undefined, 'abcd'],
    ['an empty filter', {}, 'abcd'],
    ['one status', { status: 'running' }, 'acd'],
    ['several', { status: ['completed', 'failed'] }, 'b'],
    ['none of them', { status: [] }, ''],
    ['a label', { labels: { type: 'job' } }, 'ab'],
    ['two labels: both must match', { labels: { type: 'job', team: 'x' } }, 'a'],
    ['an empty value is a value', { labels: { team: '' } }, 'c'],
    ['one of several', { labels: { type: { in: ['job', 'cron'] } } }, 'ab'],
    ['one of none', { labels: { type: { in: [] } } }, ''],
    ['there at all', { labels: { team: { exists: true } } }, 'ac'],
    ['not there', { labels: { team: { exists: false } } }, 'bd'],
    ['status and label', { status: 'running', labels: { type: 'job' } }, 'a'],
    ['a name that objects have of their own is no label', { labels: { toString: { exists: true } } }, ''],
    ['nor is its absence', { labels: { constructor: { exists: false } } }, 'abcd'],
  ])('%s', (_name, filter, ids) => {
    expect(
      selectRecords(records, filter)
        .map(({ id }) => id)
        .join(''),
    ).toBe(ids)
  })
})

describe('a filter that nothing could ever pass', () => {
  it.each([
    [{ status: 'bogus' }, 'there is no status "bogus"; known are pending'],
    [{ status: ['running', 5] }, 'there is no status 5'],
    [{ labels: 5 }, 'labels must be an object'],
    [{ labels: ['tier'] }, 'labels must be an object'],
    [{ labels: { tier: 5 } }, 'label tier'],
    [{ labels: { tier: { in: 'web' } } }, 'label tier'],
    [{ labels: { tier: { exists: 'yes' } } }, 'label tier'],
    [{ labels: { tier: {} } }, 'label tier'],
  ])('%j is refused', (filter, message) => {
    expect(() => selectRecords([], filter as ListFilter)).toThrow(
      expect.objectContaining({ code: 'PROCMAN_INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    )
  })
})
