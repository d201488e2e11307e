/** A command that ends in the same instant in which it is stopped. Its own trace tells what it meant to do; the record may not say anything else. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { type Home, kill, until } from '../e2e/harness.ts'
import { aHostileHome, hasPerl, hostile, inhabitants, quietly, signed } from './tree.ts'

const CODE = 7
const TRIES = 40

/** It says that it leaves with its code before it does; between the two a SIGTERM may still be faster. */
function isTrue(record: ProcessRecord, home: Home): boolean {
  const saidSo = home.text('work/exits').includes(`${CODE}\n`)
  const byItself = record.exit_code === CODE && record.signal === null && saidSo
  const bySignal = record.exit_code === null && record.signal === 'SIGTERM'
  return byItself || bySignal
}

/** Busy on purpose: a timer is too coarse for what is to be hit. */
function spin(us: number): void {
  for (const endAt = performance.now() + us / 1_000; performance.now() < endAt; );
}

const offsetsUs = Array.from({ length: TRIES }, (_, n) => n * 50)

describe.skipIf(!hasPerl)('a command that ends by itself in the instant of its stop (needs perl)', () => {
  it.each(['before', 'after'])('just %s it: the record tells which was first, and it stays down', async (order) => {
    const home = aHostileHome()
    const supervisor = await home.supervisor()
    for (const us of offsetsUs) {
      const id = `job-${us}`
      const { pid } = supervisor.get((await supervisor.start(hostile(home, 'exits', [CODE], { id, restart: { strategy: 'always', delayMs: 0 } }))).id)
      await until('it listens', () => signed(home).includes(pid ?? 0))
      const exit = () => quietly(() => kill(pid, 'SIGUSR1'))
      if (order === 'before') exit()
      if (order === 'before') spin(us)
      const stopping = supervisor.stop(id)
      if (order === 'after') spin(us)
      if (order === 'after') exit()
      const record = await stopping
      expect(record).toMatchObject({ state: 'exited', status: 'cancelled', run: 1, restarts: 0, pid: null })
      expect(isTrue(record, home), JSON.stringify({ us, record })).toBe(true)
      expect(supervisor.get(id)).toEqual(record)
    }
    expect(inhabitants(home)).toEqual([])
    await supervisor.close()
    const records = (await home.supervisor()).list()
    expect(records.map(({ state, status, run }) => ({ state, status, run }))).toEqual(records.map(() => ({ state: 'exited', status: 'cancelled', run: 1 })))
    expect(records).toHaveLength(TRIES)
  })

  it('while its manager is killed: the next one knows the end, and a stop that was asked for before holds when it is on record', async () => {
    const home = aHostileHome()
    for (const us of offsetsUs.filter((_, n) => n % 4 === 0)) {
      const id = `job-${us}`
      const manager = await home.manager()
      const { pid } = await manager.start(hostile(home, 'exits', [CODE], { id }))
      await until('it listens', () => signed(home).includes(pid ?? 0))
      manager.call('stop', id).catch(() => {})
      spin(us * 4)
      quietly(() => kill(pid, 'SIGUSR1'))
      await manager.kill()
      const isOnRecord = readFileSync(home.jobFile(id, 'state.json'), 'utf8').includes('"cancelled":true')
      const next = await home.supervisor()
      const record = await next.wait(id)
      expect(isTrue(record, home), JSON.stringify({ us, record })).toBe(true)
      expect(record).toMatchObject({ state: 'exited', run: 1, pid: null, status: expect.stringMatching(/^(cancelled|failed)$/) })
      if (isOnRecord) expect(record.status).toBe('cancelled')
      await next.close()
    }
    expect(inhabitants(home)).toEqual([])
  })
})
