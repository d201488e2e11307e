/** Readiness by other means than probes: a line of output, a newline on a descriptor, some time. Each also when the manager is killed in between. */
import { existsSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ProcessInput } from '../../src/api.ts'
import { aHome, type Home, pause, sh, sleeper, until } from './harness.ts'
import { aPeer, http, isState, recordWhen } from './services.ts'

/** As a manager in another process can be told. */
const told = (ready: Way['ready']): Way['ready'] => ('logLine' in ready && typeof ready.logLine !== 'string' ? { logLine: ready.logLine.source } : ready)

/** Waits for a file of the test. */
const waits = (home: Home, file = 'go') => `until [ -e ${home.path(file)} ]; do sleep 0.01; done`
const go = (home: Home, file = 'go') => writeFileSync(home.path(file), '')

interface Way {
  readonly ready: NonNullable<ProcessInput['ready']>
  /** What the shell does to say so. */
  readonly says: string
}

const WAYS: readonly (readonly [string, Way])[] = [
  ['a line of stdout', { ready: { logLine: /^listening on \d+$/ }, says: 'echo listening on 8080' }],
  ['a line of stderr', { ready: { logLine: 'listening on \\d+' }, says: 'echo now listening on 8080 >&2' }],
  ['a newline on a descriptor', { ready: { notifyFd: 3 }, says: 'echo >&3' }],
  ['a newline on another descriptor, after other text', { ready: { notifyFd: 9 }, says: 'printf yes >&9; printf "\\n" >&9' }],
]

describe.each(WAYS)('ready by %s', (_, { ready, says }) => {
  it('it is ready then and not before', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const ref = await supervisor.start(sh(`echo starting; ${waits(home)}; ${says}; exec sleep 600`, { ready }))
    await pause(100)
    expect(supervisor.get(ref.id)).toMatchObject({ state: 'starting', ready: false, ready_at: null, waiting_for: expect.stringMatching(/^no (line|newline) /) })
    expect(ref.getSnapshot().hasTag('ready')).toBe(false)
    go(home)
    expect(await supervisor.waitFor(ref.id, 'ready')).toMatchObject({ state: 'running', ready: true, run: 1, waiting_for: null })
    expect(ref.getSnapshot().hasTag('ready')).toBe(true)
  })

  it('not by what an earlier run has said', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const script = `[ $PROCMAN_RUN = 1 ] || { ${waits(home)}; }; ${says}; exec sleep 600`
    const { id } = await supervisor.start(sh(script, { ready, restart: { strategy: 'always', delayMs: 0 } }))
    await supervisor.waitFor(id, 'ready')
    await supervisor.restart(id)
    await pause(150)
    expect(supervisor.get(id)).toMatchObject({ state: 'starting', run: 2, ready: false })
    go(home)
    expect(await supervisor.waitFor(id, 'ready')).toMatchObject({ run: 2 })
  })

  it('also when the manager is killed before it is said', async () => {
    const home = aHome()
    const manager = await home.manager()
    const { pid } = await manager.start(sh(`echo starting; ${waits(home)}; ${says}; exec sleep 600`, { id: 'web', ready: told(ready) }))
    await manager.kill()
    const next = await home.supervisor()
    await pause(100)
    expect(next.get('web')).toMatchObject({ state: 'starting', pid })
    go(home)
    expect(await next.waitFor('web', 'ready')).toMatchObject({ pid, run: 1 })
  })

  it('also when it is said while nobody manages', async () => {
    const home = aHome()
    const manager = await home.manager()
    const { pid } = await manager.start(
      sh(`${waits(home)}; ${says}; echo > ${home.path('said')}; exec sleep 600`, { id: 'web', ready: told(ready), startupTimeoutMs: 600 }),
    )
    await manager.kill()
    go(home)
    await until('it was said', () => existsSync(home.path('said')))
    await pause(700) // the deadline passes, too
    const next = await home.supervisor()
    expect(await next.waitFor('web', 'ready')).toMatchObject({ pid, run: 1 })
  })

  it('also for a later manager: what was said is not asked again', async () => {
    const home = aHome()
    const manager = await home.manager()
    const { pid } = await manager.start(sh(`${says}; exec sleep 600`, { id: 'web', ready: told(ready) }))
    const { ready_at } = await manager.call('waitFor', 'web', 'ready')
    await manager.kill()
    expect((await home.supervisor()).get('web')).toMatchObject({ state: 'running', pid, ready: true, ready_at })
  })

  it('one that never says so has failed to start', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('echo starting; exec sleep 600', { ready, startupTimeoutMs: 300 }))
    const record = await supervisor.wait(id)
    expect(record).toMatchObject({ state: 'exited', status: 'failed', run: 1 })
    expect(record.error).toMatch(/^not ready within 300ms: no (line of its output matches|newline on descriptor)/)
  })

  it('one that ends before it says so has just ended', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('exit 4', { ready }))
    expect(await supervisor.wait(id)).toMatchObject({ state: 'exited', exit_code: 4, error: 'exited with code 4', ready_at: null })
  })
})

