/** Three probes, each optional: what gates what, what restarts, what only withdraws `ready`. */
import { describe, expect, it } from 'vitest'
import type { HealthChecks } from '../../src/api.ts'
import type { ProbeName } from '../../src/types.ts'
import { aHome, lives, pause, sleeper, until } from './harness.ts'
import { aPeer, at, eventsOf, http, isState, often, recordWhen, Service } from './services.ts'

const PROBES: readonly ProbeName[] = ['startup', 'liveness', 'readiness']
const all = (more: HealthChecks = {}): HealthChecks => ({ startup: at('/startup'), liveness: at('/live'), readiness: at('/ready'), ...more })

describe('each probe alone', () => {
  it.each(PROBES)('%s: only it is asked, and its passing makes the process healthy', async (name) => {
    const home = aHome()
    const service = new Service(home)
    const supervisor = await home.supervisor()
    await supervisor.start(service.input({ health: { [name]: at(`/${name}`, { failureThreshold: 1_000 }) } }))
    const record = await supervisor.waitFor('web', 'healthy')
    expect(record).toMatchObject({ state: 'running', ready: true, run: 1, health: { status: 'healthy', [name]: { verdict: 'passing', body: 'ok' } } })
    expect(new Set(service.asked().map(({ path }) => path))).toEqual(new Set([`/${name}`]))
    expect(Object.keys(record.health ?? {}).sort()).toEqual([name, 'status'].sort())
  })

  it('liveness does not delay readiness: it is ready once it is launched, and healthy once it was asked', async () => {
    const peer = await aPeer({ '/live': { afterMs: 200 } })
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ health: { liveness: http(peer.url('/live')) } }))
    expect(supervisor.get(id)).toMatchObject({ state: 'running', ready: true, health: { status: 'unknown', liveness: { verdict: 'unknown', results: [] } } })
    await supervisor.waitFor(id, 'healthy')
    expect(peer.asked.length).toBeGreaterThan(0)
  })

  it.each(['startup', 'readiness'] as const)('%s keeps it from being ready until it has passed, however long it fails', async (name) => {
    const peer = await aPeer({ '/': { status: 503 } })
    const supervisor = await aHome().supervisor()
    const ref = await supervisor.start(sleeper({ health: { [name]: http(peer.url('/'), { failureThreshold: 2 }) } }))
    const events = eventsOf(ref)
    const failing = await recordWhen(supervisor, ref.id, 'has failed often', ({ health }) => (health?.[name]?.failures ?? 0) > 5)
    expect(failing).toMatchObject({ state: 'starting', status: 'running', ready: false, ready_at: null, waiting_for: expect.stringContaining('status 503') })
    expect(ref.getSnapshot().hasTag('ready')).toBe(false)
    peer.rules['/'] = {}
    expect(await supervisor.waitFor(ref.id, 'ready')).toMatchObject({ state: 'running', ready: true, run: 1, waiting_for: null })
    expect(ref.getSnapshot().hasTag('ready')).toBe(true)
    expect(events.filter(({ type }) => type === 'process.ready')).toHaveLength(1)
  })
})

describe('all three together', () => {
  it('startup gates the others: they are not asked before it has passed, and it is not asked afterwards', async () => {
    const home = aHome()
    const service = new Service(home)
    service.steer({ '/startup': { status: 503 } })
    const supervisor = await home.supervisor()
    await supervisor.start(service.input({ health: all() }))
    await until('it was asked often', () => service.asked('/startup').length >= 5)
    expect(service.asked().every(({ path }) => path === '/startup')).toBe(true)
    service.steer({})
    await supervisor.waitFor('web', 'healthy')
    const others = service.asked('/live').length + service.asked('/ready').length
    await until('the others were asked on', () => service.asked('/live').length + service.asked('/ready').length >= others + 6)
    const asked = service.asked()
    const lastOfStartup = asked.findLastIndex(({ path }) => path === '/startup')
    expect(asked.slice(0, lastOfStartup + 1).every(({ path }) => path === '/startup')).toBe(true)
    expect(asked.slice(lastOfStartup + 1).some(({ path }) => path === '/live')).toBe(true)
    expect(supervisor.get('web').health).toMatchObject({ startup: { verdict: 'passing' }, liveness: { verdict: 'passing' }, readiness: { verdict: 'passing' } })
  })

  it('a restart begins with startup again, and forgets what the last run was answered', async () => {
    const home = aHome()
    const service = new Service(home)
    service.steer({ '/startup': { status: 503, run: 2 } })
    const supervisor = await home.supervisor()
    await supervisor.start(service.input({ health: all() }))
    await supervisor.waitFor('web', 'healthy')
    await supervisor.restart('web')
    await until('run 2 is asked', () => service.asked('/startup').filter(({ run }) => run === 2).length >= 3)
    expect(supervisor.get('web')).toMatchObject({ state: 'starting', ready: false, health: { liveness: { verdict: 'unknown', results: [], body: null } } })
    expect(service.asked().some(({ run, path }) => run === 2 && path !== '/startup')).toBe(false)
    service.steer({})
    expect(await supervisor.waitFor('web', 'healthy')).toMatchObject({ run: 2 })
  })
})

