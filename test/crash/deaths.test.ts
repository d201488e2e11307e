/** The keeper is killed, alone or with its command, with and without a living manager: what is left is known, watched, stopped, and what happened is on record. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ProcessInput } from '../../src/api.ts'
import { fixture, type Home, inState, kill, lives, type Manager, sh, sleeper, until } from '../e2e/harness.ts'
import { local, type Remote, remote, seen } from './remote.ts'
import { aHostileHome, hasPerl, hostile, inhabitants, signed, workDir } from './tree.ts'

const variants = ['a living manager', 'nobody'] as const
type Variant = (typeof variants)[number]

/** Does it while the manager lives, or kills that first; then asks the manager that lives on, or the next one. */
async function under(home: Home, variant: Variant, manager: Manager, act: () => void): Promise<Remote> {
  if (variant === 'nobody') await manager.kill()
  act()
  if (variant === 'nobody') return local(await home.supervisor())
  return remote(manager)
}

const isOnRecord = (home: Home, id: string, text: string) =>
  until(`${text} is on record`, () => existsSync(home.jobFile(id, 'state.json')) && readFileSync(home.jobFile(id, 'state.json'), 'utf8').includes(text))

describe.skipIf(!hasPerl)('a keeper that is killed (needs perl)', () => {
  it.each(variants)(
    'under %s: its command is watched, signalled and stopped by identity, with all that got away from it; the next run is whole',
    async (variant) => {
      const home = aHostileHome()
      const manager = await home.manager()
      const { pid } = await manager.start(hostile(home, 'brood', [40, 'named'], { id: 'tree' }))
      await until('the tree has grown', () => signed(home).length === 41)
      const supervisor = await under(home, variant, manager, () => kill(home.keeperPid('tree')))
      expect(await seen(supervisor, 'tree', 'the loss is known', (record) => record.keeper_lost)).toMatchObject({ state: 'running', pid })
      expect(inhabitants(home)).toHaveLength(41)
      const record = await supervisor.stop('tree')
      await until('nothing of it is left', () => inhabitants(home).length === 0)
      expect(record).toMatchObject({
        state: 'orphaned',
        status: 'orphaned',
        exit_code: null,
        signal: null,
        pid: null,
        error: expect.stringContaining('keeper was killed'),
      })
      expect(record.reasons.map(({ text }) => text)).toEqual(expect.arrayContaining([expect.stringContaining('the keeper was killed'), 'stopped by the user']))
      expect(await supervisor.restart('tree')).toMatchObject({ state: 'running', run: 2, keeper_lost: false, error: null })
      expect(await supervisor.stop('tree')).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGTERM' })
    },
  )

  it.each(variants)('under %s, while a deaf command is being stopped: the stop is finished', async (variant) => {
    const home = aHostileHome()
    const manager = await home.manager()
    await manager.start(hostile(home, 'deaf', [], { id: 'deaf', restart: 'always', stop: { timeoutMs: 500 } }))
    await until('it is deaf', () => signed(home).length === 1)
    manager.call('stop', 'deaf').catch(() => {})
    await isOnRecord(home, 'deaf', 'SIGTERM sent')
    const supervisor = await under(home, variant, manager, () => kill(home.keeperPid('deaf')))
    expect(await supervisor.wait('deaf')).toMatchObject({ state: 'orphaned', run: 1, retry_at: null, error: expect.stringContaining('keeper was killed') })
    await until('nothing of it is left', () => inhabitants(home).length === 0)
  })

  it.each(variants)('under %s, while it stops what the command left behind: the exit code stays, the rest is stopped', async (variant) => {
    const home = aHostileHome()
    const manager = await home.manager()
    const left = home.path('left')
    const script = `${fixture('escape.sh')} ${left}; until [ -s ${left} ]; do sleep 0.01; done; exit 3`
    const starting = manager.start(sh(script, { id: 'leaver', stop: { timeoutMs: 3_600_000 } }))
    await until('the keeper stops what is left', () => existsSync(home.jobFile('leaver', 'run-1.rest')))
    await starting
    const supervisor = await under(home, variant, manager, () => kill(home.keeperPid('leaver')))
    expect(await supervisor.wait('leaver')).toMatchObject({ state: 'exited', status: 'failed', exit_code: 3 })
    await until('nothing of it is left', () => !lives(Number(home.text('left'))))
  })
})

