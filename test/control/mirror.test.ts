/** What a client shows, by what the stream of events tells it. */
import { expect, it } from 'vitest'
import { Mirror } from '../../src/control/client/mirror.ts'
import type { WireProcess } from '../../src/control/wire.ts'
import { ProcmanError } from '../../src/errors.ts'
import { contextOf } from '../../src/machines/process/context.ts'
import type { ProcessCommand } from '../../src/machines/process/events.ts'
import { toRecord } from '../../src/machines/process/record.ts'
import type { ProcessState } from '../../src/machines/process/states.ts'
import { until } from '../../src/supervisor/wait.ts'
import { rejection } from '../e2e/harness.ts'
import { aSpec } from '../machines/fixtures.ts'

function told(id: string, value: ProcessState, createdAtMs = 1, error?: string): WireProcess {
  const context = contextOf(aSpec({ id }), createdAtMs)
  return { record: toRecord(value, context), snapshot: { value, context, ...(error === undefined ? { status: 'active' } : { status: 'error', error }) } }
}

function aMirror() {
  const sent: (readonly [string, ProcessCommand])[] = []
  const thrown: unknown[] = []
  const mirror = new Mirror(
    '/nowhere',
    (id, command) => sent.push([id, command]),
    (error) => thrown.push(error),
  )
  return { mirror, sent, thrown }
}

it('shows a failed actor as failed, and takes its process in again when a later manager has', async () => {
  const { mirror } = aMirror()
  mirror.apply({ name: 'snapshot', data: { processes: [told('one', 'running')], problems: [], unreadable: [] } }, 'a-1')
  const ref = mirror.ref('one')
  const waiting = rejection(until(ref, (snapshot) => snapshot.hasTag('settled')))
  mirror.apply({ name: 'record', data: told('one', 'running', 1, 'a guard has thrown') }, 'a-2')
  expect(await waiting).toMatchObject({ code: 'PROCMAN_PROCESS_DAMAGED', message: expect.stringContaining('a guard has thrown') })
  expect(ref.getSnapshot()).toMatchObject({ status: 'error', value: 'running' })
  mirror.apply({ name: 'snapshot', data: { processes: [told('one', 'running')], problems: [], unreadable: [] } }, 'b-0')
  expect(mirror.ref('one')).not.toBe(ref)
  expect(mirror.ref('one').getSnapshot().status).toBe('active')
  mirror.close()
})

it('keeps a ref as long as the process is the same, and ends it when it is another with its id, or gone', () => {
  const { mirror } = aMirror()
  mirror.apply({ name: 'snapshot', data: { processes: [told('one', 'running'), told('two', 'running')], problems: [], unreadable: [] } }, 'a-1')
  const [one, two] = [mirror.ref('one'), mirror.ref('two')]
  const revisions: number[] = []
  mirror.table.subscribe(({ context }) => revisions.push(context.processes.size))
  mirror.apply({ name: 'snapshot', data: { processes: [told('one', 'exited'), told('two', 'running', 2)], problems: [], unreadable: [] } }, 'b-1')
  expect(mirror.ref('one')).toBe(one)
  expect(one.getSnapshot().value).toBe('exited')
  expect(mirror.table.getSnapshot().context.processes.get('one')?.get().state).toBe('exited')
  expect(mirror.ref('two')).not.toBe(two)
  expect(two.getSnapshot().status).toBe('stopped')
  mirror.apply({ name: 'removed', data: { id: 'one' } }, 'b-2')
  expect(one.getSnapshot().status).toBe('stopped')
  expect([...mirror.table.getSnapshot().context.processes.keys()]).toEqual(['two'])
  expect(revisions).toEqual([1, 2, 1])
  mirror.close()
})

it('passes on what the process would take, and nothing else', async () => {
  const { mirror, sent } = aMirror()
  mirror.apply({ name: 'snapshot', data: { processes: [told('one', 'running')], problems: [], unreadable: [] } }, 'a-1')
  mirror.ref('one').send({ type: 'process.start', atMs: 1 })
  mirror.ref('one').send({ type: 'process.stop', atMs: 2 })
  expect(sent).toEqual([['one', { type: 'process.stop', atMs: 2 }]])
  expect(mirror.ref('one').getSnapshot().value).toBe('running')
  mirror.close()
})

it('a listener that throws harms nobody else', () => {
  const { mirror, thrown } = aMirror()
  mirror.apply({ name: 'snapshot', data: { processes: [told('one', 'running')], problems: [], unreadable: [] } }, 'a-1')
  mirror.table
    .getSnapshot()
    .context.processes.get('one')
    ?.subscribe(() => {
      throw new Error('mine')
    })
  mirror.apply({ name: 'record', data: told('one', 'exited') }, 'a-2')
  expect(thrown).toHaveLength(1)
  expect(mirror.ref('one').getSnapshot().value).toBe('exited')
  mirror.close()
})

it('says when it shows what an answer speaks of', async () => {
  const { mirror } = aMirror()
  mirror.apply({ name: 'snapshot', data: { processes: [], problems: [], unreadable: [] } }, 'a-3')
  await mirror.seen(null)
  await mirror.seen('a-3')
  const order: string[] = []
  const five = mirror.seen('a-5').then(() => order.push('five'))
  const other = mirror.seen('b-1').then(() => order.push('other'))
  mirror.apply({ name: 'record', data: told('one', 'running') }, 'a-5')
  await five
  expect(order).toEqual(['five'])
  mirror.apply({ name: 'snapshot', data: { processes: [], problems: [], unreadable: [] } }, 'c-0')
  await other
  mirror.close()
})

it('refuses one that the manager cannot read now as the manager does, until it can', () => {
  const { mirror } = aMirror()
  const { code, message, details } = new ProcmanError('PROCMAN_PROCESS_UNREADABLE', 'process web cannot be managed for now', {
    details: { id: 'web', path: '/x' },
  })
  mirror.apply({ name: 'snapshot', data: { processes: [told('one', 'running')], problems: [], unreadable: [{ code, message, details }] } }, 'a-1')
  expect(() => mirror.ref('we')).toThrow(expect.objectContaining({ code, message, details }))
  expect(() => mirror.ref('two')).toThrow(expect.objectContaining({ code: 'PROCMAN_PROCESS_UNKNOWN' }))
  mirror.apply({ name: 'record', data: told('web', 'running') }, 'a-2')
  expect(mirror.ref('we').id).toBe('web')
  mirror.close()
})
