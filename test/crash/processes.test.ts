/** Programs that resist: stop ends with their whole tree gone and the truth on record, for the manager that started them and for one that took over. */
import { describe, expect, it } from 'vitest'
import type { Supervisor } from '../../src/api.ts'
import { type Home, until } from '../e2e/harness.ts'
import { type HostileProgram, perlPrograms, shellPrograms } from './hostile-programs.ts'
import { aHostileHome, hasPerl, inhabitants, isStill } from './tree.ts'

/** The program as it was meant to become, and a supervisor that knows it: its own, or the heir of one that was killed. */
async function started(home: Home, program: HostileProgram, by: 'its own manager' | 'the next manager'): Promise<Supervisor> {
  const input = { id: 'hostile', ...program.input(home) }
  if (by === 'its own manager') {
    const supervisor = await home.supervisor()
    await supervisor.start(input)
    await until('it is what it is meant to be', () => program.ready(home, supervisor.get('hostile')))
    return supervisor
  }
  const manager = await home.manager()
  const record = await manager.start(input)
  await until('it is what it is meant to be', () => program.ready(home, record))
  await manager.kill()
  const supervisor = await home.supervisor()
  expect(supervisor.get('hostile')).toMatchObject({ state: 'running', pid: record.pid, run: 1 })
  return supervisor
}

const cases = (programs: readonly HostileProgram[]) =>
  programs.flatMap((program) => (['its own manager', 'the next manager'] as const).map((by) => [program.name, by, program] as const))

const isStopped = async (_: string, by: 'its own manager' | 'the next manager', program: HostileProgram) => {
  const home = aHostileHome()
  const supervisor = await started(home, program, by)
  const record = await supervisor.stop('hostile')
  expect(inhabitants(home)).toEqual([])
  expect(home.strays()).toEqual([])
  expect(await isStill(home.path('work/hops'))).toBe(true)
  expect(record).toMatchObject({ state: 'exited', status: 'cancelled', run: 1, pid: null, keeper_lost: false, ...program.ends })
  await until('the keeper has left', () => home.keepers().length === 0)
  expect(supervisor.problems).toEqual([])
}

describe('stop', () => {
  it.each(cases(shellPrograms))('%s, by %s', isStopped)
})

describe.skipIf(!hasPerl)('stop (needs perl)', () => {
  it.each(cases(perlPrograms))('%s, by %s', isStopped)
})
