/** What the storm has found, each as small as it gets: the files are put as a manager leaves them that is killed at that instant. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createReader } from '../../src/reader.ts'
import { aHome, fixture, type Home, inState, sh, sleeper, until } from '../e2e/harness.ts'

const damage = {
  'was never written': (home: Home) => rmSync(home.jobFile('job', 'state.json')),
  'is damaged': (home: Home) => writeFileSync(home.jobFile('job', 'state.json'), '{'),
}

describe('a manager that is killed before the first snapshot of a process', () => {
  it('has an heir that follows the restart policy, also when the first run has ended meanwhile', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sh('exit 1', { id: 'job', restart: { strategy: 'on-failure', delayMs: 3_600_000 } }))
    await inState(supervisor.ref('job'), 'backoff')
    await supervisor.close()
    damage['was never written'](home)
    const heir = await home.supervisor()
    await until('it is decided', () => heir.get('job').state !== 'starting')
    expect(heir.get('job')).toMatchObject({ state: 'backoff', run: 1, exit_code: 1 })
  })
})

describe.each(Object.entries(damage))('a state that %s', (_, doDamage) => {
  it('does not let a process settle whose command has ended while the tree of it lives', async () => {
    const home = aHome()
    const manager = await home.manager()
    const deaf = `trap '' TERM; ${fixture('escape.sh')} ${home.path('escaped')}; exit 3`
    await manager.start(sh(deaf, { id: 'job', stop: { timeoutMs: 1_000 } }))
    await until('the command has ended', () => existsSync(home.jobFile('job', 'run-1.exit')))
    await manager.kill()
    expect(home.strays()).not.toEqual([])
    doDamage(home)
    const heir = await home.supervisor()
    expect(await heir.wait('job')).toMatchObject({ state: 'exited', exit_code: 3 })
    expect(home.strays()).toEqual([])
  })
})

describe('a manager that is killed after it has voided a run, before it has written that down', () => {
  it('has an heir that can start the process again', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sleeper({ id: 'job' }))
    await supervisor.stop('job')
    await supervisor.close()
    writeFileSync(home.jobFile('job', 'run-2.claim'), JSON.stringify({ v: 1, void: true, at: Date.now() }))
    const heir = await home.supervisor()
    await inState(heir.ref('job'), 'exited')
    expect(await heir.launch('job')).toMatchObject({ state: 'running' })
  })
})

describe('one who reads the output of a process that is removed meanwhile', () => {
  it('is still told rightly which run each line is from', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sh('[ $PROCMAN_RUN = 2 ] || { yes 1 | head -n 100000; exit; }; echo 2', { id: 'job' }))
    await supervisor.wait('job')
    await supervisor.restart('job')
    await supervisor.wait('job')
    const told = new Set<string>()
    for await (const { text, run } of createReader({ stateDir: home.stateDir }).watch('job')) {
      if (told.size === 0) await supervisor.remove('job')
      told.add(`${text} in run ${run}`)
    }
    expect([...told]).toEqual(['1 in run 1', '2 in run 2'])
  })
})