describe('one that is not ready within startupTimeoutMs', () => {
  const unready: readonly (readonly [string, (url: (path: string) => string) => HealthChecks, RegExp])[] = [
    ['its startup probe fails', (url) => ({ startup: http(url('/no')), readiness: http(url('/')) }), /startup probe failed.*: status 503$/],
    ['its readiness probe fails', (url) => ({ readiness: http(url('/no')) }), /readiness probe failed.*: status 503$/],
    ['its server hangs', (url) => ({ startup: http(url('/hangs'), { timeoutMs: 40 }) }), /startup probe failed.*: timeout after 40 ms$/],
    ['nothing listens', () => ({ startup: { ...often, tcp: 1 } }), /startup probe failed.*: connection refused$/],
  ]

  it.each(unready)('since %s: stopped, and failed with the reason', async (_, health, reason) => {
    const peer = await aPeer({ '/no': { status: 503 }, '/hangs': { hang: true } })
    const supervisor = await aHome().supervisor()
    const ref = await supervisor.start(sleeper({ health: health(peer.url), startupTimeoutMs: 700 }))
    const { pid } = supervisor.get(ref.id)
    const record = await supervisor.wait(ref.id)
    expect(record).toMatchObject({ state: 'exited', status: 'failed', run: 1, ready: false, gave_up: false })
    expect(record.error).toMatch(/^not ready within 700ms: /)
    expect(record.error).toMatch(reason)
    expect(ref.getSnapshot().context.readyAtMs).toBe(null)
    expect(lives(pid)).toBe(false)
  })

  it('is started again by policy, counted as a failed start, and given up on when that is used up', async () => {
    const peer = await aPeer({ '/': { status: 503 } })
    const supervisor = await aHome().supervisor()
    const restart = { strategy: 'on-failure', maxAttempts: 1, delayMs: 10 } as const
    const ref = await supervisor.start(sleeper({ health: { startup: http(peer.url('/')) }, startupTimeoutMs: 400, restart, breaker: false }))
    const events = eventsOf(ref)
    const record = await supervisor.wait(ref.id)
    expect(record).toMatchObject({ status: 'failed', run: 2, gave_up: true, attempts: { start: { in_a_row: 1 } } })
    expect(record.attempts).not.toHaveProperty('crash')
    expect(record.error).toMatch(/^not ready within 400ms: startup probe failed.*: status 503: gave up after 1 restart for failed start/)
    expect(events.filter(({ type }) => type === 'process.gave-up')).toHaveLength(1)
  })

  it('but was ready once is not under that timeout any more', async () => {
    const peer = await aPeer()
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(
      sleeper({ health: { readiness: http(peer.url('/'), { failureThreshold: 1 }) }, startupTimeoutMs: 400, restart: 'always' }),
    )
    await supervisor.waitFor(id, 'ready')
    peer.rules['/'] = { status: 500 }
    await isState(supervisor, id, 'unhealthy')
    await pause(600) // longer than the timeout: time itself is the fact here
    expect(supervisor.get(id)).toMatchObject({ state: 'unhealthy', run: 1 })
  })
})

