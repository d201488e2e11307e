/** The circuit breaker: closed, open, half-open; what closes it; what managers that are killed make of it. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ProcessInput, Supervisor } from '../../src/api.ts'
import type { BreakerPolicy, RestartPolicy } from '../../src/types.ts'
import { aHome, type Home, inState, kill, rejection, sh, until } from './harness.ts'
import { aPeer, eventsOf, http, isState, recordWhen, snapshotOnDisk } from './services.ts'

const LONG_MS = 3_600_000

/** Fails while the file `bad` is there. */
function aService(home: Home, breaker: Partial<BreakerPolicy> = {}, policy: Partial<RestartPolicy> = {}): ProcessInput {
  writeFileSync(home.path('bad'), '')
  const restart = { strategy: 'on-failure', maxAttempts: 0, delayMs: 0, ...policy } as const
  return sh(`[ -e ${home.path('bad')} ] && exit 1; exec sleep 600`, { id: 'web', restart, breaker: { failures: 3, cooldownMs: LONG_MS, ...breaker } })
}

const mend = (home: Home) => rmSync(home.path('bad'))

const opened = (supervisor: Supervisor) => recordWhen(supervisor, 'web', 'its breaker is open', ({ breaker }) => breaker?.state === 'open')

describe('a circuit breaker', () => {
  it('opens after so many failures within the window: nothing is started before the cooldown is over, and the record says so', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const input = aService(home)
    await supervisor.start(input)
    const record = await opened(supervisor)
    expect(record).toMatchObject({ state: 'backoff', status: 'running', run: 3, retry_at: record.breaker?.open_until })
    expect(record.breaker?.failures_at).toHaveLength(3)
    expect(Date.parse(record.breaker?.open_until ?? '') - Date.parse(record.completed_at ?? '')).toBe(LONG_MS)
    expect(record.reasons.at(-1)?.text).toMatch(/^exited with code 1: the circuit breaker is open \(3 failures within 1m\): a trial run in 1h$/)
  })

  it.each([
    ['restart', (supervisor: Supervisor) => supervisor.restart('web')],
    ['launch', (supervisor: Supervisor) => supervisor.launch('web')],
  ])('that is open refuses %s, with the time left', async (_, command) => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(aService(home))
    const { breaker, run } = await opened(supervisor)
    const error = await rejection(command(supervisor))
    expect(error).toMatchObject({ code: 'PROCMAN_BREAKER_OPEN', details: { id: 'web', openUntilMs: Date.parse(breaker?.open_until ?? '') } })
    expect(error.message).toMatch(/open for another (1h|59m\d+s)/)
    expect(supervisor.get('web')).toMatchObject({ state: 'backoff', run })
  })

  it.each([
    ['restart with force', (supervisor: Supervisor) => supervisor.restart('web', { force: true })],
    ['launch with force', (supervisor: Supervisor) => supervisor.launch('web', { force: true })],
    ['reset', (supervisor: Supervisor) => supervisor.reset('web')],
  ])('that is open is closed by %s, and the next run begins now', async (_, command) => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(aService(home))
    await opened(supervisor)
    mend(home)
    await command(supervisor)
    expect(await isState(supervisor, 'web', 'running', 4)).toMatchObject({ breaker: { state: 'closed', failures_at: [], open_until: null }, attempts: {} })
  })

  it('is refused no stop, and a stopped one that is open is still refused a start', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(aService(home))
    await opened(supervisor)
    expect(await supervisor.stop('web')).toMatchObject({ state: 'exited', status: 'cancelled' })
    expect((await rejection(supervisor.launch('web'))).code).toBe('PROCMAN_BREAKER_OPEN')
    mend(home)
    await supervisor.reset('web')
    expect(await supervisor.launch('web')).toMatchObject({ state: 'running', run: 4 })
  })

  it('whose cooldown is over lets one run begin as a trial; when that fails, it is open again, for as long', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const ref = await supervisor.start({ ...aService(home, { cooldownMs: 250 }), autostart: false })
    const states: string[] = []
    ref.subscribe(({ context }) => {
      const state = context.breaker?.state ?? 'closed'
      if (states.at(-1) !== state) states.push(state)
    })
    await supervisor.launch('web')
    const record = await recordWhen(supervisor, 'web', 'the second trial has failed', (now) => now.run === 5 && now.breaker?.state === 'open')
    expect(states).toEqual(['closed', 'open', 'half-open', 'open', 'half-open', 'open'])
    expect(record.reasons.at(-1)?.text).toMatch(/the circuit breaker is open \(the trial run failed\): a trial run in 250ms$/)
    expect(Date.parse(record.breaker?.open_until ?? '') - Date.parse(record.completed_at ?? '')).toBe(250)
  })

  it('is closed when the trial run was ready for long enough', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(aService(home, { cooldownMs: 250 }, { resetAfterMs: 300 }))
    await opened(supervisor)
    mend(home)
    const trial = await isState(supervisor, 'web', 'running', 4)
    expect(trial.breaker).toMatchObject({ state: 'half-open', open_until: null })
    const record = await recordWhen(supervisor, 'web', 'its breaker is closed', ({ breaker }) => breaker?.state === 'closed')
    expect(record).toMatchObject({ state: 'running', run: 4, breaker: { failures_at: [] } })
    expect(record.reasons.at(-1)?.text).toMatch(/^ready for .*: the circuit breaker is closed$/)
    kill(record.pid)
    expect(await isState(supervisor, 'web', 'running', 5)).toMatchObject({ breaker: { state: 'closed' } })
  })

  it('is closed when the trial run ends well', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { restart, breaker } = aService(home, { cooldownMs: 200 })
    await supervisor.start(sh(`[ -e ${home.path('bad')} ] && exit 1; exit 0`, { id: 'web', restart: restart ?? 'never', breaker: breaker ?? true }))
    await opened(supervisor)
    mend(home)
    expect(await supervisor.wait('web')).toMatchObject({ status: 'completed', run: 4, breaker: { state: 'closed', failures_at: [] } })
  })

  it('a trial run that is not ready in time has failed, and one whose health fails, too', async () => {
    const peer = await aPeer({ '/startup': { status: 503 }, '/live': { status: 500 } })
    const supervisor = await aHome().supervisor()
    const health = { startup: http(peer.url('/startup')), liveness: http(peer.url('/live'), { failureThreshold: 1 }) }
    const restart = { strategy: 'on-failure', maxAttempts: 0, delayMs: 0 } as const
    const breaker = { failures: 1, cooldownMs: 200 }
    const ref = await supervisor.start(sh('[ $PROCMAN_RUN = 1 ] && exit 1; exec sleep 600', { id: 'web', restart, breaker, health, startupTimeoutMs: 400 }))
    const verdicts: string[] = []
    ref.on('process.backing-off', ({ reason }) => {
      verdicts.push(reason)
      if (reason.startsWith('not ready')) peer.rules['/startup'] = {}
    })
    await until('both have failed', () => ['not ready', 'liveness'].every((how) => verdicts.some((verdict) => verdict.startsWith(how))))
    const trials = verdicts.filter((verdict) => !verdict.startsWith('exited'))
    expect(trials[0]).toMatch(/^not ready within 400ms: .*: the circuit breaker is open \(the trial run failed\): a trial run in 200ms$/)
    expect(trials.at(-1)).toMatch(/^liveness probe failed: status 500: the circuit breaker is open \(the trial run failed\): a trial run in 200ms$/)
  })

  it('does not open for failures that lie further apart than the window', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { restart } = aService(home)
    await supervisor.start(sh('sleep 0.15; exit 1', { id: 'web', restart: restart ?? 'never', breaker: { failures: 2, windowMs: 100 } }))
    expect((await recordWhen(supervisor, 'web', 'is in run 5', ({ run }) => run >= 5)).breaker?.state).toBe('closed')
  })

  it('is none with breaker: false', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start({ ...aService(home), breaker: false })
    expect(await recordWhen(supervisor, 'web', 'is in run 10', ({ run }) => run >= 10)).toMatchObject({ breaker: null })
  })

  it('a stop in the middle of a trial neither opens nor closes it, and is not undone', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const ref = await supervisor.start(aService(home, { cooldownMs: 200 }, { resetAfterMs: LONG_MS }))
    await opened(supervisor)
    mend(home)
    await isState(supervisor, 'web', 'running', 4)
    const events = eventsOf(ref)
    expect(await supervisor.stop('web')).toMatchObject({ status: 'cancelled', breaker: { state: 'half-open' } })
    expect(events.filter(({ type }) => type === 'process.backing-off')).toEqual([])
    expect(await supervisor.launch('web')).toMatchObject({ state: 'running', breaker: { state: 'half-open' } })
  })
})