/** Stopped first, so that it cannot write down anything any more. */
function killBoth(home: Home, id: string, pid: number | null): void {
  const keeper = home.keeperPid(id)
  kill(keeper, 'SIGSTOP')
  kill(pid)
  kill(keeper)
}

describe('keeper and command that are killed together', () => {
  it.each(variants)('under %s: the run is orphaned, nothing is restarted', async (variant) => {
    const home = aHostileHome()
    const manager = await home.manager()
    const { pid } = await manager.start(sleeper({ id: 'job' }))
    const supervisor = await under(home, variant, manager, () => killBoth(home, 'job', pid))
    expect(await supervisor.wait('job')).toMatchObject({
      state: 'orphaned',
      run: 1,
      exit_code: null,
      signal: null,
      error: expect.stringContaining('keeper was killed'),
    })
    expect(await supervisor.restart('job')).toMatchObject({ state: 'running', run: 2 })
  })

  it.each(variants.flatMap((variant) => (['always', 'on-failure'] as const).map((strategy) => [variant, strategy] as const)))(
    'under %s: a process that is restarted %s is up again, once',
    async (variant, strategy) => {
      const home = aHostileHome()
      const manager = await home.manager()
      const { pid } = await manager.start(sleeper({ id: 'service', cwd: workDir(home), restart: { strategy, delayMs: 0 } }))
      const supervisor = await under(home, variant, manager, () => killBoth(home, 'service', pid))
      const record = await seen(supervisor, 'service', 'run 2 is up', ({ run, state }) => run === 2 && state === 'running')
      expect(record).toMatchObject({ keeper_lost: false, restarts: 1 })
      expect(inhabitants(home)).toEqual([record.pid])
    },
  )

  it('and a command that ends by itself, with nobody there to see it, is orphaned', async () => {
    const home = aHostileHome()
    const manager = await home.manager()
    const { pid } = await manager.start(sh(`until [ -e ${home.path('go')} ]; do sleep 0.01; done; exit 5`, { id: 'job' }))
    await manager.kill()
    kill(home.keeperPid('job'))
    kill(pid)
    await until('it has ended', () => !lives(pid))
    expect(await (await home.supervisor()).wait('job')).toMatchObject({ state: 'orphaned', exit_code: null })
  })
})

describe('100 keepers that are killed at once', () => {
  it.each(variants)('under %s: every command is known, and stopped', async (variant) => {
    const home = aHostileHome()
    const manager = await home.manager()
    const cwd = workDir(home)
    const inputs = Array.from({ length: 100 }, (_, n): ProcessInput => sleeper({ id: `job-${n}`, cwd, stop: { timeoutMs: 300 } }))
    const started = await Promise.all(inputs.map((input) => manager.start(input)))
    const supervisor = await under(home, variant, manager, () => {
      for (const { id } of started) kill(home.keeperPid(id))
    })
    for (const { id, pid } of started) {
      expect(await seen(supervisor, id, 'the loss is known', (record) => record.keeper_lost)).toMatchObject({ state: 'running', pid })
    }
    expect(inhabitants(home)).toHaveLength(100)
    const stopped = await Promise.all(started.map(({ id }) => supervisor.stop(id)))
    expect(stopped.map(({ state }) => state)).toEqual(started.map(() => 'orphaned'))
    await until('nothing of them is left', () => inhabitants(home).length === 0)
  })

  it('together with their commands are 100 orphans', async () => {
    const home = aHostileHome()
    const supervisor = await home.supervisor()
    const ids = await Promise.all(Array.from({ length: 100 }, async (_, n) => (await supervisor.start(sleeper({ id: `job-${n}` }))).id))
    for (const id of ids) killBoth(home, id, supervisor.get(id).pid)
    await Promise.all(ids.map((id) => inState(supervisor.ref(id), 'orphaned')))
    expect(supervisor.list({ status: 'orphaned' })).toHaveLength(100)
  })
})