describe('liveness', () => {
  it('that fails restarts, after as many failures as were asked for, with the reason, on a budget of its own', async () => {
    const home = aHome()
    const service = new Service(home)
    const supervisor = await home.supervisor()
    const ref = await supervisor.start(service.input({ health: all(), restart: { strategy: 'on-failure', delayMs: 10 } }))
    const events = eventsOf(ref)
    const { pid } = await supervisor.waitFor('web', 'healthy')
    const before = service.asked('/live').length
    service.steer({ '/live': { status: 503, run: 1 } })
    const record = await recordWhen(supervisor, 'web', 'is healthy in run 2', ({ run, health }) => run === 2 && health?.status === 'healthy')
    expect(record).toMatchObject({ state: 'running', restarts: 1, attempts: { health: { in_a_row: 1 } } })
    expect(record.attempts).not.toHaveProperty('crash')
    expect(record.reasons.map(({ text }) => text).join('\n')).toMatch(/liveness probe failed 3 times: status 503: restart 1 of 3 for failed health in \d+ ms/)
    expect(lives(pid)).toBe(false)
    expect(service.asked('/live').filter(({ run }) => run === 1).length).toBeGreaterThanOrEqual(before + 3)
    expect(events.filter(({ type }) => type === 'process.unhealthy')).toMatchObject([{ run: 1, reason: 'liveness probe failed 3 times: status 503' }])
  })

  it('that hangs restarts, too: the cause is its timeout', async () => {
    const home = aHome()
    const service = new Service(home)
    service.steer({ '/live': { hang: true, run: 1 } })
    const supervisor = await home.supervisor()
    const liveness = at('/live', { timeoutMs: 300, failureThreshold: 2 })
    await supervisor.start(service.input({ health: all({ liveness }), restart: { strategy: 'always', delayMs: 10 } }))
    const record = await isState(supervisor, 'web', 'running', 2)
    expect(record.reasons.map(({ text }) => text).join('\n')).toContain('liveness probe failed 2 times: timeout after 300 ms')
  })

  it('that keeps failing is given up on: exited, failed, with the reason, told once', async () => {
    const peer = await aPeer({ '/': { status: 500 } })
    const supervisor = await aHome().supervisor()
    const ref = await supervisor.start(
      sleeper({
        health: { liveness: http(peer.url('/'), { failureThreshold: 1 }) },
        restart: { strategy: 'always', maxAttempts: 2, delayMs: 0 },
        breaker: false,
      }),
    )
    const events = eventsOf(ref)
    const record = await supervisor.wait(ref.id)
    expect(record).toMatchObject({ state: 'exited', status: 'failed', run: 3, gave_up: true, pid: null, attempts: { health: { in_a_row: 2 } } })
    expect(record.error).toMatch(/^liveness probe failed: status 500: gave up after 2 restarts for failed health within .* \(maxAttempts 2\)$/)
    expect(events.filter(({ type }) => type === 'process.gave-up')).toMatchObject([{ run: 3, reason: record.error }])
  })

  const unrestarted = [
    ['onFailure: report', { strategy: 'always', delayMs: 0 }, 'report'],
    ['strategy never', { strategy: 'never' }, 'restart'],
  ] as const

  it.each(unrestarted)('that fails makes it only unhealthy with %s, and well again when it passes', async (_, restart, onFailure) => {
    const peer = await aPeer()
    const supervisor = await aHome().supervisor()
    const ref = await supervisor.start(sleeper({ restart, health: { liveness: http(peer.url('/'), { failureThreshold: 2, onFailure }) } }))
    const events = eventsOf(ref)
    const { pid } = await supervisor.waitFor(ref.id, 'healthy')
    peer.rules['/'] = { status: 503 }
    const unwell = await recordWhen(supervisor, ref.id, 'has failed often', ({ health }) => (health?.liveness?.failures ?? 0) > 6)
    expect(unwell).toMatchObject({ state: 'unhealthy', status: 'running', pid, run: 1, ready: false, health: { status: 'unhealthy' } })
    expect(unwell.waiting_for).toMatch(/^liveness probe failed \d+ times: status 503$/)
    peer.rules['/'] = {}
    expect(await supervisor.waitFor(ref.id, 'healthy')).toMatchObject({ state: 'running', pid, run: 1, restarts: 0, attempts: {} })
    expect(events.map(({ type }) => type)).toEqual(['process.unhealthy', 'process.ready'])
  })

  it('that only reports never restarts, also when it fails from the beginning beside a readiness probe that passes', async () => {
    const peer = await aPeer({ '/live': { status: 503 } })
    const supervisor = await aHome().supervisor()
    const liveness = http(peer.url('/live'), { failureThreshold: 1, onFailure: 'report' })
    const readiness = http(peer.url('/ready'), { initialDelayMs: 200 })
    const { id } = await supervisor.start(sleeper({ health: { liveness, readiness }, startupTimeoutMs: 800, restart: { strategy: 'always', delayMs: 0 } }))
    await recordWhen(supervisor, id, 'readiness passes', ({ health, run }) => health?.readiness?.verdict === 'passing' || run > 1)
    await pause(1_000) // past the timeout: time itself is the fact here
    expect(supervisor.get(id)).toMatchObject({ state: 'unhealthy', run: 1, ready: false, ready_at: null, health: { status: 'unhealthy' } })
    peer.rules['/live'] = {}
    expect(await supervisor.waitFor(id, 'healthy')).toMatchObject({ state: 'running', run: 1 })
  })

  it('is what restarts when readiness fails at the same time', async () => {
    const peer = await aPeer()
    const supervisor = await aHome().supervisor()
    const health = { liveness: http(peer.url('/live'), { failureThreshold: 3 }), readiness: http(peer.url('/ready'), { failureThreshold: 1 }) }
    const { id } = await supervisor.start(sleeper({ health, restart: { strategy: 'on-failure', delayMs: 0 } }))
    await supervisor.waitFor(id, 'healthy')
    peer.rules['/ready'] = { status: 503 }
    expect(await isState(supervisor, id, 'unhealthy')).toMatchObject({ run: 1 })
    peer.rules['/live'] = { status: 503 }
    await recordWhen(supervisor, id, 'is in run 2', ({ run }) => run === 2)
    expect(supervisor.get(id).attempts).toMatchObject({ health: { in_a_row: 1 } })
  })
})

