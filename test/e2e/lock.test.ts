import { mkdirSync, utimesSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { aHome, rejection, sleeper, until } from './harness.ts'

describe('the lock of a state directory', () => {
  it('is refused to a second supervisor in the same program, with its pid', async () => {
    const home = aHome()
    await home.supervisor()
    const error = await rejection(home.supervisor())
    expect(error).toMatchObject({ code: 'PROCMAN_STATE_DIR_LOCKED', details: { pid: process.pid, stateDir: home.stateDir } })
  })

  it('is refused to a second manager, with the pid of the first', async () => {
    const home = aHome()
    const manager = await home.manager()
    expect(await rejection(home.supervisor())).toMatchObject({ code: 'PROCMAN_STATE_DIR_LOCKED', details: { pid: manager.child.pid } })
    expect(await rejection(home.manager())).toMatchObject({ code: 'PROCMAN_STATE_DIR_LOCKED', details: { pid: manager.child.pid } })
  })

  it('is waited for as long as asked', async () => {
    const home = aHome()
    const first = await home.supervisor()
    const { id } = await first.start(sleeper())
    const waiting = home.supervisor({ lockTimeoutMs: 30_000 })
    expect((await rejection(home.supervisor({ lockTimeoutMs: 50 }))).code).toBe('PROCMAN_STATE_DIR_LOCKED')
    await first.close()
    expect((await waiting).get(id).state).toBe('running')
  })

  it('of a killed manager is won by exactly one of many', async () => {
    const home = aHome()
    await (await home.manager()).kill()
    const tries = await Promise.allSettled(Array.from({ length: 4 }, () => home.manager()))
    const winners = tries.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    expect(winners).toHaveLength(1)
    for (const each of tries)
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'PROCMAN_STATE_DIR_LOCKED', details: { pid: winners[0]?.child.pid } })
  })

  it('is not kept from anybody by what lies beside it', async () => {
    const home = aHome()
    await (await home.supervisor()).close()
    const odd = `${home.stateDir}/manager.lock.new-odd`
    mkdirSync(odd)
    utimesSync(odd, 0, 0)
    const supervisor = await home.supervisor()
    await supervisor.start(sleeper({ id: 'job' }))
    await supervisor.close()
    expect((await home.supervisor()).get('job').state).toBe('running')
  })

  it('goes to one who waits when its holder is killed', async () => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start(sleeper({ id: 'job' }))
    const waiting = home.supervisor({ lockTimeoutMs: 30_000 })
    await manager.kill()
    const next = await waiting
    await until('it is taken over', () => next.get('job').state === 'running')
  })
})
