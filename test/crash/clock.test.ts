/** The wall clock jumps by a day, forward and back, under a living manager and between two: nothing waits for a day, and nobody loses the time that was promised. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { type Home, pause, rejection, sh, sleeper, until } from '../e2e/harness.ts'
import { some } from '../effort.ts'
import { aShiftedManager, DAY_MS, isWatchingFiles } from './clock.ts'
import { local, remote, seen } from './remote.ts'
import { forge, vanish } from './stranger.ts'
import { aHostileHome } from './tree.ts'

const onDisk = (home: Home, id: string, text: string) =>
  until(`${text} is on record`, () => existsSync(home.jobFile(id, 'state.json')) && readFileSync(home.jobFile(id, 'state.json'), 'utf8').includes(text))
const output = (home: Home, id: string, text: string) => until(`it says ${text}`, () => readFileSync(home.jobFile(id, 'stdout.log'), 'utf8').includes(text))

const secondTime = (script: string) => sh(`[ "$PROCMAN_RUN" = 2 ] && exec sleep 600; ${script}`, { id: 'job', restart: { strategy: 'always', delayMs: 300 } })
const isUpAgain = ({ run, state }: ProcessRecord) => run === 2 && state === 'running'
const deaf = sh('trap "" TERM; echo ready; while :; do sleep 0.05; done', { id: 'deaf', stop: { timeoutMs: 400 } })

const jumps = [
  ['forward', DAY_MS],
  ['back', -DAY_MS],
] as const

describe.each(jumps)('a clock that jumps a day %s under a living manager', (_, shiftMs) => {
  it('in a wait before a restart: the restart comes', async () => {
    const home = aHostileHome()
    const { manager, jump } = await aShiftedManager(home)
    await manager.ready
    await manager.start(secondTime('exit 1'))
    await onDisk(home, 'job', '"value":"backoff"')
    await jump(shiftMs)
    await seen(remote(manager), 'job', 'run 2 is up', isUpAgain)
  })

  it('while a run goes on that fails afterwards: the restart comes', async () => {
    const home = aHostileHome()
    const { manager, jump } = await aShiftedManager(home)
    await manager.ready
    await manager.start(secondTime(`until [ -e ${home.path('go')} ]; do sleep 0.01; done; exit 1`))
    await jump(shiftMs)
    writeFileSync(home.path('go'), '')
    await seen(remote(manager), 'job', 'run 2 is up', isUpAgain)
  })

  it('in the grace of a stop: it ends', async () => {
    const home = aHostileHome()
    const { manager, jump } = await aShiftedManager(home)
    await manager.ready
    await manager.start(deaf)
    await output(home, 'deaf', 'ready')
    const stopping = manager.call('stop', 'deaf')
    await onDisk(home, 'deaf', 'SIGTERM sent')
    await jump(shiftMs)
    expect(await stopping).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGKILL' })
  })

  it('between two signals of a stop: the grace is not cut short', async () => {
    const home = aHostileHome()
    const { manager, jump } = await aShiftedManager(home)
    await manager.ready
    const ladder = [
      { signal: 'SIGTERM', afterMs: 0 },
      { signal: 'SIGINT', afterMs: 300 },
    ]
    const script = 'trap "echo asked" TERM; trap "echo urged; sleep 0.3; exit 6" INT; echo ready; while :; do sleep 0.02; done'
    await manager.start(sh(script, { id: 'slow', stop: { ladder, timeoutMs: 30_000 } }))
    await output(home, 'slow', 'ready')
    const stopping = manager.call('stop', 'slow')
    await onDisk(home, 'slow', 'SIGTERM sent')
    await jump(shiftMs)
    expect(await stopping).toMatchObject({ state: 'exited', status: 'cancelled', exit_code: 6, signal: null })
  })

  it('while somebody waits for a process: it lasts as long as was said', async () => {
    const home = aHostileHome()
    const { manager, jump } = await aShiftedManager(home)
    await manager.ready
    await manager.start(sh(`until [ -e ${home.path('go')} ]; do sleep 0.01; done; exit 2`, { id: 'job' }))
    const short = rejection(manager.call('wait', 'job', { timeoutMs: 500 }))
    const long = manager.call('wait', 'job', { timeoutMs: 3_600_000 })
    await jump(shiftMs)
    expect(await short).toMatchObject({ code: 'PROCMAN_TIMEOUT' })
    writeFileSync(home.path('go'), '')
    expect(await long).toMatchObject({ state: 'exited', exit_code: 2 })
  })

  it('while it waits for the directory: it does not give up early', async () => {
    const home = aHostileHome()
    const holder = await home.supervisor()
    const { manager, jump } = await aShiftedManager(home, 0, { lockTimeoutMs: 20_000 })
    await until('it waits', () => isWatchingFiles(manager.child.pid))
    await jump(shiftMs)
    await pause(500) // it has looked again and again, and would have given up: here time itself is the fact
    await holder.close()
    await manager.ready
    await manager.kill()
  })

  it('while it waits for the directory: it gives up when its time is over', async () => {
    const home = aHostileHome()
    await home.supervisor()
    const { manager, jump } = await aShiftedManager(home, 0, { lockTimeoutMs: 1_500 })
    await until('it waits', () => isWatchingFiles(manager.child.pid))
    await jump(shiftMs)
    expect(await rejection(manager.ready)).toMatchObject({ code: 'PROCMAN_STATE_DIR_LOCKED' })
  })

  it('while a run goes on: its record stays true, and no duration is negative', async () => {
    const home = aHostileHome()
    const { manager, jump } = await aShiftedManager(home)
    await manager.ready
    const before = await manager.start(sleeper({ id: 'job' }))
    const { pid } = await manager.start(sleeper({ id: 'lost' }))
    await jump(shiftMs)
    await manager.call('refresh')
    expect(await manager.call('get', 'job')).toEqual(before)
    await manager.start(sleeper({ id: 'new' }))
    await vanish(home, 'lost', pid)
    const records = [await manager.call('stop', 'job'), await manager.call('stop', 'new'), await manager.call('wait', 'lost')]
    expect(records.map(({ state }) => state)).toEqual(['exited', 'exited', 'orphaned'])
    for (const { id, started_at, completed_at } of records) expect([id, String(completed_at) >= String(started_at)]).toEqual([id, true])
  })
})

describe.each(some(jumps, 2))('a clock that is a day %s under the next manager', (_, shiftMs) => {
  it('in a wait before a restart: the restart comes', async () => {
    const home = aHostileHome()
    const first = await home.manager()
    await first.start(secondTime('exit 1'))
    await onDisk(home, 'job', '"value":"backoff"')
    await first.kill()
    const { manager } = await aShiftedManager(home, shiftMs)
    await manager.ready
    await seen(remote(manager), 'job', 'run 2 is up', isUpAgain)
  })

  it('in a stop: it ends', async () => {
    const home = aHostileHome()
    const first = await home.manager()
    await first.start(deaf)
    await output(home, 'deaf', 'ready')
    first.call('stop', 'deaf').catch(() => {})
    await onDisk(home, 'deaf', '"value":"stopping"')
    await first.kill()
    const { manager } = await aShiftedManager(home, shiftMs)
    await manager.ready
    expect(await manager.call('wait', 'deaf')).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGKILL' })
  })

  it('in a run that ends while nobody manages: the restart comes, and what runs on is the same', async () => {
    const home = aHostileHome()
    const first = await home.manager()
    const { pid } = await first.start(sleeper({ id: 'other' }))
    await first.start(secondTime(`until [ -e ${home.path('go')} ]; do sleep 0.01; done; exit 1`))
    await first.kill()
    writeFileSync(home.path('go'), '')
    await until('its keeper has left', () => home.keepers().length === 1)
    const { manager } = await aShiftedManager(home, shiftMs)
    await manager.ready
    await seen(remote(manager), 'job', 'run 2 is up', isUpAgain)
    expect(await manager.call('get', 'other')).toMatchObject({ state: 'running', pid, run: 1 })
  })
})

describe.each(some(jumps, 2))('run files whose times are a day %s', (_, shiftMs) => {
  it('do not hold up a restart, and are no reason to fail', async () => {
    const home = aHostileHome()
    const first = await home.manager()
    await first.start(secondTime(`until [ -e ${home.path('go')} ]; do sleep 0.01; done; exit 1`))
    await first.kill()
    writeFileSync(home.path('go'), '')
    await until('its keeper has left', () => home.keepers().length === 0)
    forge(home, 'job', 'exit', { at: Date.now() + shiftMs })
    const supervisor = await home.supervisor()
    await seen(local(supervisor), 'job', 'run 2 is up', isUpAgain)
    expect(supervisor.problems).toEqual([])
  })

  it('of a run that goes on: it is adopted, stopped, and its record can be read', async () => {
    const home = aHostileHome()
    const first = await home.manager()
    const { pid } = await first.start(sleeper({ id: 'job' }))
    await first.kill()
    for (const file of ['claim', 'child'] as const) forge(home, 'job', file, { at: Date.now() + shiftMs })
    const supervisor = await home.supervisor()
    expect(supervisor.get('job')).toMatchObject({ state: 'running', pid })
    expect(await supervisor.stop('job')).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGTERM' })
    expect(supervisor.problems).toEqual([])
  })
})