describe('readiness', () => {
  it('that fails withdraws ready (state, tag and record), never restarts, and comes back', async () => {
    const home = aHome()
    const service = new Service(home)
    const supervisor = await home.supervisor()
    const ref = await supervisor.start(service.input({ health: all(), restart: { strategy: 'always', delayMs: 0 } }))
    const { pid, ready_at: first } = await supervisor.waitFor('web', 'healthy')
    for (const round of [1, 2]) {
      service.steer({ '/ready': { status: 503 } })
      const failing = await recordWhen(supervisor, 'web', 'has failed often', ({ health }) => (health?.readiness?.failures ?? 0) > 6)
      expect(failing, `round ${round}`).toMatchObject({
        state: 'unhealthy',
        ready: false,
        ready_at: null,
        pid,
        run: 1,
        health: { liveness: { verdict: 'passing' } },
      })
      expect(ref.getSnapshot().hasTag('ready')).toBe(false)
      const lively = service.asked('/live').length
      await until('liveness is asked on', () => service.asked('/live').length > lively + 1)
      service.steer({})
      const back = await supervisor.waitFor('web', 'ready')
      expect(back).toMatchObject({ state: 'running', ready: true, pid, run: 1, restarts: 0, attempts: {} })
      expect(Date.parse(back.ready_at ?? '')).toBeGreaterThan(Date.parse(first ?? ''))
      expect(ref.getSnapshot().hasTag('ready')).toBe(true)
    }
  })
})

describe('thresholds', () => {
  /** Answers of a function probe, in turn; then the last of them for ever. @returns the verdict after each */
  async function verdictsOf(answers: string, thresholds: { failureThreshold?: number; successThreshold?: number }): Promise<string> {
    const supervisor = await aHome().supervisor()
    let asked = 0
    const probe = () => answers[Math.min(asked++, answers.length - 1)] === '+'
    const ref = await supervisor.start(sleeper({ health: { liveness: { ...often, intervalMs: 10, function: probe, onFailure: 'report', ...thresholds } } }))
    const verdicts: string[] = []
    let seen = 0
    ref.subscribe(({ context }) => {
      const { liveness } = context.probes
      if (liveness === undefined || liveness.results.length === seen) return
      seen = liveness.results.length
      verdicts.push({ unknown: '?', passing: '+', failing: '-' }[liveness.verdict])
    })
    await until('all were given', () => verdicts.length >= answers.length)
    return verdicts.slice(0, answers.length).join('')
  }

  it.each([
    ['---+-', { failureThreshold: 3 }, '??-+' + '+'],
    ['+--+---', { failureThreshold: 3 }, '++++++-'],
    ['-+-+-+-', { failureThreshold: 2 }, '?++++++'],
    ['---+-+--++', { failureThreshold: 3, successThreshold: 2 }, '??------' + '-+'],
    ['++-+', { failureThreshold: 1, successThreshold: 2 }, '?+--'],
    ['-', { failureThreshold: 1 }, '-'],
  ])('%s with %j is %s', async (answers, thresholds, expected) => {
    expect(await verdictsOf(answers, thresholds)).toBe(expected)
  })
})