describe('a manager that is killed', () => {
  it('while the breaker is open has an heir behind the same breaker', async () => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start(aService(home))
    await until('that is on disk', () => snapshotOnDisk(home, 'web')?.context.breaker?.state === 'open')
    const before = await manager.call('get', 'web')
    await manager.kill()
    const next = await home.supervisor()
    expect(next.get('web')).toEqual(before)
    expect((await rejection(next.restart('web'))).code).toBe('PROCMAN_BREAKER_OPEN')
    mend(home)
    expect(await next.restart('web', { force: true })).toMatchObject({ run: 4, breaker: { state: 'closed' } })
  })

  it('while the breaker is open has an heir that begins the trial when the cooldown is over, and not before', async () => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start(aService(home, { cooldownMs: 1_200 }))
    await until('that is on disk', () => snapshotOnDisk(home, 'web')?.context.breaker?.state === 'open')
    const { openUntilMs } = snapshotOnDisk(home, 'web').context.breaker
    await manager.kill()
    mend(home)
    const next = await home.supervisor()
    const record = await isState(next, 'web', 'running', 4)
    expect(record.breaker?.state).toBe('half-open')
    expect(Date.parse(record.started_at ?? '')).toBeGreaterThanOrEqual(openUntilMs)
  })

  it.each([
    ['passes: closed', true],
    ['fails: open again', false],
  ])('in the trial has an heir that knows that it is one, which %s', async (_, passes) => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start(aService(home, { cooldownMs: 600 }, { resetAfterMs: 1_500 }))
    await until('the breaker is open', () => snapshotOnDisk(home, 'web')?.context.breaker?.state === 'open')
    mend(home)
    await until('the trial is on disk', () => snapshotOnDisk(home, 'web').value === 'running')
    await manager.kill()
    const next = await home.supervisor()
    expect(next.get('web')).toMatchObject({ run: 4, state: 'running', breaker: { state: 'half-open' } })
    if (passes) {
      expect(await recordWhen(next, 'web', 'it is closed', ({ breaker }) => breaker?.state === 'closed')).toMatchObject({ run: 4, state: 'running' })
    } else {
      writeFileSync(home.path('bad'), '')
      kill(next.get('web').pid)
      expect(await opened(next)).toMatchObject({ run: 4, state: 'backoff' })
    }
  })

  it('right when the trial begins has an heir that takes it for one', async () => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start(aService(home, { cooldownMs: 300 }))
    await until('the breaker is open', () => snapshotOnDisk(home, 'web')?.context.breaker?.state === 'open')
    mend(home)
    await until('the trial is begun', () => existsSync(home.jobFile('web', 'run-4.intent')))
    await manager.kill()
    const next = await home.supervisor()
    await inState(next.ref('web'), 'running')
    expect(next.get('web')).toMatchObject({ run: 4, breaker: { state: 'half-open' } })
  })
})