describe('ready by a line', () => {
  it('a part of a line does not count before the line has ended', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sh(`printf ready; ${waits(home)}; printf "\\n"; exec sleep 600`, { ready: { logLine: /ready/ } }))
    await pause(150)
    expect(supervisor.get(id).state).toBe('starting')
    go(home)
    await supervisor.waitFor(id, 'ready')
  })

  it('flags hold, and one with g matches as any other', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('echo x; echo READY; exec sleep 600', { ready: { logLine: /ready/gi } }))
    await supervisor.waitFor(id, 'ready')
  })

  it('is found behind a lot of output', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('seq 1 300000; echo done counting; exec sleep 600', { ready: { logLine: '^done counting$' } }))
    await supervisor.waitFor(id, 'ready')
  })
})

describe('ready by time', () => {
  it('so long after its launch', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ ready: { delayMs: 400 } }))
    expect(supervisor.get(id)).toMatchObject({ state: 'starting', ready: false })
    const { started_at, ready_at } = await supervisor.waitFor(id, 'ready')
    expect(Date.parse(ready_at ?? '') - Date.parse(started_at ?? '')).toBe(400)
  })

  it('one that ends before has never been ready', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('sleep 0.1; exit 1', { ready: { delayMs: 60_000 / 2 } }))
    expect(await supervisor.wait(id)).toMatchObject({ exit_code: 1, ready_at: null })
  })

  it('whoever manages: the time is counted from its launch, not from the manager', async () => {
    const home = aHome()
    const manager = await home.manager()
    const { started_at, pid } = await manager.start(sleeper({ id: 'web', ready: { delayMs: 800 } }))
    await manager.kill()
    const next = await home.supervisor()
    expect(await next.waitFor('web', 'ready')).toMatchObject({ pid, ready_at: new Date(Date.parse(started_at ?? '') + 800).toISOString() })
  })
})

describe('together with probes', () => {
  it('all must have come, in whichever order', async () => {
    const peer = await aPeer({ '/': { status: 503 } })
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(
      sh(`${waits(home)}; echo up; exec sleep 600`, { ready: { logLine: 'up' }, health: { readiness: http(peer.url('/'), { failureThreshold: 1 }) } }),
    )
    peer.rules['/'] = {}
    await recordWhen(supervisor, id, 'the probe passes', ({ health }) => health?.readiness?.verdict === 'passing')
    expect(supervisor.get(id).state).toBe('starting')
    peer.rules['/'] = { status: 503 }
    await recordWhen(supervisor, id, 'the probe fails', ({ health }) => health?.readiness?.verdict === 'failing')
    go(home)
    await pause(150)
    expect(supervisor.get(id)).toMatchObject({ state: 'starting', waiting_for: expect.stringContaining('status 503') })
    peer.rules['/'] = {}
    await isState(supervisor, id, 'running', 1)
  })
})
