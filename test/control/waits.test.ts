/** When a client is told that what it waits for has come: seen in its copy, and confirmed by the manager once it is on disk. */
import { expect, it } from 'vitest'
import { Mirror } from '../../src/control/client/mirror.ts'
import { Waits } from '../../src/control/client/waits.ts'
import { ProcmanError, type ProcmanErrorCode } from '../../src/errors.ts'
import { contextOf } from '../../src/machines/process/context.ts'
import { toRecord } from '../../src/machines/process/record.ts'
import { rejection, until } from '../e2e/harness.ts'
import { aSpec } from '../machines/fixtures.ts'

function aWait({ isClosed = false } = {}) {
  const mirror = new Mirror(
    '/nowhere',
    () => {},
    () => {},
  )
  const context = contextOf(aSpec({ id: 'one' }), 1)
  const told = (value: 'running' | 'exited') => ({ record: toRecord(value, context), snapshot: { value, context, status: 'active' as const } })
  mirror.apply({ name: 'snapshot', data: { processes: [told('running')], problems: [], unreadable: [] } }, 'a-1')
  const lost = new AbortController()
  const asked: { readonly path: string; answer(code?: ProcmanErrorCode): void }[] = []
  const waits = new Waits({
    stateDir: '/nowhere',
    ask: (_method, path) =>
      new Promise((resolve, reject) => {
        asked.push({ path, answer: (code) => (code === undefined ? resolve(toRecord('exited', context)) : reject(new ProcmanError(code, 'so it is'))) })
      }),
    lost: () => lost.signal,
    isClosed: () => isClosed,
  })
  const waiting = waits.until(() => mirror.ref('one'), 'settled', {})
  const question = async () => {
    await until('the manager is asked', () => asked.length > 0)
    return asked.shift()
  }
  mirror.apply({ name: 'record', data: told('exited') }, 'a-2')
  return { waiting, question, lost }
}

it('is told once the manager has confirmed it, be it the next one', async () => {
  const { waiting, question } = aWait()
  let isTold = false
  void waiting.then(() => (isTold = true))
  const first = await question()
  expect(first?.path).toBe('/v1/processes/one/wait?for=settled&timeout_ms=0')
  first?.answer('PROCMAN_MANAGER_UNREACHABLE')
  const second = await question()
  expect(isTold).toBe(false)
  second?.answer()
  expect((await waiting).state).toBe('exited')
})

it('is told of what was there, though it is something else or gone by now', async () => {
  for (const code of ['PROCMAN_TIMEOUT', 'PROCMAN_PROCESS_UNKNOWN'] as const) {
    const { waiting, question } = aWait()
    ;(await question())?.answer(code)
    expect((await waiting).state).toBe('exited')
  }
})

it('is told why it cannot be confirmed', async () => {
  const unsaved = aWait()
  ;(await unsaved.question())?.answer('PROCMAN_STATE_NOT_SAVED')
  expect((await rejection(unsaved.waiting)).code).toBe('PROCMAN_STATE_NOT_SAVED')
  const closed = aWait({ isClosed: true })
  ;(await closed.question())?.answer('PROCMAN_CLOSED')
  expect((await rejection(closed.waiting)).code).toBe('PROCMAN_CLOSED')
  const lost = aWait()
  lost.lost.abort()
  ;(await lost.question())?.answer('PROCMAN_MANAGER_UNREACHABLE')
  expect(await rejection(lost.waiting)).toMatchObject({ code: 'PROCMAN_MANAGER_UNREACHABLE', details: { id: 'one', stateDir: '/nowhere' } })
})
